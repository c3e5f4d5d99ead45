"""Writes SavedModels without object graphs, as TF1 wrote them, and what a Session computes from them.

`python make_golden.py [model ...]`, to be run with an interpreter that has tensorflow-cpu, never by the test suite.
Each model is a directory beside this file, and an .npz: `<signature>|<call>|in/<name>` and `.../out/<name>`, in the
order of the calls, which all go to one Session. A sparse output has three parts.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo  # noqa: E402
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel  # noqa: E402

from support.arrays import pack  # noqa: E402

tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)

f32 = np.float32


class Model:
    """A model being made: signatures, calls, and how it is initialized."""

    def __init__(self):
        self.signatures = {}
        self.calls = []
        self.options = {}
        self.saver = None
        self.edit = None

    def signature(self, name, inputs, outputs, *calls):
        """`calls` are dicts of inputs by name; {} is a call, too."""
        infos = []
        for tensors in (inputs, outputs):
            infos.append({k: info(v) for k, v in tensors.items()})
        self.signatures[name] = tf.saved_model.signature_def_utils.build_signature_def(
            infos[0], infos[1], "tensorflow/serving/predict"
        )
        self.calls += [(name, call) for call in calls]


def info(tensor):
    if isinstance(tensor, tf.Operation):
        return TensorInfo(name=tensor.name, dtype=1, tensor_shape=tf.TensorShape(None).as_proto())
    return tf.saved_model.utils.build_tensor_info(tensor)


def placeholder(name, shape=(), dtype=tf.float32):
    return tf.placeholder(dtype, shape, name)


def conditions(m):
    """Switch and Merge in all their uses."""
    x, p, q = placeholder("x"), placeholder("p", dtype=tf.bool), placeholder("q", dtype=tf.bool)
    ref = tf.get_variable("ref", initializer=f32(10), use_resource=False)
    res = tf.get_variable("res", initializer=f32(20), use_resource=True)
    both = [{"x": f32(3), "p": np.bool_(True)}, {"x": f32(3), "p": np.bool_(False)}]
    four = [
        {"x": f32(v), "p": np.bool_(a), "q": np.bool_(b)}
        for v, a, b in [(1, 1, 1), (2, 1, 0), (3, 0, 1), (4, 0, 0)]
    ]
    plain = tf.cond(p, lambda: (x + 1, x * 2), lambda: (x - 1, tf.constant(7.0)))
    m.signature("plain", {"x": x, "p": p}, {"a": plain[0], "b": plain[1]}, *both)
    m.signature(
        "constants", {"p": p}, {"y": tf.cond(p, lambda: 1.5, lambda: 2.5)}, *({"p": c["p"]} for c in both)
    )
    nested = tf.cond(
        p, lambda: tf.cond(q, lambda: x, lambda: -x), lambda: tf.cond(q, lambda: x * 10, lambda: x * 100)
    )
    m.signature("nested", {"x": x, "p": p, "q": q}, {"y": nested}, *four)
    first = tf.cond(p, lambda: x + 1, lambda: x - 1)
    second = tf.cond(p, lambda: first * x, lambda: first + x)
    m.signature("twice", {"x": x, "p": p}, {"y": second, "first": first}, *both)
    same = tf.cond(p, lambda: tf.cond(p, lambda: x, lambda: -x), lambda: x * 3)
    m.signature("same", {"x": x, "p": p}, {"y": same}, *both)
    derived = tf.cond(tf.cond(p, lambda: x > 2, lambda: x < 2), lambda: x, lambda: -x)
    m.signature("derived", {"x": x, "p": p}, {"y": derived}, *both)
    chosen = tf.case([(x < 1, lambda: x), (x < 2, lambda: x * 2)], default=lambda: x * 3)
    m.signature("case", {"x": x}, {"y": chosen}, *({"x": f32(v)} for v in (0, 1, 2)))
    train = tf.placeholder_with_default(False, (), "train")
    mode = tf.cond(train, lambda: x * 0.5, lambda: x)
    m.signature("default", {"x": x}, {"y": mode}, {"x": f32(4)})
    m.signature("given", {"x": x, "train": train}, {"y": mode}, {"x": f32(4), "train": np.bool_(True)})
    switched = tf.cond(p, lambda: ref + x, lambda: res * x)
    m.signature("variables", {"x": x, "p": p}, {"y": switched}, *both)
    grown = tf.cond(p, lambda: tf.assign_add(ref, x), lambda: res.assign_add(x))
    m.signature("assigned", {"x": x, "p": p}, {"y": grown}, *both, *both)
    m.signature("read", {}, {"ref": ref, "res": res.value()}, {})
    with tf.control_dependencies([tf.Assert(x > 0, ["not positive", x])]):
        checked = tf.sqrt(x)
    m.signature("checked", {"x": x}, {"y": checked}, {"x": f32(9)})
    low, high = tf.raw_ops.Switch(data=x, pred=p)
    merged = tf.raw_ops.Merge(inputs=[high + 1, low + 2])
    m.signature("raw", {"x": x, "p": p}, {"y": merged.output, "which": merged.value_index}, *both)


def loops(m):
    """Enter, Exit, NextIteration and what can stand in a loop."""
    x, n = placeholder("x", [None]), placeholder("n", dtype=tf.int32)
    p = placeholder("p", dtype=tf.bool)
    v = tf.get_variable("v", initializer=f32(0), use_resource=False)
    w = tf.get_variable("w", initializer=np.array([1, 2, 3], f32), use_resource=True)
    given = {"x": np.array([1, 2, 3], f32)}
    several = [{**given, "n": np.int32(i)} for i in (0, 1, 4)]
    plain = tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y * x + w), [0, x])
    m.signature("plain", {"x": x, "n": n}, {"i": plain[0], "y": plain[1]}, *several)

    def outer(i, total):
        inner = tf.while_loop(
            lambda j, t: j < i, lambda j, t: (j + 1, t + x * tf.cast(i * j, tf.float32)), [0, total]
        )
        return i + 1, inner[1]

    nested = tf.while_loop(lambda i, t: i < n, outer, [0, tf.zeros_like(x)])
    m.signature("nested", {"x": x, "n": n}, {"y": nested[1]}, *several)
    after = tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y + plain[1]), [0, x])
    m.signature("sequence", {"x": x, "n": n}, {"y": after[1]}, *several)
    branch = tf.while_loop(
        lambda i, y: i < n,
        lambda i, y: (i + 1, tf.cond(tf.equal(i % 2, 0), lambda: y + x, lambda: y * 2)),
        [0, x],
    )
    m.signature("cond_inside", {"x": x, "n": n}, {"y": branch[1]}, *several)
    chosen = tf.cond(
        p, lambda: tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y + x), [0, x])[1], lambda: -x
    )
    flags = [{**several[2], "p": np.bool_(c)} for c in (True, False)]
    m.signature("inside_cond", {"x": x, "n": n, "p": p}, {"y": chosen}, *flags)
    grows = tf.while_loop(
        lambda i, y: i < n,
        lambda i, y: (i + 1, tf.concat([y, x[:1]], 0)),
        [0, x],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
    )
    m.signature("grows", {"x": x, "n": n}, {"y": grows[1]}, *several)
    unused = tf.while_loop(lambda i, a, b: i < n, lambda i, a, b: (i + 1, b, a), [0, x, -x])
    m.signature("swapped", {"x": x, "n": n}, {"y": unused[1]}, *several)
    constant = tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, tf.ones_like(x)), [0, x])
    m.signature("constant", {"x": x, "n": n}, {"y": constant[1]}, *several)

    def assigns(i, y):
        with tf.control_dependencies([tf.assign_add(v, 1.0)]):
            return i + 1, y + 1

    counted = tf.while_loop(lambda i, y: i < n, assigns, [0, x])
    with tf.control_dependencies(counted):
        total = v.read_value()
    m.signature("assigns", {"x": x, "n": n}, {"y": counted[1], "v": total}, *several)
    limited = tf.while_loop(lambda y: tf.reduce_sum(y) < 100, lambda y: y * 2, [x], maximum_iterations=3)
    m.signature("limited", {"x": x}, {"y": limited}, given)
    mapped = tf.map_fn(lambda one: one * one + w[0], x)
    m.signature("map", {"x": x}, {"y": mapped}, given, {"x": np.zeros(0, f32)})
    m.signature("scan", {"x": x}, {"y": tf.scan(lambda a, b: a + b, x)}, given)


def variables(m):
    """Variables of every kind, in signatures of every form."""
    x = placeholder("x")
    ref = tf.get_variable("ref", initializer=f32(1), use_resource=False)
    res = tf.get_variable("res", initializer=f32(2), use_resource=True)
    with tf.variable_scope("part", partitioner=tf.fixed_size_partitioner(3)):
        table = tf.get_variable("table", initializer=tf.reshape(tf.range(14.0), [7, 2]), use_resource=False)
        other = tf.get_variable("other", initializer=tf.reshape(tf.range(10.0), [5, 2]), use_resource=True)
    text = tf.get_variable("text", initializer=tf.constant([b"a", b"bc"]), use_resource=False)
    step = tf.train.get_or_create_global_step()
    local = tf.get_variable(
        "local", initializer=f32(5), collections=[tf.GraphKeys.LOCAL_VARIABLES], use_resource=False
    )
    rows = tf.get_variable("rows", initializer=np.zeros((3, 2), f32), use_resource=False)
    ids = placeholder("ids", [None], tf.int32)
    m.signature("sum", {"x": x}, {"y": x + ref * res}, {"x": f32(3)})
    m.signature(
        "parts",
        {"ids": ids},
        {"a": tf.nn.embedding_lookup(table, ids), "b": tf.convert_to_tensor(other)},
        {"ids": np.array([0, 6, 3], np.int32)},
    )
    m.signature("get", {}, {"ref": ref, "step": step.value(), "text": text, "local": local}, {})
    m.signature("add", {"x": x}, {"y": tf.assign_add(ref, x)}, {"x": f32(2)}, {"x": f32(3)})
    m.signature("sub", {"x": x}, {"y": tf.assign_sub(ref, x)}, {"x": f32(1)})
    m.signature(
        "count",
        {},
        {"y": tf.count_up_to(tf.get_variable("c", initializer=0, use_resource=False), 10)},
        {},
        {},
    )
    with tf.control_dependencies([tf.scatter_update(rows, ids, tf.ones([tf.size(ids), 2]))]):
        changed = rows.read_value()
    m.signature("scatter", {"ids": ids}, {"y": changed}, {"ids": np.array([2, 0], np.int32)})
    m.signature("known", {}, {"y": tf.is_variable_initialized(ref)}, {})
    m.signature("set", {"x": x}, {"op": tf.group(tf.assign(local, x))}, {"x": f32(9)})
    m.signature("get_local", {}, {"local": local}, {})
    m.signature("feed", {"w": ref.value(), "x": x}, {"y": x * 2}, {"w": f32(7), "x": f32(3)})
    m.signature("identity", {"x": x}, {"x": x, "one": tf.constant(1)}, {"x": f32(3)})
    middle = tf.sqrt(x, name="middle")
    m.signature("middle", {"inner": middle}, {"y": middle + 1}, {"inner": f32(3)})
    m.options["main_op"] = tf.local_variables_initializer()


def tables(m):
    """Tables of both forms, assets, and a table that the saver restores."""
    keys = placeholder("keys", [None], tf.string)
    path = HERE / "vocabulary.txt"
    path.write_text("red\ngreen\nblue\n")
    file = tf.constant(str(path), name="vocabulary")
    tf.add_to_collection(tf.GraphKeys.ASSET_FILEPATHS, file)
    from tensorflow.python.ops import lookup_ops as lookup

    text = lookup.index_table_from_file(vocabulary_file=file, num_oov_buckets=2)
    some = {"keys": np.array([b"blue", b"red", b"grey", b"pink"], object)}
    m.signature("file", {"keys": keys}, {"y": text.lookup(keys), "size": text.size()}, some)
    pairs = lookup.HashTable(lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64)), -1)
    m.signature("pairs", {"keys": keys}, {"y": pairs.lookup(keys)}, {"keys": np.array([b"b", b"x"], object)})
    old = tf.raw_ops.HashTable(key_dtype=tf.string, value_dtype=tf.float32, shared_name="old")
    fill = tf.raw_ops.InitializeTable(table_handle=old, keys=["k"], values=tf.constant([2.5]))
    found = tf.raw_ops.LookupTableFind(table_handle=old, keys=keys, default_value=tf.constant(-1.0))
    m.signature("old", {"keys": keys}, {"y": found}, {"keys": np.array([b"k", b"x"], object)})
    mutable = lookup.MutableHashTable(tf.string, tf.int64, -5, name="mutable")
    m.signature(
        "mutable", {"keys": keys}, {"y": mutable.lookup(keys)}, {"keys": np.array([b"m", b"x"], object)}
    )
    m.before = [mutable.insert(["m"], tf.constant([50], tf.int64))]
    m.options["main_op"] = tf.group(tf.tables_initializer(), fill)
    m.options["assets_collection"] = tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS)
    m.clean = [path]


def composite(m):
    """Signatures of tensors that are made of several."""
    sparse = tf.sparse_placeholder(tf.float32, [None, 4], "sparse")
    parts = {
        "sparse_indices": np.array([[0, 1], [1, 3]], np.int64),
        "sparse_values": np.array([2, 3], f32),
        "sparse_dense_shape": np.array([2, 4], np.int64),
    }
    m.signature("dense", {"sparse": sparse}, {"y": tf.sparse.to_dense(sparse)}, parts)
    m.signature("sparse", {"sparse": sparse}, {"y": sparse * 2.0, "n": tf.size(sparse.values)}, parts)


def frozen(m):
    """No variables, no initializer, no checkpoint."""
    x = placeholder("x", [None, 2])
    m.signature("serving_default", {"x": x}, {"y": tf.matmul(x, [[1.0], [2.0]])}, {"x": np.ones((3, 2), f32)})


def legacy(m):
    """An initializer under the name that it had first; placeholders that need not be fed; a signature of no inputs."""
    keys = placeholder("keys", [None], tf.string)
    scale = tf.placeholder_with_default(f32(3), (), "scale")
    from tensorflow.python.ops import lookup_ops as lookup

    pairs = lookup.HashTable(
        lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64)), -1, name="pairs"
    )
    local = tf.get_variable(
        "local", initializer=f32(5), collections=[tf.GraphKeys.LOCAL_VARIABLES], use_resource=False
    )
    found = tf.cast(pairs.lookup(keys), tf.float32) * scale + local
    some = {"keys": np.array([b"b", b"x"], object)}
    m.signature("serving_default", {"keys": keys}, {"y": found}, some)
    m.signature("scaled", {"keys": keys, "scale": scale}, {"y": found}, {**some, "scale": f32(0.5)})
    m.signature("size", {}, {"y": pairs.size(), "scale": scale}, {})
    m.options["main_op"] = tf.group(tf.tables_initializer(), tf.local_variables_initializer())
    m.edit = only_legacy


def only_legacy(collections):
    """Leave no other way to find the initializer."""
    collections["legacy_init_op"].CopyFrom(collections["saved_model_main_op"])
    for name in ("saved_model_main_op", "table_initializer", "local_variables"):
        del collections[name]


MODELS = [conditions, loops, variables, tables, composite, frozen, legacy]


def feeds(graph, signature, call):
    out = {}
    for name, tensor in signature.inputs.items():
        if tensor.WhichOneof("encoding") == "coo_sparse":
            coo = tensor.coo_sparse
            for part in ("indices", "values", "dense_shape"):
                out[getattr(coo, f"{part}_tensor_name")] = call[f"{name}_{part}"]
        else:
            out[tensor.name] = call[name]
    return out


def fetches(signature):
    out = {}
    for name, tensor in signature.outputs.items():
        if tensor.WhichOneof("encoding") == "coo_sparse":
            for part in ("indices", "values", "dense_shape"):
                out[f"{name}/{part}"] = getattr(tensor.coo_sparse, f"{part}_tensor_name")
        else:
            out[name] = tensor.name
    return out


def make(build):
    target = HERE / build.__name__
    shutil.rmtree(target, ignore_errors=True)
    m = Model()
    with tf.Graph().as_default(), tf.Session() as session:
        build(m)
        session.run([tf.global_variables_initializer(), tf.tables_initializer(), *getattr(m, "before", [])])
        builder = tf.saved_model.Builder(str(target))
        builder.add_meta_graph_and_variables(
            session, ["serve"], m.signatures, strip_default_attrs=True, **m.options
        )
        builder.save()
    if m.edit is not None:
        path = target / "saved_model.pb"
        proto = SavedModel.FromString(path.read_bytes())
        m.edit(proto.meta_graphs[0].collection_def)
        path.write_bytes(proto.SerializeToString(deterministic=True))
    for path in getattr(m, "clean", []):
        path.unlink()
    results = {}
    with tf.Graph().as_default() as graph, tf.Session() as session:
        meta_graph = tf.saved_model.load(session, ["serve"], str(target))
        for number, (name, call) in enumerate(m.calls):
            signature = meta_graph.signature_def[name]
            got = session.run(fetches(signature), feeds(graph, signature, call))
            for part, arrays in (("in", call), ("out", got)):
                for key, array in arrays.items():
                    if array is not None:
                        results.update(pack(f"{name}|{number}|{part}/{key}", array))
    np.savez_compressed(HERE / f"{build.__name__}.npz", **results)


if __name__ == "__main__":
    for one in MODELS:
        if len(sys.argv) == 1 or one.__name__ in sys.argv[1:]:
            make(one)
            print(one.__name__)
