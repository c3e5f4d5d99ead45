"""Real models as objects: called as one would, their variables looked at where they stand.

What a call should give is in the corpus's golden files, as far as a signature makes the same call; what a variable
should hold is in the checkpoint, whose keys are paths through the objects.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from calque_runtime.checkpoint import VARIABLE_VALUE, BundleReader, unescape_local_name
from calque_runtime.errors import InvalidArgumentError
from calque_runtime.savedmodel.calling import RestoredFunction
from calque_runtime.savedmodel.objects import OptimizerObject, Tuple, Variable
from calque_runtime.shapes import compatible
from calque_runtime.structure import TensorSpecValue
from corpus.run_corpus import decode, difference

CHECKOUT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("CALQUE_CORPUS") or CHECKOUT.parent / "shared" / "corpus")


def records() -> list[Any]:
    """The models with an object graph that TensorFlow runs; one stand-in that skips where there is no corpus."""
    if not (CORPUS / "manifest.json").exists():
        reason = f"no corpus at {CORPUS}; CALQUE_CORPUS names one"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="none")]
    found = json.loads((CORPUS / "manifest.json").read_text())
    return [
        pytest.param(one, id=one["id"])
        for one in found
        if one["kind"] != "tf1" and any(s.get("runs") for s in (one.get("signatures") or {}).values())
    ]


each = pytest.mark.parametrize("record", records())


def load(record: dict[str, Any]) -> Any:
    return calque_runtime.load(CORPUS / "models" / record["id"], record.get("tags"))


def golden(record: dict[str, Any], signature: str) -> tuple[dict[str, Any], dict[str, Any]]:
    with np.load(CORPUS / "golden" / record["signatures"][signature]["golden"], allow_pickle=False) as stored:
        return decode(stored, "in/"), decode(stored, "out/")


# --- calls


def arguments(structure: Any, inputs: dict[str, Any]) -> Any:
    """The inputs of a signature, packed the way the function was called; None where that cannot be told."""
    rest = dict(inputs)

    def pack(spec: Any, name: str) -> Any:
        if isinstance(spec, TensorSpecValue):
            for known in (name, spec.name):
                if known in rest:
                    return rest.pop(known)
            return rest.pop(next(iter(rest))) if len(inputs) == 1 and rest else None
        if isinstance(spec, dict):
            return {key: pack(one, key) for key, one in spec.items()}
        if isinstance(spec, (list, tuple)):
            return [pack(one, "") for one in spec]
        return None

    packed = pack(structure, "")
    return None if rest else packed


def leaves(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from ((f"{key}/{rest}" if rest else key, leaf) for rest, leaf in leaves(one))
    elif isinstance(value, (list, tuple)):
        for number, one in enumerate(value):
            yield from ((f"{number}/{rest}" if rest else f"{number}", leaf) for rest, leaf in leaves(one))
    elif value is not None:
        yield "", value


def assert_gives(got: Any, want: dict[str, Any], values: bool) -> None:
    """The tensors of a signature, under its names where the result is a dict of the same, else each somewhere."""
    found = dict(leaves(got))
    assert len(found) == len(want)
    for name, expected in want.items():
        candidates = [found[name]] if name in found else list(found.values())
        problems = [difference(one, expected, values)[0] for one in candidates]
        assert None in problems, (name, problems)


@each
def test_call(record: dict[str, Any]) -> None:
    """A function that makes the same call as a signature gives what TensorFlow's signature gave."""
    model = load(record)
    ran = [name for name, one in record["signatures"].items() if one.get("runs")]
    functions = {name: f for name, f in model.__dict__.items() if isinstance(f, RestoredFunction)}
    if "__call__" in functions and "serving_default" in ran:
        signature, saved, called = "serving_default", functions["__call__"], model
    else:
        signature = next((name for name in ran if name in functions), "")
        if not signature:
            pytest.skip("no function of it makes the same call as a signature")
        saved = called = functions[signature]
    inputs, want = golden(record, signature)
    positional, keyword = saved.concrete_functions[0].info.input_signature
    given = arguments(positional[0] if positional else keyword, inputs)
    if inputs and given is None:
        pytest.skip("the signature names its inputs otherwise")
    result = called(given) if positional else called(**(given or {}))
    assert_gives(result, want, record["signatures"][signature].get("deterministic") is not False)


# --- variables


def follow(root: Any, names: list[str]) -> Any:
    """The object at the end of a path of a checkpoint's key."""
    for name in names:
        if isinstance(root, dict):
            root = root[name]
        elif isinstance(root, (list, Tuple)):
            root = root[int(name)]
        else:
            root = getattr(root, name)
    return root


@each
def test_variables_stand_where_the_checkpoint_has_them(record: dict[str, Any]) -> None:
    prefix = CORPUS / "models" / record["id"] / "variables" / "variables"
    if not prefix.with_suffix(".index").exists():
        pytest.skip("it has no variables")
    model = load(record)
    reader = BundleReader(prefix)
    keys = [key for key in reader.entries if key.endswith(f"/{VARIABLE_VALUE}")]
    for key in keys:
        *names, _attributes, _value = key.split("/")
        if ".OPTIMIZER_SLOT" in names:
            at = names.index(".OPTIMIZER_SLOT")
            variable = follow(model, [unescape_local_name(n) for n in names[:at]])
            optimizer = follow(model, [unescape_local_name(n) for n in names[at + 1 : -1]])
            assert isinstance(optimizer, OptimizerObject)
            found = optimizer.get_slot(variable, unescape_local_name(names[-1]))
        else:
            found = follow(model, [unescape_local_name(n) for n in names])
        want = reader.get_tensor(key)
        if compatible(found.shape, want.shape):
            np.testing.assert_array_equal(found.numpy(), want, err_msg=key)
        else:  # the model contradicts its checkpoint
            with pytest.raises(InvalidArgumentError, match="but its value has"):
                found.numpy()
    assert {id(v) for v in model.trainable_variables} <= {id(v) for v in model.variables}


@each
def test_layers(record: dict[str, Any]) -> None:
    """A Keras model has its layers, each with its weights, which make up those of the model."""
    model = load(record)
    if not hasattr(model, "layers"):
        pytest.skip("not a Keras model")
    of_layers = {id(v) for layer in model.layers for v in layer.variables}
    own = {id(v) for v in model.__dict__.values() if isinstance(v, Variable)}
    assert {id(v) for v in model.variables if v is not None} <= of_layers | own  # a vocabulary leaves a gap
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            assert kernel.numpy().shape == tuple(kernel.shape)
            assert any(kernel is v for v in layer.variables)
