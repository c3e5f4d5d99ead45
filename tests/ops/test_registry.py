"""Every declared op has the arguments, outputs and attributes that TensorFlow's registry says (`make_opdefs.py`)."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calque_runtime import ops
from calque_runtime.signature import MISSING, Arg

FLAGS = ("stateful", "commutative", "aggregate")


@lru_cache(maxsize=1)
def registry() -> dict[str, Any]:
    lines = (Path(__file__).parent / "golden" / "opdefs.txt").read_text().splitlines()
    return {record[0]: record[1:] for record in map(json.loads, lines)}


def shown(arg: Arg) -> str:
    kind = (
        f"[${arg.type_list_attr}]"
        if arg.type_list_attr
        else f"${arg.type_attr}"
        if arg.type_attr
        else arg.dtype.name
    )
    number = f"${arg.number_attr}*" if arg.number_attr else ""
    return f"{arg.name}:{'&' if arg.is_ref else ''}{number}{kind}"


def normal(kind: str, value: Any) -> Any:
    """A value of calque's as make_opdefs.py writes it."""
    if kind.startswith("list("):
        return [normal(kind[5:-1], v) for v in value]
    if kind == "type":
        return value.name
    if kind == "string":
        return value.decode("latin1")
    if kind == "float":
        return float(np.float32(value))
    if kind == "shape":
        return "unknown" if value is None else [-1 if d is None else d for d in value]
    return value


def known() -> list[Any]:
    return [pytest.param(op, id=name) for name, op in sorted(ops.load_all().items()) if name in registry()]


# Ops of TensorFlow Text and of builds with TensorRT, which bring registries of their own.
OTHERS = {"CaseFoldUTF8", "NormalizeUTF8", "TRTEngineOp"}


# Those that passes make. TensorFlow has the fused ones too, but lists no op with an underscore.
PASSES = {
    "_Attention",
    "_Columns",
    "_ExplicitDepthwise",
    "_FusedConv2D",
    "_FusedDepthwiseConv2dNative",
    "_FusedMatMul",
    "_Gelu",
    "_Group",
    "_LayerNorm",
    "_Gru",
    "_Lstm",
    "_Part",
    "_RowProduct",
    "_Scan",
    "_WinogradConv2D",
    "_WinogradFilter",
}


def test_all_ops_are_tensorflows() -> None:
    assert set(ops.load_all()) - set(registry()) == OTHERS | PASSES


@pytest.mark.parametrize("op", known())
def test_arguments(op: Any) -> None:
    inputs, outputs, _, flags = registry()[op.name]
    assert [shown(a) for a in op.signature.inputs] == inputs
    assert [shown(a) for a in op.signature.outputs] == outputs
    assert [f for f in FLAGS if getattr(op.signature, f)] == flags


@pytest.mark.parametrize("op", known())
def test_attributes(op: Any) -> None:
    attrs = {a[0]: a[1:] for a in registry()[op.name][2]}
    assert set(op.signature.attrs) == set(attrs)
    for name, definition in op.signature.attrs.items():
        kind, default, *rest = attrs[name]
        assert definition.kind == kind, name
        own = [] if definition.default is MISSING else [normal(kind, definition.default)]
        assert own == default, f"default of {name}"
        allowed = rest[0] if rest and rest[0] else None
        if definition.allowed is not None:
            mine = {normal(kind.removeprefix("list(").removesuffix(")"), v) for v in definition.allowed}
            assert allowed is not None, f"{name}: TensorFlow allows every value"
            assert mine <= set(allowed), f"{name}: TensorFlow does not allow {mine - set(allowed)}"
        else:
            assert allowed is None, f"{name}: TensorFlow allows only {allowed}"
        assert definition.minimum == (rest[1] if len(rest) > 1 else None), f"minimum of {name}"
