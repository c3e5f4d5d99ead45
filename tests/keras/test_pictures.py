"""Summaries are tf-keras's, letter for letter; pictures are SVG that shows each layer and each connection."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf

keras = tf.keras
layers = keras.layers


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    keras.backend.clear_session()


def test_a_chain(capsys: pytest.CaptureFixture[str]) -> None:
    model = keras.Sequential([layers.Dense(2000, input_shape=(3,)), layers.BatchNormalization()])
    model.summary()
    # What tf-keras 2.21 prints.
    wanted = """\
Model: "sequential"
_________________________________________________________________
 Layer (type)                Output Shape              Param #   
=================================================================
 dense (Dense)               (None, 2000)              8000      
                                                                 
 batch_normalization (Batch  (None, 2000)              8000      
 Normalization)                                                  
                                                                 
=================================================================
Total params: 16000 (62.50 KB)
Trainable params: 12000 (46.88 KB)
Non-trainable params: 4000 (15.62 KB)
_________________________________________________________________
"""  # noqa: W291, W293
    assert capsys.readouterr().out == wanted


def branches() -> Any:
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    tower = keras.Sequential(
        [layers.Dense(3, activation="relu", input_shape=(4,)), layers.Dense(3)], name="tower"
    )
    joined = layers.Concatenate()([tower(a), b])
    return keras.Model([a, b], [layers.Dense(2)(joined), layers.Dense(1)(tower(a * 2.0))])


def test_connections_have_a_column() -> None:
    lines: list[str] = []
    branches().summary(print_fn=lines.append, line_length=98)
    text = "\n".join(lines)
    assert "Connected to" in lines[2]
    assert "['tower[1][0]'," in text or "['tower[0][0]'," in text
    assert " a (InputLayer)              [(None, 4)]                  0         []" in text
    assert "Total params: " in text


def test_parts_of_a_summary() -> None:
    lines: list[str] = []
    model = branches()
    model.summary(print_fn=lines.append, expand_nested=True, show_trainable=True)
    assert any(line.startswith("| dense") for line in lines)
    assert sum("Y" in line[-11:] for line in lines) >= len(model.layers)
    lines.clear()
    model.summary(print_fn=lines.append, layer_range=["concatenate", "concatenate"])
    assert sum("(" in line and "None" in line for line in lines) == 1
    with pytest.raises(ValueError, match="do not match"):
        model.summary(print_fn=lines.append, layer_range=["nobody", "nobody"])


def test_an_unbuilt_model_has_no_summary() -> None:
    with pytest.raises(ValueError, match="has not yet been built"):
        keras.Sequential([layers.Dense(2)]).summary()


def test_unused_layers_of_a_subclassed_model_say_so() -> None:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = layers.Dense(2), layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.used(x)

    model = Own()
    model(np.ones((2, 3), np.float32))
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert any("multiple" in line and " 8 " in line for line in lines)
    assert any("0 (unused)" in line for line in lines)


@pytest.mark.parametrize("expand", [False, True])
def test_a_picture_has_boxes_and_arrows(expand: bool, tmp_path: Path) -> None:
    model = branches()
    keras.utils.plot_model(
        model,
        tmp_path / "m.svg",
        show_shapes=True,
        show_layer_names=True,
        expand_nested=expand,
        show_dtype=True,
    )
    root = ElementTree.parse(tmp_path / "m.svg").getroot()
    words = [t.text or "" for t in root.iter("{http://www.w3.org/2000/svg}text")]
    names = [layer.name for layer in model.layers if not (expand and layer.name == "tower")]
    for name in names:
        assert any(word.startswith(f"{name} (") for word in words), name
    assert "output: (None, 6)" in words
    tips = [p for p in root.iter("{http://www.w3.org/2000/svg}path") if p.get("marker-end")]
    assert len(tips) == (7 if not expand else 8)


def test_pictures_that_are_not_made(tmp_path: Path) -> None:
    with pytest.raises(tf.errors.UnimplementedError, match="svg"):
        keras.utils.plot_model(branches(), tmp_path / "m.png")
    with pytest.raises(tf.errors.UnimplementedError, match="top to bottom"):
        keras.utils.plot_model(branches(), tmp_path / "m.svg", rankdir="LR")
    with pytest.raises(ValueError, match="not yet been built"):
        keras.utils.plot_model(keras.Sequential([layers.Dense(2)]), tmp_path / "m.svg")
