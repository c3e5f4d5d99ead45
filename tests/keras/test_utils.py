"""Names, settings, arrays of labels, progress, batches by number, and texts as numbers."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque.keras import naming
from calque.keras.random_generator import RandomGenerator

keras = tf.keras
utils = keras.utils


@pytest.fixture(autouse=True)
def _start_over() -> Iterator[None]:
    naming.reset_uids()
    yield
    naming.reset_uids()


def test_names_are_counted() -> None:
    assert [naming.get_uid("dense") for _ in range(2)] == [1, 2]
    assert [naming.unique_object_name("dense", zero_based=True) for _ in range(3)] == [
        "dense",
        "dense_1",
        "dense_2",
    ]
    assert naming.unique_object_name("conv") == "conv_1"
    assert naming.unique_object_name("dense", namespace="other", zero_based=True) == "dense"
    naming.observe_object_name("conv_2")
    assert naming.unique_object_name("conv", avoid_observed_names=True) == "conv_3"
    assert naming.unique_object_name("a", avoid_names={"a"}, zero_based=True) == "a_1"
    keras.backend.clear_session()
    assert naming.unique_object_name("dense", zero_based=True) == "dense"
    assert keras.backend.get_uid("dense") == 1


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Dense", "dense"),
        ("MaxPooling2D", "max_pooling2d"),
        ("ELU", "elu"),
        ("LSTMCell", "lstm_cell"),
        ("GRU", "gru"),
        ("_Own", "private__own"),
    ],
)
def test_snake_case(name: str, snake: str) -> None:
    assert naming.snake_case(name) == snake


def test_settings() -> None:
    backend = keras.backend
    assert (backend.floatx(), backend.epsilon(), backend.image_data_format()) == (
        "float32",
        1e-7,
        "channels_last",
    )
    try:
        backend.set_floatx("float64")
        backend.set_epsilon(0.5)
        backend.set_image_data_format("channels_first")
        assert keras.initializers.Zeros()([1]).dtype == tf.float64
        assert backend.constant(1).dtype == tf.float64
        assert keras.optimizers.SGD().learning_rate.dtype == tf.float64
        assert backend.epsilon() == 0.5
    finally:
        backend.set_floatx("float32")
        backend.set_epsilon(1e-7)
        backend.set_image_data_format("channels_last")
    with pytest.raises(ValueError, match="Unknown `floatx` value: int8"):
        backend.set_floatx("int8")
    with pytest.raises(ValueError, match="Unknown `data_format`: middle"):
        backend.set_image_data_format("middle")


def test_seeds_make_everything_repeatable() -> None:
    def numbers() -> list[Any]:
        utils.set_random_seed(3)
        drawn = keras.initializers.GlorotUniform()([2]).numpy().tolist()
        return [random.random(), np.random.rand(), tf.random.normal([1]).numpy().tolist(), drawn]

    assert numbers() == numbers()
    with pytest.raises(ValueError, match="Expected `seed` argument to be an integer"):
        utils.set_random_seed("a")


def test_random_generators() -> None:
    stateless = RandomGenerator(5, "stateless")
    np.testing.assert_array_equal(stateless.random_normal([3]), stateless.random_normal([3]))
    assert np.any(stateless.random_normal([3]) != stateless.random_normal([3], nonce=1))
    a, b = (RandomGenerator(5, force_generator=True) for _ in range(2))
    first = a.random_uniform([3])
    np.testing.assert_array_equal(first, b.random_uniform([3]))
    assert np.any(first != a.random_uniform([3]))
    assert a.make_seed_for_stateless_op().shape == [2]
    old = RandomGenerator(5)
    assert (old.make_legacy_seed(), old.make_legacy_seed()) == (5, 6)
    assert old.make_seed_for_stateless_op() is None
    for generator in (stateless, a, old):
        dropped = generator.dropout(tf.ones([1000]), 0.25).numpy()
        assert set(np.unique(dropped).tolist()) == {0.0, np.float32(1 / 0.75)}
        assert abs((dropped == 0).mean() - 0.25) < 0.06
    keras.backend.experimental.enable_tf_random_generator()
    try:
        assert keras.backend.experimental.is_tf_random_generator_enabled()
        assert RandomGenerator(1).make_seed_for_stateless_op() is not None
    finally:
        keras.backend.experimental.disable_tf_random_generator()
    with pytest.raises(ValueError, match="Invalid `rng_type`"):
        RandomGenerator(1, "fair")


def test_an_initializer_without_a_seed_warns_when_it_is_called_again() -> None:
    initializer = keras.initializers.HeNormal()
    first = initializer([3])
    with pytest.warns(UserWarning, match="HeNormal is unseeded and being called multiple times"):
        again = initializer([3])
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda k: k.Zeros()([1], foo=1), TypeError, "Unknown keyword arguments: ..foo"),
        (lambda k: k.Zeros()([1], dtype="string"), ValueError, "Expected numeric or boolean dtype"),
        (lambda k: k.HeNormal()([1], dtype="int32"), ValueError, "Expected floating point type"),
        (lambda k: k.RandomUniform()([1], dtype="bool"), ValueError, "Expected float or integer"),
        (
            lambda k: k.Orthogonal()([2, 2], partition_shape=(1, 2)),
            ValueError,
            "doesn't support partition",
        ),
        (lambda k: k.Orthogonal()([2]), ValueError, "must be at least two-dimensional"),
        (lambda k: k.Identity()([2]), ValueError, "can only be used for 2D"),
        (lambda k: k.VarianceScaling(scale=0.0), ValueError, "`scale` must be positive"),
        (lambda k: k.VarianceScaling(mode="fan"), ValueError, "Invalid `mode`"),
        (lambda k: k.VarianceScaling(distribution="even"), ValueError, "Invalid `distribution`"),
        (lambda k: k.Initializer()([1]), NotImplementedError, "must implement"),
    ],
)
def test_initializers_refuse(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(keras.initializers)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: keras.regularizers.L1(float("nan")), "not a valid regularization penalty"),
        (lambda: keras.regularizers.L2("1"), "not a valid regularization penalty"),
        (lambda: keras.regularizers.OrthogonalRegularizer(mode="all"), "Expected .rows. or .columns."),
        (lambda: keras.regularizers.OrthogonalRegularizer()(tf.ones([2])), "must have rank 2"),
        (lambda: keras.constraints.RadialConstraint()(tf.ones([2, 3, 1, 1])), "must have rank 4"),
        (lambda: keras.activations.softmax(tf.ones([2])), "Cannot apply softmax to a tensor that is 1D"),
        (lambda: keras.losses.Huber(reduction="all"), "Invalid Reduction Key: all"),
        (lambda: keras.losses.categorical_crossentropy([[1.0]], [[1.0]], axis=True), "must be of type"),
    ],
)
def test_values_out_of_range(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_loss_of_one_s_own_is_converted() -> None:
    class Positive(keras.losses.Loss):  # type: ignore[misc,name-defined]
        def call(self, y_true: Any, y_pred: Any) -> Any:
            if tf.reduce_sum(y_pred) > 0:
                return y_pred - y_true
            return y_true - y_pred

    loss = Positive()
    step = tf.function(lambda a, b: loss(a, b))
    assert float(step(tf.constant([1.0]), tf.constant([3.0]))) == 2.0
    assert float(step(tf.constant([1.0]), tf.constant([-3.0]))) == 4.0
    assert loss.get_config() == {"reduction": "auto", "name": None}


def test_losses_of_unknown_ranks() -> None:
    loss = keras.losses.MeanSquaredError()

    @tf.function(input_signature=[tf.TensorSpec(None), tf.TensorSpec(None), tf.TensorSpec(None)])
    def step(labels: Any, predictions: Any, weights: Any) -> Any:
        return loss(labels, predictions, sample_weight=weights)

    labels = tf.constant(np.arange(12.0, dtype=np.float32).reshape(4, 3))
    predictions = tf.ones([4, 3, 1])
    for weights in (np.float32(2.0), np.arange(4, dtype=np.float32)):
        wanted = loss(labels, predictions, sample_weight=weights)
        np.testing.assert_allclose(step(labels, predictions, weights), wanted)
    square = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    for weights in (np.ones((2, 1), np.float32), np.array([0.5, 2.0], np.float32)):
        wanted = loss(square, square + 2, sample_weight=weights)
        np.testing.assert_allclose(step(square, square + 2, weights), wanted)


def test_labels_as_arrays() -> None:
    np.testing.assert_array_equal(utils.to_categorical([0, 2]), [[1, 0, 0], [0, 0, 1]])
    assert utils.to_categorical([[[1]], [[0]]], 4, "int32").shape == (2, 1, 4)
    np.testing.assert_array_equal(utils.to_ordinal([[0], [2], [1]]), [[0, 0], [1, 1], [1, 0]])
    np.testing.assert_allclose(utils.normalize(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0, 0]])


def test_padding() -> None:
    pad = utils.pad_sequences
    items = [[1], [2, 3], [4, 5, 6], []]
    np.testing.assert_array_equal(pad(items), [[0, 0, 1], [0, 2, 3], [4, 5, 6], [0, 0, 0]])
    np.testing.assert_array_equal(
        pad(items, 2, padding="post", truncating="post", value=9), [[1, 9], [2, 3], [4, 5], [9, 9]]
    )
    assert pad([[[1, 2]], [[3, 4], [5, 6]]]).shape == (2, 2, 2)
    assert pad([["a"], ["b", "c"]], dtype=object, value="-").tolist() == [["-", "a"], ["b", "c"]]
    for call, message in (
        (lambda: pad(3), "must be iterable"),
        (lambda: pad([1]), "list of iterables"),
        (lambda: pad([[1]], padding="left"), 'Padding type "left"'),
        (lambda: pad([[1]], truncating="left"), 'Truncating type "left"'),
        (lambda: pad([[1]], value="x"), "not compatible with"),
        (lambda: pad([[[1]], [[1, 2]]]), "is different from expected shape"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_progress(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    bar = utils.Progbar(4, width=8, interval=0, stateful_metrics=["last"])
    bar.update(1, [("loss", 1.0), ("last", 5.0)])
    bar.add(1, [("loss", 3.0), ("last", 6.0)])
    bar.update(4, [("loss", 0.0)])
    printed = capsys.readouterr().out
    assert "1/4 [=>......]" in printed
    assert "2/4 [===>....] - ETA: 0s - loss: 2.0000 - last: 6.0000" in printed
    assert "4/4 [========]" in printed
    assert "loss: 1.0000" in printed
    assert printed.endswith("\n")
    line = utils.Progbar(2, verbose=2)
    line.update(1, [("loss", 1e-5)])
    line.update(2, [("loss", 1e-5)])
    assert capsys.readouterr().out.startswith("2/2 - 0s - loss: 1.0000e-05 - ")
    utils.Progbar(None, verbose=0).update(1)
    assert capsys.readouterr().out == ""
    utils.disable_interactive_logging()
    try:
        assert not utils.is_interactive_logging_enabled()
        with caplog.at_level(logging.INFO, "calque"):
            utils.Progbar(None).update(3, finalize=True)
        assert "3/Unknown" in caplog.text
    finally:
        utils.enable_interactive_logging()


class Numbers(utils.Sequence):  # type: ignore[misc,name-defined]
    epochs = 0

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> int:
        if index > 2:
            raise ValueError("there are three")
        return index

    def on_epoch_end(self) -> None:
        self.epochs += 1


def test_batches_are_fetched_in_threads() -> None:
    assert list(Numbers()) == [0, 1, 2]
    queue = utils.OrderedEnqueuer(Numbers(), shuffle=False)
    queue.start(workers=2, max_queue_size=2)
    batches = queue.get()
    assert [next(batches) for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert queue.sequence.epochs >= 2
    queue.stop()
    assert not queue.is_running()
    counted = utils.GeneratorEnqueuer(iter(range(4)))
    counted.start()
    assert list(counted.get()) == [0, 1, 2, 3]
    counted.stop()

    class Broken(Numbers):
        def __getitem__(self, index: int) -> int:
            raise ValueError("no such batch")

    queue = utils.OrderedEnqueuer(Broken())
    queue.start()
    with pytest.raises(ValueError, match="no such batch"):
        next(queue.get())
    assert not queue.is_running()


def test_windows_of_a_series() -> None:
    make = keras.preprocessing.sequence.TimeseriesGenerator
    series = np.arange(20)[:, np.newaxis]
    windows = make(series, series, length=4, sampling_rate=2, batch_size=3)
    assert len(windows) == 6
    x, y = windows[0]
    np.testing.assert_array_equal(x[..., 0], [[0, 2], [1, 3], [2, 4]])
    np.testing.assert_array_equal(y[:, 0], [4, 5, 6])
    assert make(series, series, 4, reverse=True)[0][0][0, 0] == 3
    assert '"length": 4' in windows.to_json()
    with pytest.raises(ValueError, match="of same length"):
        make(series, series[1:], 4)
    with pytest.raises(ValueError, match="is disallowed"):
        make(series, series, 30)


def test_skipgrams() -> None:
    sequence = keras.preprocessing.sequence
    pairs, labels = sequence.skipgrams([1, 2, 0, 3], 5, window_size=1, negative_samples=0.0, shuffle=False)
    assert pairs == [[1, 2], [2, 1]]
    assert labels == [1, 1]
    pairs, labels = sequence.skipgrams([1, 2, 3], 5, seed=1, categorical=True)
    assert len(pairs) == len(labels) == 12
    assert sorted(map(tuple, labels)) == [(0, 1)] * 6 + [(1, 0)] * 6
    table = sequence.make_sampling_table(5)
    np.testing.assert_allclose(table[1:3], [np.sqrt(1e-5 * (0.577 + 0.5 - 1 / 12)), 0.00547], rtol=2e-1)


def test_words_as_numbers() -> None:
    text = keras.preprocessing.text
    assert text.text_to_word_sequence("A b, c!") == ["a", "b", "c"]
    assert text.hashing_trick("a b a", 10, "md5")[0] == text.hashing_trick("a", 10, "md5")[0]
    assert all(0 < i < 10 for i in text.one_hot("some words here", 10))
    tokenizer = text.Tokenizer(num_words=4, oov_token="?")
    tokenizer.fit_on_texts(["a b c a", "b a d"])
    assert tokenizer.word_index == {"?": 1, "a": 2, "b": 3, "c": 4, "d": 5}
    assert tokenizer.texts_to_sequences(["a b zz d"]) == [[2, 3, 1, 1]]
    assert tokenizer.sequences_to_texts([[2, 3, 4, 9]]) == ["a b ? ?"]
    np.testing.assert_array_equal(tokenizer.texts_to_matrix(["a a b"], "count"), [[0, 0, 2, 1]])
    np.testing.assert_allclose(tokenizer.texts_to_matrix(["a a b"], "freq"), [[0, 0, 2 / 3, 1 / 3]])
    frequent = (1 + np.log(2)) * np.log(1 + 2 / 3)
    np.testing.assert_allclose(tokenizer.texts_to_matrix(["a a b"], "tfidf")[0, 2], frequent)
    again = text.tokenizer_from_json(tokenizer.to_json())
    assert again.get_config() == tokenizer.get_config()
    letters = text.Tokenizer(char_level=True)
    letters.fit_on_texts(["ab", "a"])
    assert letters.texts_to_sequences(["ba"]) == [[2, 1]]
    with pytest.raises(ValueError, match="Unknown vectorization mode"):
        tokenizer.texts_to_matrix(["a"], "some")
    with pytest.raises(ValueError, match="Specify a dimension"):
        text.Tokenizer().sequences_to_matrix([[1]])
    with pytest.raises(TypeError, match="Unrecognized keyword"):
        text.Tokenizer(words=3)


def test_keras_is_loaded_when_it_is_first_asked_for() -> None:
    code = "import sys, calque; print(any(m.startswith('calque.keras') for m in sys.modules), calque.keras.losses.mse)"
    path = os.pathsep.join(sys.path)  # where the packages are not installed
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.stdout.startswith("False <function mean_squared_error")
    assert (tf.losses, tf.optimizers) == (keras.losses, keras.optimizers)
    assert tf.initializers is keras.initializers
    with pytest.raises(AttributeError, match="calque.keras has no 'nothing'"):
        _ = keras.nothing
