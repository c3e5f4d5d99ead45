"""Preprocessing layers against numpy: what they learn, what they refuse, and random changes of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
import calque_runtime

L = tf.keras.layers
IMAGES = np.random.default_rng(3).uniform(0, 255, (3, 8, 6, 2)).astype("float32")


def test_normalization_has_mean_and_variance_of_all_batches() -> None:
    data = np.random.default_rng(0).normal(3.0, 2.0, (100, 4)).astype("float32")
    layer = L.Normalization()
    layer.adapt(data, batch_size=7)
    assert layer.is_adapted
    np.testing.assert_allclose(layer.mean.numpy()[0], data.mean(0), rtol=1e-4)
    np.testing.assert_allclose(layer.variance.numpy()[0], data.var(0), rtol=1e-4)
    np.testing.assert_allclose(layer(data), (data - data.mean(0)) / data.std(0), rtol=1e-3, atol=1e-4)
    layer.adapt(data + 1)  # what was learned before is forgotten
    np.testing.assert_allclose(layer.mean.numpy()[0], data.mean(0) + 1, rtol=1e-4)
    layer.reset_state()
    assert not layer.count.numpy()


def test_steps_and_generators() -> None:
    rows = np.arange(12.0).reshape(6, 2).astype("float32")
    layer = L.Normalization()
    layer.adapt(tf.data.Dataset.from_tensor_slices(rows).batch(2).repeat(), steps=3)
    np.testing.assert_allclose(layer.mean.numpy()[0], rows.mean(0), rtol=1e-5)
    layer.adapt(row[None] for row in rows)
    np.testing.assert_allclose(layer.mean.numpy()[0], rows.mean(0), rtol=1e-5)
    with pytest.raises(ValueError, match="must not be specified"):
        layer.adapt(tf.data.Dataset.from_tensor_slices(rows).batch(2), batch_size=2)
    with pytest.raises(RuntimeError, match="inside a `tf.function`"):
        tf.function(lambda: layer.adapt(rows))()


def test_discretization_fills_bins_evenly() -> None:
    data = np.random.default_rng(0).normal(size=(1000, 1)).astype("float32")
    layer = L.Discretization(num_bins=5)
    layer.adapt(data)
    counts = np.bincount(np.asarray(layer(data)).ravel(), minlength=5)
    assert (abs(counts - 200) < 40).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.Normalization(mean=1.0), "both `mean` and `variance`"),
        (lambda: L.Normalization(axis=3)(np.ones((2, 2), "float32")), "must be in the range"),
        (lambda: L.Normalization(mean=1.0, variance=1.0).adapt(np.ones((2, 2))), "Cannot `adapt`"),
        (lambda: L.Discretization([1.0], num_bins=2), "should not be set"),
        (lambda: L.Discretization([1.0], sparse=True), "`sparse` may only be true"),
        (lambda: L.Discretization([1.0], output_mode="x"), "Unknown value for `output_mode`"),
        (lambda: L.CategoryEncoding(), "num_tokens must be set"),
        (lambda: L.CategoryEncoding(0), "must be >= 1"),
        (lambda: L.CategoryEncoding(3)(np.ones((1, 1, 1), int)), "maximum supported output rank"),
        (lambda: L.CategoryEncoding(3)(np.array([1]), count_weights=np.ones(1)), "is not used"),
        (lambda: L.Hashing(0), "non-positive"),
        (lambda: L.Hashing(3, salt="a"), "salt"),
        (lambda: L.HashedCrossing(3)(tf.constant(["a"])), "list or tuple"),
        (lambda: L.HashedCrossing(3)((tf.constant(["a"]), tf.constant([1.0]))), "integer or string dtype"),
        (lambda: L.StringLookup(max_tokens=1), "greater than 1"),
        (lambda: L.StringLookup(pad_to_max_tokens=True), "must set `max_tokens`"),
        (lambda: L.StringLookup(num_oov_indices=-1), "greater than or equal to 0"),
        (lambda: L.StringLookup(invert=True, output_mode="count"), "when `invert` is true"),
        (lambda: L.StringLookup(vocabulary=["a", "a"]), "repeated term"),
        (lambda: L.StringLookup(vocabulary=["a", ""], mask_token=""), "reserved mask token"),
        (lambda: L.StringLookup(vocabulary=["a", "b"], max_tokens=2), "larger than the maximum"),
        (lambda: L.StringLookup(vocabulary=[]), "empty vocabulary"),
        (lambda: L.StringLookup(vocabulary="no such file"), "does not exist"),
        (lambda: L.StringLookup(vocabulary=["a"]).adapt(np.array([["a"]])), "static vocabulary"),
        (lambda: L.StringLookup(vocabulary=["a"], output_mode="tf_idf"), "`idf_weights` must be set"),
        (lambda: L.IntegerLookup(vocabulary_dtype="float32"), "integer dtype"),
        (lambda: L.TextVectorization(standardize="upper"), "Unknown value for `standardize`"),
        (lambda: L.TextVectorization(ngrams="2"), "`ngrams` must be"),
        (lambda: L.TextVectorization(ragged=True, output_mode="count"), "`ragged` must not"),
        (lambda: L.TextVectorization(dtype="int64"), "dtype of string"),
        (lambda: L.TextVectorization(vocabulary=["a"])(tf.constant([["a", "b"]])), "last shape dimension"),
        (lambda: L.RandomFlip("up"), "unknown mode"),
        (lambda: L.RandomTranslation(2.0, 0.1), "values between"),
        (lambda: L.RandomContrast(-0.1), "negative values"),
        (lambda: L.RandomBrightness(2), "in the range"),
        (lambda: L.RandomHeight((0.3, 0.1)), "upper bound less"),
        (lambda: L.Rescaling(1.0)({"images": IMAGES}), "can only process a tensor"),
    ],
)
def test_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_values_out_of_range_are_refused_when_they_are_seen() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="Input values must be in the range"):
        L.CategoryEncoding(3)(np.array([3]))
    layer = L.StringLookup(vocabulary=["a"], num_oov_indices=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="found OOV values"):
        layer(tf.constant(["b"]))
    with pytest.raises(RuntimeError, match="must set the layer's vocabulary"):
        L.StringLookup(output_mode="count")(tf.constant(["b"]))
    counted = L.StringLookup(vocabulary=["a"], output_mode="count")
    with pytest.raises(RuntimeError, match="cannot be changed"):
        counted.set_vocabulary(["a", "b"])
    with pytest.raises(NotImplementedError, match="fill_mode"):
        L.RandomRotation(0.1, fill_mode="mirror")
    with pytest.raises(NotImplementedError, match="interpolation"):
        L.Resizing(3, 3, interpolation="cubic")


def test_vocabulary_as_weights_and_assets(tmp_path: Path) -> None:
    layer = L.StringLookup()
    layer.adapt(["b", "a", "b"])
    other = L.StringLookup()
    other.set_weights(layer.get_weights())
    assert other.get_vocabulary() == layer.get_vocabulary() == ["[UNK]", "b", "a"]
    layer.save_assets(str(tmp_path))
    third = L.StringLookup()
    third.load_assets(str(tmp_path))
    assert third.get_vocabulary() == layer.get_vocabulary()


def test_flips_are_flips() -> None:
    layer = L.RandomFlip("horizontal", seed=1)
    seen = set()
    for _ in range(20):
        for image, flipped in zip(IMAGES, layer(IMAGES).numpy(), strict=True):
            same = (image == flipped).all()
            assert same or (image[:, ::-1] == flipped).all()
            seen.add(bool(same))
    assert seen == {True, False}


def test_crops_are_parts() -> None:
    layer = L.RandomCrop(4, 3, seed=1)
    places = set()
    for _ in range(40):
        part = layer(IMAGES).numpy()
        found = [
            (i, j) for i in range(5) for j in range(4) if (IMAGES[:, i : i + 4, j : j + 3] == part).all()
        ]
        assert len(found) == 1
        places.add(found[0])
    assert len(places) > 10


def test_changes_within_bounds() -> None:
    added = np.asarray(L.RandomBrightness(0.1, value_range=(-1000, 1000))(IMAGES) - IMAGES).reshape(3, -1)
    assert (abs(added) <= 200.01).all()
    assert (np.ptp(added, axis=1) < 1e-2).all()
    contrast = np.asarray(L.RandomContrast(0.5)(IMAGES))
    assert contrast.min() >= 0
    assert contrast.max() <= 255
    heights = {L.RandomHeight(0.5)(IMAGES).shape[1] for _ in range(30)}
    assert heights <= set(range(4, 13))
    assert len(heights) > 3
    assert L.RandomWidth(0.5)(IMAGES, training=False).shape == IMAGES.shape
    same = L.RandomTranslation(0.0, 0.0)(IMAGES)
    np.testing.assert_allclose(same, IMAGES, rtol=1e-5)


def test_saved_with_its_vocabulary(tmp_path: Path) -> None:
    layer = L.TextVectorization(output_sequence_length=4)
    layer.adapt(["the quick brown fox", "the lazy dog"])
    module = tf.Module()
    module.layer = layer
    module.run = tf.function(lambda x: layer(x), input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(tmp_path), signatures=module.run)
    texts = np.array(["The fox, the cat!", ""], object)
    (have,) = calque_runtime.load(tmp_path).signatures["serving_default"](texts).values()
    vocabulary = layer.get_vocabulary()
    assert have.tolist() == [[vocabulary.index("the"), vocabulary.index("fox"), 2, 1], [0, 0, 0, 0]]
    assert vocabulary[:3] == ["", "[UNK]", "the"]


@pytest.mark.parametrize("given", [True, False])
def test_models_come_back_with_their_vocabulary_and_can_be_saved_again(given: bool, tmp_path: Path) -> None:
    layer = L.StringLookup(vocabulary=["a", "b"] if given else None)
    if not given:
        layer.adapt(["b", "a", "b", "a"])
    text = tf.keras.Input((1,), dtype="string")
    model = tf.keras.Model(text, layer(text))
    texts = tf.constant([["a"], ["b"], ["c"]])
    want = model(texts).numpy().tolist()
    for name in ("first", "second"):
        model.save(str(tmp_path / name))
        model = tf.keras.models.load_model(str(tmp_path / name))
        assert model(texts).numpy().tolist() == want
        assert model.layers[-1].get_vocabulary() == layer.get_vocabulary()


def test_learned_numbers_come_back_with_weights(tmp_path: Path) -> None:
    rows = np.arange(12.0).reshape(6, 2).astype("float32")
    model = tf.keras.Sequential([tf.keras.Input((2,)), L.Normalization()])
    model.layers[0].adapt(rows)
    model.save_weights(str(tmp_path / "weights"))
    other = tf.keras.Sequential([tf.keras.Input((2,)), L.Normalization()])
    other.load_weights(str(tmp_path / "weights"))
    np.testing.assert_allclose(other(rows), model(rows), rtol=1e-6)


def test_counts_of_rows_of_any_kind() -> None:
    ragged = tf.ragged.constant([[1, 1, 4], [], [0, 2**40]], dtype=tf.int64)
    want = [[0, 2, 0, 0, 1], [0] * 5, [1, 0, 0, 0, 0]]
    for rows in (ragged, ragged.to_sparse()):
        counts = tf.math.bincount(rows, minlength=5, maxlength=5, axis=-1)
        assert counts.numpy().tolist() == want
    assert tf.shape(ragged.to_sparse()).numpy().tolist() == [3, 3]
