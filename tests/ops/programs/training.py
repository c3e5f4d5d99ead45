"""Programs of optimizers' ops, stacks and optional values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ops.programs import Program, Ref

INVALID = "InvalidArgumentError"
RTOL = 1e-5  # float32, in another order of operations


def f32(*values: Any) -> np.ndarray:
    return np.array(values, np.float32)


def scalar(value: float) -> np.ndarray:
    return np.array(value, np.float32)


START = f32([0.5, -1.0], [2.0, 0.25], [-0.75, 1.5])
GRADIENT = f32([0.1, 0.0], [-3.0, 0.5], [1.0, -0.2])


def variable(p: Program, number: int, value: Any) -> Ref:
    handle = p.VarHandleOp(dtype="float32", shape=None, shared_name=f"{p.name}{number}")
    p.AssignVariableOp(handle, value)
    return handle


def variables(p: Program, count: int) -> list[Ref]:
    slots = [START, *(np.abs(START) * np.float32(0.3) + np.float32(0.1 * i) for i in range(1, count))]
    return [variable(p, i, value) for i, value in enumerate(slots)]


# By op: the number of variables, the other inputs ("g" is the gradient), attributes.
RULES: dict[str, tuple[int, list[Any], list[dict[str, Any]]]] = {
    "ResourceApplyGradientDescent": (1, [0.1, "g"], [{}]),
    "ResourceApplyProximalGradientDescent": (1, [0.1, 0.3, 0.2, "g"], [{}]),
    "ResourceApplyMomentum": (2, [0.1, "g", 0.9], [{}, {"use_nesterov": True}]),
    "ResourceApplyKerasMomentum": (2, [0.1, "g", 0.9], [{}, {"use_nesterov": True}]),
    "ResourceApplyAdagrad": (2, [0.1, "g"], [{}, {"update_slots": False}]),
    "ResourceApplyAdagradV2": (2, [0.1, 0.01, "g"], [{}]),
    "ResourceApplyAdagradDA": (3, ["g", 0.1, 0.01, 0.02, "step"], [{}]),
    "ResourceApplyProximalAdagrad": (2, [0.1, 0.3, 0.2, "g"], [{}]),
    "ResourceApplyAdadelta": (3, [0.1, 0.9, 1e-3, "g"], [{}]),
    "ResourceApplyAdam": (3, [0.8, 0.9, 0.1, 0.9, 0.99, 1e-4, "g"], [{}, {"use_nesterov": True}]),
    "ResourceApplyAdamWithAmsgrad": (4, [0.8, 0.9, 0.1, 0.9, 0.99, 1e-4, "g"], [{}]),
    "ResourceApplyAdaMax": (3, [0.8, 0.1, 0.9, 0.99, 1e-4, "g"], [{}]),
    "ResourceApplyRMSProp": (3, [0.1, 0.9, 0.5, 1e-3, "g"], [{}]),
    "ResourceApplyCenteredRMSProp": (4, [0.1, 0.9, 0.5, 5.0, "g"], [{}]),
    "ResourceApplyFtrl": (3, ["g", 0.1, 0.3, 0.2, -0.5], [{}, {"multiply_linear_by_lr": True}]),
    "ResourceApplyFtrlV2": (3, ["g", 0.1, 0.3, 0.2, 0.1, -0.5], [{}, {"multiply_linear_by_lr": True}]),
    "ResourceApplyAddSign": (2, [0.1, 1.0, 0.9, 0.8, "g"], [{}]),
    "ResourceApplyPowerSign": (2, [0.1, 1.0, 0.9, 0.8, "g"], [{}]),
}
SPARSE = [
    "ResourceSparseApplyProximalGradientDescent",
    "ResourceSparseApplyMomentum",
    "ResourceSparseApplyKerasMomentum",
    "ResourceSparseApplyAdagrad",
    "ResourceSparseApplyAdagradV2",
    "ResourceSparseApplyAdagradDA",
    "ResourceSparseApplyProximalAdagrad",
    "ResourceSparseApplyAdadelta",
    "ResourceSparseApplyRMSProp",
    "ResourceSparseApplyCenteredRMSProp",
    "ResourceSparseApplyFtrl",
    "ResourceSparseApplyFtrlV2",
]


def given(inputs: list[Any], gradient: Any, indices: Any = None) -> list[Any]:
    out: list[Any] = []
    for one in inputs:
        if one == "g":
            out += [gradient] if indices is None else [gradient, indices]
        else:
            out.append(np.array(7, np.int64) if one == "step" else scalar(one))
    return out


def rules() -> Iterator[Program]:
    for rule, (count, inputs, attrs) in RULES.items():
        for number, one in enumerate(attrs):
            p = Program(f"{rule}-{number}")
            handles = variables(p, count)
            for _ in range(2):
                p.call(rule, *handles, *given(inputs, GRADIENT), **one)
            p.fetch(*(p.ReadVariableOp(h, dtype="float32") for h in handles))
            yield p
    for rule in SPARSE:
        count, inputs, attrs = RULES[rule.replace("Sparse", "")]
        for number, one in enumerate(attrs):
            p = Program(f"{rule}-{number}")
            handles = variables(p, count)
            rows = np.array([2, 0], np.int64)
            p.call(rule, *handles, *given(inputs, GRADIENT[:2], rows), **one)
            p.fetch(*(p.ReadVariableOp(h, dtype="float32") for h in handles))
            yield p
    p = Program("twice-the-same-row")
    handles = variables(p, 2)
    p.ResourceSparseApplyAdagrad(*handles, scalar(0.1), GRADIENT[:2], np.array([1, 1], np.int32))
    p.fetch(*(p.ReadVariableOp(h, dtype="float32") for h in handles))
    yield p
    p = Program("gradient-of-another-shape", INVALID)
    p.ResourceApplyGradientDescent(*variables(p, 1), scalar(0.1), GRADIENT[:2])
    yield p
    p = Program("row-that-is-not-there", INVALID)
    handles = variables(p, 2)
    p.ResourceSparseApplyAdagrad(*handles, scalar(0.1), GRADIENT[:1], np.array([3], np.int32))
    yield p


def stacks() -> Iterator[Program]:
    p = Program("stack")
    stack = p.StackV2(np.array(-1, np.int32), elem_type="float32", stack_name="s")
    first = p.StackPushV2(stack, f32(1, 2))
    p.StackPushV2(stack, f32([3], [4]))
    p.fetch(first, p.StackPopV2(stack, elem_type="float32"), p.StackPopV2(stack, elem_type="float32"))
    p.StackPushV2(stack, scalar(5))
    p.StackCloseV2(stack)
    yield p
    p = Program("pop-of-nothing", INVALID)
    p.StackPopV2(p.StackV2(np.array(2, np.int32), elem_type="float32", stack_name="e"), elem_type="float32")
    yield p
    p = Program("push-too-many", INVALID)
    full = p.StackV2(np.array(1, np.int32), elem_type="float32", stack_name="f")
    p.StackPushV2(full, f32(1))
    p.StackPushV2(full, f32(2))
    p.fetch(p.StackPopV2(full, elem_type="float32"))
    yield p
    p = Program("push-of-another-type", INVALID)
    other = p.StackV2(np.array(1, np.int32), elem_type="int32", stack_name="t")
    p.StackPushV2(other, f32(1))
    p.fetch(p.StackPopV2(other, elem_type="int32"))
    yield p
    p = Program("optional")
    there = p.OptionalFromValue([f32(1, 2), np.array(3, np.int64)])
    known = {"output_types": ["float32", "int64"], "output_shapes": [[2], []]}
    parts = p.OptionalGetValue(there, **known)
    p.fetch(parts, parts.out(1), p.OptionalHasValue(there), p.OptionalHasValue(p.OptionalNone()))
    yield p
    p = Program("value-of-none", INVALID)
    p.OptionalGetValue(p.OptionalNone(), **known)
    yield p


PROGRAMS = [*rules(), *stacks()]
