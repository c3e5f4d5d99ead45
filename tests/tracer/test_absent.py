"""Names that are not there: the message says whether TensorFlow has them, and what is near."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import calque as tf
from calque.absent import tensorflow_names


@pytest.mark.parametrize(
    ("get", "message"),
    [
        (lambda: tf.matmull, "calque has no 'matmull', and neither has TensorFlow's tf. Did you mean matmul"),
        (lambda: tf.estimator, "calque has no .estimator., and neither has TensorFlow"),
        (lambda: tf.nn.nce_loss, r"calque.nn has no 'nce_loss' \(yet\): TensorFlow has tf.nn.nce_loss"),
        (lambda: tf.image.resizee, "Did you mean resize"),
        (lambda: tf.keras.datasets, r"calque.keras has no 'datasets'\.$"),
        (lambda: tf.keras.loses, r"calque.keras has no 'loses'\. Did you mean losses"),
        (lambda: tf.lookup.experimental.HashTable, "calque.lookup.experimental has no 'HashTable'"),
    ],
)
def test_messages(get: Callable[[], Any], message: str) -> None:
    with pytest.raises(AttributeError, match=message):
        get()


def test_special_names_are_refused_shortly() -> None:
    with pytest.raises(AttributeError, match="module 'calque.nn' has no attribute '__wrapped__'"):
        _ = tf.nn.__wrapped__


def test_tensorflow_s_names_are_there() -> None:
    names = tensorflow_names()
    assert "matmul" in names[""]
    assert "conv2d" in names["nn"]
    assert len(names) > 30
