"""A model that tf-keras wrote, used as its user would, without the classes (golden/make_keras.py)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from hostile.base import edit

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    with np.load(GOLDEN / "keras.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def model() -> Any:
    return calque_runtime.load(GOLDEN / "keras")


CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "call": lambda m, x: m(x),
    "training": lambda m, x: m(x, training=False),
    "default": lambda m, x: m.call_and_return_all_conditional_losses(x)[0],
    "signature": lambda m, x: m.signatures["serving_default"](x=x)["last"],
    "wrapped": lambda m, x: m._default_save_signature(x)["last"],
    "first": lambda m, x: m.layers[0].call_and_return_all_conditional_losses(x)[0],
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(model: Any, golden: dict[str, Any], name: str) -> None:
    got = CALLS[name](model, golden["x"])
    np.testing.assert_allclose(got, golden[name], rtol=1e-5, atol=1e-6)


def test_layers_and_variables(model: Any, golden: dict[str, Any]) -> None:
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), golden["kernel"])
    for which in ("variables", "trainable_variables"):
        assert [v.name for v in getattr(model, which)] == golden[which].tolist()
    assert {v.name for v in model.layers[1].trainable_variables} == {"norm/gamma:0", "norm/beta:0"}
    slot = model.optimizer.get_slot(model.layers[0].kernel, "m")
    np.testing.assert_array_equal(slot.numpy(), golden["slot"])


@pytest.mark.parametrize("identifier", ["_tf_agents_policy", "tfp.Distribution", "", "\u00fc nobody's"])
def test_classes_that_nobody_knows(tmp_path: Path, golden: dict[str, Any], identifier: str) -> None:
    """What an object is called, and what its class noted of itself, does not decide what it can do."""
    copy = Path(shutil.copytree(GOLDEN / "keras", tmp_path / "model"))

    def rename(proto: Any) -> None:
        for node in proto.meta_graphs[0].object_graph_def.nodes:
            if node.user_object.identifier.startswith("_tf_keras"):
                node.user_object.identifier = identifier
                node.user_object.metadata = "no JSON"

    loaded = calque_runtime.load(edit(copy, rename))
    np.testing.assert_allclose(loaded(golden["x"]), golden["call"], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(loaded.layers[0].kernel.numpy(), golden["kernel"])
    assert len(loaded.trainable_variables) == len(golden["trainable_variables"])
