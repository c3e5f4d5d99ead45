"""Preprocessing layers as a table of cases, and what one case gives; run here and by the interpreter of tf-keras.

A case is an expression that makes a layer, of ``L`` (`keras.layers`), ``keras``, ``tf``, ``np`` and ``path`` (a file of
words), the inputs it is called on, and maybe data for `adapt`.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interop.keras_layers import plain

WORDS = "np.array([['a', 'c', 'zz'], ['b', '', 'hello']])"
TEXTS = "np.array([['The quick brown fox!'], ['jumps, over the lazy dog.'], ['']])"
TRAINING = "['the quick brown fox', 'jumps over the lazy dog', 'The end of the fox.', 'a dog; a fox']"
NUMBERS = "np.array([[12, 1138, 42], [42, 1000, 36]])"
ROWS = "np.arange(24, dtype='float32').reshape(6, 4) ** 1.5"
IMAGES = "np.random.default_rng(3).uniform(0, 255, (2, 10, 12, 3)).astype('float32')"


@dataclass(frozen=True)
class Case:
    """A layer, and how it is called.

    Attributes:
        make: the expression that makes the layer.
        inputs: that of the inputs.
        adapt: that of the data for `adapt`, or its arguments.
        call: that of the call, of ``layer`` and ``x``.
        setup: run between, with ``layer``.
    """

    make: str
    inputs: str
    adapt: str | None = None
    call: str = "layer(x)"
    setup: str = ""


def _lookups(make: str, *modes: str, inputs: str = WORDS, **more: Any) -> list[Case]:
    return [Case(make.replace("MODE", f"output_mode='{mode}'"), inputs, **more) for mode in modes]


MODES = ("int", "multi_hot", "count")
ALL = [
    # numbers
    Case("L.Normalization()", ROWS, ROWS),
    Case("L.Normalization()", ROWS, f"{ROWS}, batch_size=2"),
    Case("L.Normalization(axis=None)", ROWS, ROWS),
    Case("L.Normalization(axis=None)", "np.array([1.0, 2.0, 5.0], 'float32')", "[0, 2, 7]"),
    Case("L.Normalization(axis=(0, 1))", ROWS[:-7] + "**1", f"tf.data.Dataset.from_tensors({ROWS})"),
    Case("L.Normalization(mean=3.0, variance=2.0)", ROWS),
    Case("L.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[4.0, 3.0, 2.0, 1.0], invert=True)", ROWS),
    Case("L.Normalization(dtype='float64')", "np.arange(8).reshape(2, 4)", ROWS),
    Case(
        "L.Discretization([0.0, 1.0, 2.0])",
        "np.array([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]], 'float32')",
    ),
    Case("L.Discretization([0.0, 8.0], output_mode='one_hot')", "np.array([1.0, 9.0, -3.0], 'float32')"),
    Case("L.Discretization([3, 30], output_mode='multi_hot')", ROWS),
    Case("L.Discretization([3, 30], output_mode='count', sparse=True)", ROWS),
    Case("L.Discretization([3, 30])", "tf.ragged.constant([[1.0, 31.0], [4.0]])"),
    Case("L.Discretization(num_bins=4, epsilon=0.01)", ROWS, ROWS),
    Case(
        "L.Discretization(num_bins=3, epsilon=0.1)",
        ROWS,
        f"tf.data.Dataset.from_tensor_slices({ROWS}).batch(2)",
    ),
    Case("L.Discretization(bins=3)", ROWS, f"np.sin({ROWS})"),
    # encodings
    Case("L.CategoryEncoding(4, output_mode='one_hot')", "np.array([3, 2, 0, 1])"),
    Case("L.CategoryEncoding(4, output_mode='one_hot')", "np.array([[3], [2]])"),
    Case("L.CategoryEncoding(4)", "np.array([[0, 1], [0, 0], [1, 2], [3, 1]])"),
    Case("L.CategoryEncoding(4, output_mode='count')", "np.array([[0, 1], [0, 0], [1, 2]])"),
    Case(
        "L.CategoryEncoding(4, output_mode='count')",
        "np.array([[0, 1], [0, 0], [1, 2]])",
        call="layer(x, count_weights=np.array([[0.1, 0.2], [0.1, 0.1], [0.2, 0.3]]))",
    ),
    Case("L.CategoryEncoding(4, sparse=True)", "np.array([[0, 1], [0, 0], [1, 2]])"),
    Case("L.CategoryEncoding(4, dtype='float64')", "np.array([0, 1, 1])"),
    # hashes
    Case("L.Hashing(7)", WORDS),
    Case("L.Hashing(11, mask_value='')", WORDS),
    Case("L.Hashing(5, salt=[133, 137])", WORDS),
    Case("L.Hashing(5, salt=133, output_mode='one_hot')", "np.array(['a', 'b', 'c'])"),
    Case("L.Hashing(5, output_mode='multi_hot')", NUMBERS),
    Case("L.Hashing(5, output_mode='count', sparse=True)", WORDS),
    Case("L.Hashing(5)", "tf.ragged.constant([['a', 'b'], ['c']])"),
    Case("L.HashedCrossing(5)", "(tf.constant(['A', 'B', 'A', 'A']), tf.constant([101, 101, 101, 102]))"),
    Case("L.HashedCrossing(5)", "(tf.constant([['A'], ['B']]), tf.constant([['x'], ['y']]))"),
    Case("L.HashedCrossing(5)", "(tf.constant('A'), tf.constant(7))"),
    Case("L.HashedCrossing(5, output_mode='one_hot')", "(tf.constant(['A', 'B']), tf.constant([1, 2]))"),
    # strings
    *_lookups("L.StringLookup(vocabulary=['a', 'b', 'c'], MODE)", *MODES),
    *_lookups("L.StringLookup(vocabulary=['a', 'b', 'c'], num_oov_indices=3, MODE)", *MODES),
    *_lookups("L.StringLookup(vocabulary=['a', 'b', 'c'], mask_token='', MODE)", *MODES),
    *_lookups("L.StringLookup(vocabulary=['', '[UNK]', 'a', 'b'], mask_token='', MODE)", "int"),
    *_lookups("L.StringLookup(max_tokens=9, vocabulary=['a', 'b'], pad_to_max_tokens=True, MODE)", *MODES),
    *_lookups("L.StringLookup(vocabulary=['a', 'b'], sparse=True, MODE)", "multi_hot", "count"),
    *_lookups("L.StringLookup(vocabulary=['a', 'b'], idf_weights=[0.5, 1.5], MODE)", "tf_idf"),
    *_lookups(
        "L.StringLookup(max_tokens=5, vocabulary=['[UNK]', 'a', 'b'], idf_weights=[0.3, 0.5, 1.5], sparse=True, "
        "pad_to_max_tokens=True, MODE)",
        "tf_idf",
    ),
    *_lookups("L.StringLookup(MODE)", *MODES, "tf_idf", adapt="np.array([['a', 'b', 'a'], ['b', 'c', 'b']])"),
    *_lookups("L.StringLookup(MODE)", "int", adapt="['a', 'c', 'c', 'b', 'é', 'z']"),
    *_lookups("L.StringLookup(max_tokens=3, MODE)", "int", adapt="tf.ragged.constant([['a', 'b'], ['b']])"),
    *_lookups("L.StringLookup(vocabulary=path, MODE)", *MODES),
    *_lookups("L.StringLookup(MODE)", "int", setup="layer.set_vocabulary(['zz', 'hello'])"),
    Case("L.StringLookup(vocabulary=['a', 'b'], output_mode='one_hot')", "np.array(['b', 'c'])"),
    Case("L.StringLookup(vocabulary=['a', 'b', 'c'], num_oov_indices=0)", "np.array(['b', 'c'])"),
    Case("L.StringLookup(vocabulary=['a', 'b', 'c'])", "tf.ragged.constant([['a', 'x'], ['b']])"),
    Case("L.StringLookup(vocabulary=['a', 'b', 'c'])", "tf.sparse.from_dense([['a', ''], ['', 'x']])"),
    Case("L.StringLookup(vocabulary=['a', 'b', 'c'])", "tf.constant('b')"),
    Case("L.StringLookup(vocabulary=['a', 'b', 'c'], invert=True)", "np.array([[1, 3, 0], [2, 9, 0]])"),
    Case("L.StringLookup(vocabulary=['a', 'b'], mask_token='', invert=True)", "np.array([[1, 3, 0]])"),
    Case("L.StringLookup(vocabulary=path, invert=True)", "np.array([[1, 3, 0]])"),
    # integers
    *_lookups("L.IntegerLookup(vocabulary=[12, 36, 1138, 42], MODE)", *MODES, inputs=NUMBERS),
    *_lookups(
        "L.IntegerLookup(vocabulary=[12, 36], num_oov_indices=2, mask_token=0, MODE)", *MODES, inputs=NUMBERS
    ),
    *_lookups("L.IntegerLookup(MODE)", *MODES, "tf_idf", inputs=NUMBERS, adapt=NUMBERS),
    *_lookups("L.IntegerLookup(max_tokens=3, MODE)", "int", inputs=NUMBERS, adapt=NUMBERS),
    Case("L.IntegerLookup(vocabulary=[12, 36, 1138], invert=True)", "np.array([[1, 3, 0], [2, 9, 0]])"),
    # texts
    Case("L.TextVectorization()", TEXTS, TRAINING),
    Case("L.TextVectorization(output_sequence_length=4)", TEXTS, TRAINING),
    Case("L.TextVectorization(max_tokens=5)", TEXTS, f"np.array({TRAINING})[:, None]"),
    Case("L.TextVectorization()", TEXTS, f"tf.data.Dataset.from_tensor_slices({TRAINING}).batch(2)"),
    Case("L.TextVectorization(standardize='lower')", TEXTS, TRAINING),
    Case("L.TextVectorization(standardize='strip_punctuation')", TEXTS, TRAINING),
    Case("L.TextVectorization(standardize=None)", TEXTS, TRAINING),
    Case("L.TextVectorization(split='character', output_sequence_length=7)", TEXTS, TRAINING),
    Case("L.TextVectorization(split=None, standardize='lower')", WORDS, "['a', 'c', 'A']"),
    Case("L.TextVectorization(split=None, output_sequence_length=5)", WORDS, "['a', 'c', 'A']"),
    Case("L.TextVectorization(split=None, output_sequence_length=2)", WORDS, "['a', 'c', 'A']"),
    Case("L.TextVectorization(ngrams=2)", TEXTS, TRAINING),
    Case("L.TextVectorization(ngrams=(2, 3), output_mode='count')", TEXTS, TRAINING),
    Case("L.TextVectorization(ragged=True)", TEXTS, TRAINING),
    Case("L.TextVectorization(output_mode=None)", TEXTS, TRAINING),
    Case("L.TextVectorization(output_mode='multi_hot')", TEXTS, TRAINING),
    Case(
        "L.TextVectorization(output_mode='multi_hot', max_tokens=40, pad_to_max_tokens=True)", TEXTS, TRAINING
    ),
    Case("L.TextVectorization(output_mode='tf_idf', ngrams=2)", TEXTS, TRAINING),
    Case("L.TextVectorization(output_mode='tf_idf', sparse=True, max_tokens=7)", TEXTS, TRAINING),
    Case("L.TextVectorization(vocabulary=['earth', 'wind', 'and', 'fox'])", TEXTS),
    Case("L.TextVectorization(vocabulary=path)", TEXTS),
    Case("L.TextVectorization()", "tf.constant('the fox')", TRAINING),
    Case("L.TextVectorization()", "tf.constant(['the fox', 'a end'])", TRAINING),
    # images
    Case("L.Rescaling(1 / 127.5, -1)", IMAGES),
    Case("L.Rescaling([1.0, 2.0, 3.0], dtype='float64')", IMAGES),
    Case("L.Rescaling(0.5)", "np.arange(6).reshape(2, 3)"),
    Case("L.Resizing(7, 5)", IMAGES),
    Case("L.Resizing(20, 17, interpolation='nearest')", IMAGES),
    Case("L.Resizing(7, 15, interpolation='bicubic')", IMAGES),
    Case("L.Resizing(5, 5, crop_to_aspect_ratio=True)", IMAGES),
    Case("L.Resizing(9, 5, crop_to_aspect_ratio=True)", f"{IMAGES}[0]"),
    Case("L.CenterCrop(6, 8)", IMAGES),
    Case("L.CenterCrop(7, 9)", f"{IMAGES}[0]"),
    Case("L.CenterCrop(14, 8)", IMAGES),
    *(
        Case(f"L.{make}", IMAGES, call="layer(x, training=False)")
        for make in (
            "RandomFlip()",
            "RandomFlip('horizontal', seed=3)",
            "RandomTranslation(0.2, (-0.1, 0.3), fill_mode='wrap', seed=3)",
            "RandomRotation(0.2, interpolation='nearest')",
            "RandomZoom(0.3, (0.1, 0.2), fill_mode='constant', fill_value=1.0)",
            "RandomCrop(5, 6)",
            "RandomContrast(0.3)",
            "RandomContrast((0.1, 0.3))",
            "RandomBrightness(0.2, value_range=(0, 1))",
            "RandomHeight(0.2)",
            "RandomWidth((0.1, 0.2), interpolation='nearest')",
        )
    ),
    # bounds that leave no choice
    *(
        Case(f"L.{make}", IMAGES, call="layer(x, training=True)")
        for make in (
            "RandomTranslation((0.2, 0.2), (-0.3, -0.3))",
            "RandomTranslation((0.2, 0.2), (-0.3, -0.3), fill_mode='constant', fill_value=3.0)",
            "RandomRotation((0.1, 0.1))",
            "RandomRotation((0.25, 0.25), fill_mode='nearest', interpolation='nearest')",
            "RandomZoom((0.2, 0.2))",
            "RandomZoom((-0.3, -0.3), (0.4, 0.4), fill_mode='wrap')",
            "RandomBrightness((0.2, 0.2))",
            "RandomHeight((0.2, 0.2))",
            "RandomWidth((-0.2, -0.2))",
        )
    ),
]
CASES = {f"{case.make} {case.adapt or ''} {case.inputs} {case.call}": case for case in ALL}


def _parts(value: Any) -> list[Any]:
    """The arrays of a result: dense, ragged or sparse."""
    if hasattr(value, "nested_row_splits"):
        return [np.asarray(value.flat_values), *(np.asarray(s) for s in value.nested_row_splits)]
    if hasattr(value, "dense_shape"):
        return [np.asarray(x) for x in (value.indices, value.values, value.dense_shape)]
    return [np.asarray(value)]


def record(tf: Any, keras: Any, case: Case) -> dict[str, Any]:
    """What a case gives: configs, vocabulary, weights, results."""
    keras.backend.clear_session()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "words.txt")
        Path(path).write_text("fox\nc\nthe\na\n")
        space = {"L": keras.layers, "keras": keras, "tf": tf, "np": np, "path": path}
        layer = eval(case.make, space)
        layer._name = "one"
        result: dict[str, Any] = {"config": _config(layer, path)}
        if case.adapt is not None:
            eval(f"layer.adapt({case.adapt})", space | {"layer": layer})
        if case.setup:
            eval(case.setup, space | {"layer": layer})
        x = eval(case.inputs, space)
        run = eval(f"lambda x: {case.call}", space | {"layer": layer})
        outputs = run(x)
        result["outputs"] = _parts(outputs)
        result["dtype"] = outputs.dtype.name
        result["type"] = type(outputs).__name__.removeprefix("Eager")
        tensor = x if not isinstance(x, np.ndarray) else tf.constant(x)
        traced = tf.function(run)(tensor)
        result["traced"] = _parts(traced)
        result["config after"] = _config(layer, path)
        result["config again"] = _config(type(layer).from_config(layer.get_config()), path)
        if hasattr(layer, "get_vocabulary"):
            result["vocabulary"] = [plain(layer.get_vocabulary(special)) for special in (True, False)]
            result["size"] = int(layer.vocabulary_size())
        if hasattr(layer, "mean"):
            result["learned"] = [np.asarray(layer.mean), np.asarray(layer.variance)]
        if hasattr(layer, "bin_boundaries"):
            result["learned"] = [np.asarray(layer.bin_boundaries, "float64")]
        if "Random" not in case.make and "Lookup" not in case.make and "Text" not in case.make:
            result["weights"] = [(w.name, np.asarray(w)) for w in layer.weights]
    return result


def _config(layer: Any, path: str) -> Any:
    config = plain(layer.get_config())
    return {k: "path" if v == path else v for k, v in config.items()}


def record_all(names: list[str]) -> dict[str, Any]:
    """In TensorFlow: what the cases of these names give; an exception's text where one is raised."""
    import tensorflow as tf
    import tf_keras

    found: dict[str, Any] = {}
    for name in names:
        try:
            found[name] = record(tf, tf_keras, CASES[name])
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


def assert_same(have: dict[str, Any], want: dict[str, Any]) -> None:
    """Compare what `record` gave in two places."""
    assert sorted(have) == sorted(want)
    for what, expected in want.items():
        if what in ("outputs", "traced", "learned"):
            _close(have[what], expected, what)
        elif what == "weights":
            assert [name for name, _ in have[what]] == [name for name, _ in expected]
            _close([value for _, value in have[what]], [value for _, value in expected], what)
        else:
            assert have[what] == expected, what


def _close(have: list[Any], want: list[Any], what: str) -> None:
    assert [a.shape for a in have] == [b.shape for b in want], what
    for a, b in zip(have, want, strict=True):
        if b.dtype.kind in "OSUb":
            assert a.tolist() == b.tolist(), what
        else:
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3 * np.abs(b).max(initial=1e-3), err_msg=what)
