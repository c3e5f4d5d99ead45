"""TF1 models with conditionals, loops, training switches and state; see `tf1_models`."""

from __future__ import annotations

from typing import Any

import numpy as np

from interop.tf1_models import Feeds, case, f32, normal, variable


@case()
def batch_norm_switch(tf: Any, feed: Feeds) -> dict[str, Any]:
    """A network with `is_training` as a placeholder: batch norm and dropout behind conditionals."""
    layers = tf.compat.v1.layers
    x = feed("x", normal(2, 8, 8, 3))
    training = feed("training", np.bool_(False), default=False)
    h = layers.conv2d(x, 4, 3, padding="same", name="conv")
    h = tf.nn.relu(layers.batch_normalization(h, training=training, fused=True))
    h = layers.max_pooling2d(h, 2, 2)
    h = layers.batch_normalization(layers.flatten(h), training=training)
    h = layers.dropout(h, 0.4, training=training)
    return {"logits": layers.dense(h, 3, name="dense")}


@case()
def nested_conditions(tf: Any, feed: Feeds) -> dict[str, Any]:
    v1 = tf.compat.v1
    x, a, b = feed("x", f32(1, 2, 3)), feed("a", np.bool_(True)), feed("b", np.bool_(False))
    w = variable(tf, "w", 1)

    def inner() -> Any:
        return v1.cond(b, lambda: (x * w, tf.constant(1)), lambda: (x - w, tf.constant(2)))

    y, which = v1.cond(a, inner, lambda: (tf.zeros_like(x), tf.constant(3)))
    z = v1.cond(tf.logical_and(a, b), lambda: y + 1.0, lambda: v1.cond(a, lambda: y * 2.0, lambda: y))
    return {"y": y, "which": which, "z": z}


@case()
def case_and_switch(tf: Any, feed: Feeds) -> dict[str, Any]:
    v1 = tf.compat.v1
    n = feed("n", np.int32(2))
    x = feed("x", f32(4, 9))
    chosen = v1.case(
        [(tf.less(n, 1), lambda: x), (tf.less(n, 3), lambda: tf.sqrt(x))], default=lambda: -x, exclusive=False
    )
    by_index = tf.switch_case(n, [lambda: x, lambda: x + 1.0, lambda: x + 2.0])
    return {"chosen": chosen, "by_index": by_index}


@case()
def loop_in_condition_in_loop(tf: Any, feed: Feeds) -> dict[str, Any]:
    v1 = tf.compat.v1
    x = feed("x", f32(1, 2, 3))
    n = feed("n", np.int32(4))
    w = variable(tf, "w", 3)

    def inner(total: Any) -> Any:
        return v1.while_loop(lambda j, t: j < 3, lambda j, t: (j + 1, t * 0.5 + w), (0, total))[1]

    def body(i: Any, total: Any) -> Any:
        return i + 1, v1.cond(tf.equal(i % 2, 0), lambda: inner(total) + x, lambda: total - 1.0)

    _, total = v1.while_loop(lambda i, t: i < n, body, (0, tf.zeros([3])), back_prop=False)
    return {"total": total, "doubled": total * 2.0}


@case()
def loop_without_turns(tf: Any, feed: Feeds) -> dict[str, Any]:
    v1 = tf.compat.v1
    n = feed("n", np.int32(0))
    i, x = v1.while_loop(lambda i, x: i < n, lambda i, x: (i + 1, x + 1.0), (0, tf.constant([1.0, 2.0])))
    return {"i": i, "x": x}


@case()
def side_effects(tf: Any, feed: Feeds) -> dict[str, Any]:
    """A counter: what is assigned before the result, and what in a branch."""
    v1 = tf.compat.v1
    x = feed("x", f32(1, 2))
    count = v1.get_variable("count", initializer=np.int64(3), trainable=False)
    total = v1.get_variable("total", initializer=f32(0, 0), trainable=False)
    with tf.control_dependencies([v1.assign_add(count, 2)]):
        seen = tf.identity(count)
    added = v1.assign_add(total, x)
    with tf.control_dependencies([added]):
        again = v1.assign(total, total * 2.0)
    with tf.control_dependencies([again]):
        final = v1.cond(seen > 4, lambda: v1.assign_sub(total, [1.0, 1.0]), lambda: v1.assign(total, x))
    return {"seen": seen, "final": tf.identity(final), "scattered": scattered(tf)}


def scattered(tf: Any) -> Any:
    v1 = tf.compat.v1
    rows = v1.get_variable("rows", initializer=np.arange(8, dtype=np.float32).reshape(4, 2))
    first = v1.scatter_update(rows, [1, 3], [[9.0, 9.0], [8.0, 8.0]])
    with tf.control_dependencies([first]):
        second = v1.scatter_add(rows, [0, 0], [[1.0, 2.0], [3.0, 4.0]])
    with tf.control_dependencies([second]):
        third = v1.scatter_nd_update(rows, [[2]], [[0.5, 0.25]])
    with tf.control_dependencies([third]):
        return tf.identity(rows) * 1.0


@case()
def partitioned(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Variables in slices, saved as one tensor; embeddings in shards."""
    v1 = tf.compat.v1
    ids = feed("ids", np.array([[0, 5], [9, 3]], np.int64))
    with v1.variable_scope("parts", partitioner=v1.fixed_size_partitioner(3)):
        table = v1.get_variable("table", [10, 4], initializer=v1.random_normal_initializer(seed=3))
        w = v1.get_variable("w", [4, 3], initializer=v1.random_normal_initializer(seed=4))
    found = v1.nn.embedding_lookup(table, ids, partition_strategy="div")
    mod = v1.nn.embedding_lookup(list(table), ids % 8, partition_strategy="mod")
    return {"found": found, "mod": mod, "y": tf.tensordot(found, tf.convert_to_tensor(w), 1)}


@case()
def moving_averages(tf: Any, feed: Feeds) -> dict[str, Any]:
    """The graph of a training run with a global step, a decayed rate, averages and an optimizer's slots."""
    v1 = tf.compat.v1
    x, y = feed("x", normal(4, 3)), feed("y", normal(4, 1, seed=1))
    w, b = variable(tf, "w", 3, 1), variable(tf, "b", 1, seed=1)
    loss = tf.reduce_mean((x @ w + b - y) ** 2)
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(0.1, step, 10, 0.9, staircase=True)
    train = v1.train.AdamOptimizer(rate).minimize(loss, step)
    average = v1.train.ExponentialMovingAverage(0.9, step)
    with tf.control_dependencies([train]):
        updated = average.apply([w, b])
    with tf.control_dependencies([updated]):
        return {
            "w": tf.identity(w) * 1.0, "average": tf.identity(average.average(w)) * 1.0, "step": tf.identity(step),
        }  # fmt: skip


@case()
def optimizers(tf: Any, feed: Feeds) -> dict[str, Any]:
    """One step of each classic optimizer, as a signature that trains."""
    v1 = tf.compat.v1
    x = feed("x", f32(1, -2, 3))
    out: dict[str, Any] = {}
    train = v1.train
    for name, made in {
        "sgd": train.GradientDescentOptimizer(0.1),
        "momentum": train.MomentumOptimizer(0.1, 0.9),
        "nesterov": train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
        "adam": train.AdamOptimizer(0.1),
        "adagrad": train.AdagradOptimizer(0.1),
        "adadelta": train.AdadeltaOptimizer(0.1),
        "rmsprop": train.RMSPropOptimizer(0.1, momentum=0.5),
        "centered": train.RMSPropOptimizer(0.1, centered=True),
        "ftrl": train.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
        "proximal": train.ProximalGradientDescentOptimizer(0.1, l2_regularization_strength=0.1),
    }.items():
        w = v1.get_variable(f"w_{name}", initializer=f32(0.5, 1.0, -1.0))
        with tf.control_dependencies([made.minimize(tf.reduce_sum((w * x) ** 2), var_list=[w])]):
            out[name] = tf.identity(w) * 1.0
    return out


@case()
def placeholder_defaults(tf: Any, feed: Feeds) -> dict[str, Any]:
    x = feed("x", f32(5, 6), default=f32(1, 2))
    w = variable(tf, "w", 2)
    scale = tf.compat.v1.placeholder_with_default(np.float32(3), ())  # no input of the signature
    return {"y": x * scale + w}


@case()
def no_inputs(tf: Any, feed: Feeds) -> dict[str, Any]:
    return {"w": variable(tf, "w", 2, 3) * 1.0, "text": tf.constant("hello"), "n": tf.constant(5)}


@case()
def variables_as_outputs(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Outputs that are inputs, constants, variables themselves."""
    x = feed("x", f32(1, 2))
    w = variable(tf, "w", 2)
    return {"x": x, "w": tf.convert_to_tensor(w), "c": tf.constant(f32(7)), "y": x + w}


@case()
def asserts(tf: Any, feed: Feeds) -> dict[str, Any]:
    v1 = tf.compat.v1
    x = feed("x", normal(3, 2), shape=None)
    checks = [v1.assert_rank(x, 2), v1.assert_greater(tf.size(x), 0), v1.assert_equal(tf.shape(x)[1], 2)]
    with tf.control_dependencies(checks):
        y = v1.Print(tf.identity(x), [tf.shape(x)], "shape: ")
    return {"y": tf.stop_gradient(tf.debugging.check_numerics(y, "bad"))}


@case()
def functions(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Defun calls: nodes whose op is the function's name in files of TF1."""
    from tensorflow.python.framework import function

    x = feed("x", f32(1, 2))

    @function.Defun(tf.float32, func_name="square_and_add")
    def add(value: Any) -> Any:
        return value * value + 1.0

    @function.Defun(tf.float32, tf.float32)
    def twice(a: Any, b: Any) -> Any:
        return add(a) + b, add(b)

    one, two = twice(x, x + 1.0)
    return {"one": one, "two": two}


@case()
def iterator(tf: Any, feed: Feeds) -> dict[str, Any]:
    """A signature that takes the next element where no input is fed: what is fed stands in its place."""
    v1 = tf.compat.v1
    data = v1.data.Dataset.from_tensor_slices(normal(4, 3)).repeat().batch(2)
    made = v1.data.make_initializable_iterator(data)
    v1.add_to_collection("iterator_initializer", made.initializer)
    features = made.get_next()
    feed.tensors["features"] = features
    feed.values["features"] = normal(5, 3, seed=4)
    return {"y": features @ variable(tf, "w", 3, 2)}


@case()
def iterator_runs(tf: Any, feed: Feeds) -> dict[str, Any]:
    """A signature that takes its data from a dataset, which the initializer makes."""
    v1 = tf.compat.v1
    x = feed("x", f32(1, 2, 3))
    data = v1.data.Dataset.from_tensor_slices(normal(4, 3)).map(lambda row: row * 2.0).repeat().batch(2)
    made = v1.data.make_initializable_iterator(data)
    v1.add_to_collection("iterator_initializer", made.initializer)
    return {"y": made.get_next() * x}
