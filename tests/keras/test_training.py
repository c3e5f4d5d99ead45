"""`compile`, `fit`, `evaluate`, `predict`, by numpy and by what must hold; tests/interop has tf-keras's numbers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque import keras

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(50, 4)).astype(np.float32)
Y = RANDOM.normal(size=(50, 1)).astype(np.float32)


def linear(**compiled: Any) -> Any:
    """A linear model whose weights are zero, compiled for SGD with a rate of 0.1."""
    model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="zeros", input_shape=(4,))])
    given = {"optimizer": keras.optimizers.SGD(0.1), "loss": "mse"} | compiled
    model.compile(**given)
    return model


def descended(batches: Any, rate: float = 0.1) -> tuple[Any, Any]:
    """Kernel and bias after steps of gradient descent on the weighted squared error, by numpy."""
    kernel, bias = np.zeros((4, 1)), np.zeros(1)
    for x, y, weight in batches:
        error = (x @ kernel + bias - y) * weight[:, None] * 2 / len(x)
        kernel, bias = kernel - rate * x.T @ error, bias - rate * error.sum(0)
    return kernel, bias


def batched(size: int, weight: Any = None, order: Any = None) -> list[Any]:
    order = np.arange(50) if order is None else np.asarray(order)
    weight = np.ones(50) if weight is None else np.asarray(weight)
    parts = [order[i : i + size] for i in range(0, 50, size)]
    return [(X[p], Y[p], weight[p]) for p in parts]


def check(model: Any, batches: Any) -> None:
    for got, wanted in zip(model.get_weights(), descended(batches), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6)


# What is computed


def test_steps_of_gradient_descent() -> None:
    model = linear()
    history = model.fit(X, Y, epochs=2, batch_size=16, shuffle=False, verbose=0)
    check(model, batched(16) * 2)
    assert history.epoch == [0, 1]
    assert history is model.history


def test_the_loss_of_an_epoch_is_the_mean_over_its_rows() -> None:
    model = linear(optimizer=keras.optimizers.SGD(0.0))
    history = model.fit(X, Y, epochs=1, batch_size=16, verbose=0)
    np.testing.assert_allclose(history.history["loss"], [np.mean(Y**2)], rtol=1e-5)


def test_sample_and_class_weights_multiply() -> None:
    classes = (Y[:, 0] > 0).astype(np.float32)
    weight = RANDOM.uniform(0, 2, 50).astype(np.float32)
    model = linear()
    model.fit(
        X,
        classes,
        sample_weight=weight,
        class_weight={0: 0.5, 1: 3.0},
        batch_size=20,
        shuffle=False,
        verbose=0,
    )
    factor = weight * np.where(classes > 0, 3.0, 0.5)
    parts = [slice(i, i + 20) for i in range(0, 50, 20)]
    wanted = descended([(X[p], classes[p, None], factor[p]) for p in parts])
    for got, value in zip(model.get_weights(), wanted, strict=True):
        np.testing.assert_allclose(got, value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shuffle", [True, "batch"])
def test_shuffling_takes_every_row_once_and_follows_the_seed(shuffle: Any) -> None:
    def orders() -> list[Any]:
        seen: list[Any] = []

        class Watched(keras.Model):  # type: ignore[misc]
            def train_step(self, data: Any) -> Any:
                seen.append(data[0].numpy()[:, 0])
                return {"loss": 0.0}

        keras.utils.set_random_seed(7)
        model = Watched()
        model.compile(run_eagerly=True)
        model.fit(np.arange(50.0)[:, None], epochs=2, batch_size=8, shuffle=shuffle, verbose=0)
        return seen

    first, again = orders(), orders()
    assert [len(b) for b in first[:7]].count(8) == 6
    epochs = np.concatenate(first[:7]), np.concatenate(first[7:])
    for epoch in epochs:
        assert sorted(epoch) == list(range(50))
    assert list(epochs[0]) != list(epochs[1])
    assert list(epochs[0]) != list(range(50))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    if shuffle == "batch":
        assert all(set(b) == set(range(int(min(b)), int(max(b)) + 1)) for b in first)


def test_one_trace_for_any_number_of_rows() -> None:
    traced: list[Any] = []

    class Counted(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            traced.append(inputs.shape[0])
            return inputs

    model = keras.Sequential([Counted(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    model.train_on_batch(X[:3], Y[:3])
    assert model.train_tf_function.experimental_get_tracing_count() <= 2
    assert set(traced) == {None}


def test_the_size_of_batches_is_known_where_a_dataset_has_just_one() -> None:
    traced: list[Any] = []

    class Counted(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            traced.append(inputs.shape[0])
            return inputs

    model = keras.Sequential([Counted(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    rows = tf.data.Dataset.from_tensor_slices((X, Y))
    model.fit(rows.batch(10, drop_remainder=True), verbose=0)
    assert traced[-1] == 10
    model.predict(rows.batch(16), verbose=0)
    assert traced[-1] is None


@pytest.mark.parametrize("eagerly", [False, True])
def test_a_step_of_ones_own_may_branch_on_tensors(eagerly: bool) -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.large = keras.metrics.Sum(name="large")

        def train_step(self, data: Any) -> Any:
            x, y = data
            if tf.reduce_sum(x) > 10.0:
                self.large.update_state(tf.reduce_sum(x))
            return {"large": self.large.result(), "rows": tf.shape(y)[0]}

    model = Own()
    model.compile(run_eagerly=eagerly)
    x = np.asarray([[1.0], [20.0], [30.0], [2.0]])
    history = model.fit(x, x, batch_size=1, epochs=1, shuffle=False, verbose=0)
    assert history.history == {"large": [50.0], "rows": [1]}


def test_fit_runs_the_train_function_of_a_subclass() -> None:
    class Own(keras.Sequential):  # type: ignore[misc]
        def make_train_function(self, force: bool = False) -> Any:
            def function(iterator: Any) -> Any:
                x, _ = next(iterator)
                return {"rows": tf.shape(x)[0]}

            return function

    model = Own([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert model.fit(X, Y, batch_size=30, verbose=0, shuffle=False).history == {"rows": [20]}


def test_compute_loss_and_compute_metrics_of_a_subclass() -> None:
    class Own(keras.Sequential):  # type: ignore[misc]
        def compute_loss(
            self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
        ) -> Any:
            return super().compute_loss(x, y, y_pred, sample_weight) * 2.0

        def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> Any:
            return super().compute_metrics(x, y, y_pred, sample_weight) | {"more": 1.0}

    model = Own([keras.layers.Dense(1, kernel_initializer="zeros", input_shape=(4,))])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    assert model.fit(X, Y, batch_size=50, verbose=0).history["more"] == [1.0]
    check(model, batched(50))


def test_losses_and_metrics_of_symbolic_tensors(tmp_path: Path) -> None:
    inputs = keras.Input((4,))
    inner = keras.layers.Dense(3, kernel_initializer="ones")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="zeros")(inner))
    model.add_loss(tf.reduce_mean(inner))
    model.add_loss(2.0 * tf.reduce_sum(inner))
    model.add_metric(tf.reduce_max(inner), name="largest")
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.save(tmp_path / "model")
    copy = keras.Model.from_config(model.get_config())
    copy.set_weights(model.get_weights()[:4] + copy.get_weights()[4:])
    copy.compile("sgd", "mse")
    values = X.sum(1)
    wanted = np.mean(Y**2) + values.mean() + 6.0 * values.sum()
    for one in (model, copy, keras.models.load_model(tmp_path / "model")):
        loss, largest = one.evaluate(X, Y, batch_size=50, verbose=0)
        np.testing.assert_allclose([loss, largest], [wanted, values.max()], rtol=1e-4)


def test_python_and_graph_steps_agree() -> None:
    models = [linear(run_eagerly=eagerly) for eagerly in (False, True)]
    for model in models:
        model.fit(X, Y, epochs=2, batch_size=16, shuffle=False, verbose=0)
    for a, b in zip(*(m.get_weights() for m in models), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    models[0].run_eagerly = True
    assert models[0].make_train_function(force=True) is models[0].train_function


# Data


def test_ragged_and_sparse_inputs() -> None:
    ragged = tf.ragged.constant([[1.0], [2.0, 3.0], [], [4.0, 5.0, 6.0], [7.0]])
    sums = keras.Sequential([keras.layers.Lambda(lambda r: tf.reduce_sum(r, axis=1))])
    np.testing.assert_array_equal(sums.predict(ragged, batch_size=2, verbose=0), [1.0, 5.0, 0.0, 15.0, 7.0])
    dense = np.asarray([[0, 1, 0], [2, 0, 0], [0, 0, 3], [4, 5, 0]], np.float32)
    sparse = tf.sparse.from_dense(dense)

    class Products(keras.Model):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return tf.sparse.sparse_dense_matmul(inputs, tf.ones([3, 1]))

    np.testing.assert_array_equal(Products().predict(sparse, batch_size=3, verbose=0)[:, 0], dense.sum(1))


class Rows(keras.utils.Sequence):  # type: ignore[misc]
    """The rows in batches of ten; counts the ends of epochs."""

    ended = 0

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> Any:
        part = slice(10 * index, 10 * index + 10)
        return X[part].astype(np.float64), Y[part]

    def on_epoch_end(self) -> None:
        self.ended += 1


@pytest.mark.parametrize("workers", [1, 3])
def test_a_sequence_in_threads_or_not(workers: int) -> None:
    model, rows = linear(), Rows()
    model.fit(rows, epochs=2, shuffle=False, verbose=0, workers=workers)
    check(model, batched(10) * 2)
    assert rows.ended >= 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_generator_goes_on_from_epoch_to_epoch(workers: int) -> None:
    model = linear()
    batches = ((x, y, w) for x, y, w in batched(10) * 2)
    model.fit(batches, epochs=2, steps_per_epoch=5, verbose=0, workers=workers)
    check(model, batched(10) * 2)


def test_generators_by_the_old_names() -> None:
    model = linear()
    with pytest.warns(UserWarning, match="fit_generator` is deprecated"):
        model.fit_generator(iter(batched(10)), steps_per_epoch=5, verbose=0)
    check(model, batched(10))
    with pytest.warns(UserWarning, match="evaluate_generator` is deprecated"):
        loss = model.evaluate_generator(iter(batched(10)), steps=5)
    np.testing.assert_allclose(loss, model.evaluate(X, Y, verbose=0), rtol=1e-5)
    with pytest.warns(UserWarning, match="predict_generator` is deprecated"):
        assert model.predict_generator(iter(batched(10)), steps=2).shape == (20, 1)


def test_a_generator_that_ends_early(caplog: pytest.LogCaptureFixture) -> None:
    model = linear()
    with caplog.at_level(logging.WARNING, "calque"):
        history = model.fit(iter(batched(10)), epochs=3, steps_per_epoch=4, verbose=0)
    assert "ran out of data" in caplog.text
    assert history.epoch == [0, 1]


def test_lists_of_numbers_are_data() -> None:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit([[1.0, 2.0], [3.0, 4.0]], [0, 1], verbose=0)
    assert model.predict([[1, 2]], verbose=0).shape == (1, 1)


def test_outputs_of_differing_sizes_become_ragged() -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def predict_step(self, data: Any) -> Any:
            return tf.zeros([tf.shape(data)[0], tf.cast(tf.reduce_max(data), tf.int32)])

    found = Own().predict(tf.data.Dataset.from_tensor_slices([1, 3, 2]).batch(1), verbose=0)
    assert found.row_lengths().numpy().tolist() == [1, 3, 2]


# Settings


def test_layers_are_trained_as_they_were_when_the_model_was_compiled() -> None:
    model = linear()
    model.layers[0].trainable = False
    model.fit(X, Y, batch_size=50, verbose=0)
    check(model, batched(50))
    assert model.layers[0].trainable is False


def test_several_steps_between_two_calls_of_callbacks() -> None:
    model = linear(steps_per_execution=2)
    ends: list[int] = []
    watch = keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: ends.append(batch))
    model.fit(X, Y, batch_size=10, epochs=1, shuffle=False, verbose=0, callbacks=[watch])
    assert ends == [1, 3, 4]
    assert model.steps_per_execution == 2
    check(model, batched(10))


def test_compiling_again_from_a_config() -> None:
    model = linear(optimizer="adam", loss=keras.losses.Huber(delta=0.5), metrics=["mae"])
    config = model.get_compile_config()
    other = keras.Sequential([keras.layers.Dense(1, input_shape=(4,))])
    other.compile_from_config(config)
    assert isinstance(other.optimizer, keras.optimizers.Adam)
    assert other.compiled_loss._user_losses.get_config() == keras.losses.Huber(delta=0.5).get_config()
    assert len(other.optimizer.variables) == 1 + 2 * 2
    other.fit(X, Y, verbose=0)
    assert other.metrics_names == ["loss", "mae"]
    assert keras.Sequential().get_compile_config() is None


@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (
            lambda: keras.Sequential([keras.layers.Dense(1)]).fit(X, Y),
            RuntimeError,
            "must compile your model",
        ),
        (lambda: linear().fit(X, Y[:9]), ValueError, r"x sizes: 50\n  y sizes: 9"),
        (lambda: linear().fit(X[:0], Y[:0]), ValueError, "non-empty"),
        (lambda: linear().fit(X), ValueError, "Target data is missing"),
        (lambda: linear(loss=None).fit(X, Y), ValueError, "No loss found"),
        (lambda: linear(metrics=["nothing"]).fit(X, Y), ValueError, "metric function.*nothing"),
        (
            lambda: linear(loss={"other": "mse"}).fit(X, Y),
            ValueError,
            "do not correspond to any Model output",
        ),
        (lambda: linear(metrics=["mae", "mae"]).fit(X, Y), ValueError, "two metrics with the same name: mae"),
        (lambda: linear().fit(object()), ValueError, "Failed to find data adapter"),
        (lambda: linear().fit(Rows(), Y), ValueError, "`y` argument is not supported"),
        (lambda: linear(nonsense=1), TypeError, "nonsense"),
        (lambda: linear(run_eagerly=True, jit_compile=True), ValueError, "at the same time"),
        (lambda: linear().evaluate(X, Y, nonsense=1), TypeError, "nonsense"),
        (lambda: linear(steps_per_execution=2).fit(iter(()), verbose=0), ValueError, "infer the size"),
        (lambda: linear().fit(iter(()), verbose=0), ValueError, "Empty logs"),
        (lambda: linear().predict(iter(()), verbose=0), ValueError, "Empty batch_outputs"),
    ],
)
def test_refusals(act: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        act()


def test_one_metric_object_cannot_be_given_twice() -> None:
    metric = keras.metrics.MeanAbsoluteError()
    with pytest.raises(ValueError, match="duplicated metrics"):
        linear(metrics=[metric], weighted_metrics=[metric])


def test_a_call_with_more_arguments_cannot_be_trained() -> None:
    class Two(keras.Model):  # type: ignore[misc]
        def call(self, a: Any, b: Any) -> Any:
            return a + b

    model = Two()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"found: \['b'\]"):
        model.fit(X, Y)


def test_an_interrupted_training_leaves_its_validation_data_behind() -> None:
    def interrupt(epoch: int, logs: Any) -> None:
        raise KeyboardInterrupt

    model = linear()
    stop = keras.callbacks.LambdaCallback(on_epoch_end=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, validation_data=(X, Y), callbacks=[stop], verbose=0)
    history = model.fit(X, Y, validation_data=(X, Y + 100), verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X, Y + 100, verbose=0), rel=1e-5)
