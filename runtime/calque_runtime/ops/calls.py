"""Ops that run functions: calls, If, Case and While, each with a stateless form."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..dtypes import DType
from ..ir import FunctionRef
from ..op import Array, Kernel, Op, Site, op, register, registered
from ..shapes import Shape, relax

__all__: list[str] = []


def _function(
    s: Site, ref: FunctionRef, takes: Sequence[DType], gives: Sequence[DType] | None
) -> Callable[..., Sequence[Array]]:
    """What runs the function `ref`, if its arguments and results are of these types.

    Args:
        s: the call.
        ref: the function.
        takes: the types of the arguments that the call gives it.
        gives: the types of the results that the call says it has; None for one of any type, a condition.

    Raises:
        InvalidArgumentError: they are not.
    """
    run = s.callable(ref)
    function = ref.function
    if function is not None:
        found = [v.dtype.base_dtype for v in function.inputs]
        if found != [d.base_dtype for d in takes]:
            raise s.error(f"function '{ref.name}' takes {_types(found)}, but is called with {_types(takes)}")
        found = [v.dtype.base_dtype for v in function.outputs]
        if gives is None and len(found) != 1:
            raise s.error(f"function '{ref.name}' should give one condition, but gives {_types(found)}")
        if gives is not None and found != [d.base_dtype for d in gives]:
            raise s.error(f"function '{ref.name}' gives {_types(found)}, but should give {_types(gives)}")
    return run


def _types(types: Sequence[DType]) -> str:
    return f"({', '.join(d.name for d in types)})"


def _call(name: str, doc: str, flags: str) -> Op:
    def kernel(s: Site) -> Kernel:
        return _function(s, s["f"], s["Tin"], s["Tout"])

    one = register(
        Op(
            f"{name}(args: list(Tin)) -> (output: list(Tout)) | Tin: list(type) >=0; Tout: list(type) >=0; f: func; "
            f"config: string=''; config_proto: string=''; executor_type: string=''{flags}",
            kernel,
            doc,
        )
    )
    one.shape_rule = lambda s: _result_shapes(s, [s["f"]])
    return one


def _result_shapes(s: Site, refs: Sequence[FunctionRef]) -> list[Shape]:
    """What is known of the results of whichever of `refs` runs."""
    declared = s["output_shapes"] if "output_shapes" in s.op.signature.attrs else ()
    known = [[v.shape for v in ref.function.outputs] for ref in refs if ref.function is not None]
    if len(known) == len(refs) and known:
        shapes = known[0]
        for other in known[1:]:
            shapes = [relax(a, b) for a, b in zip(shapes, other, strict=True)]
        return shapes
    return list(declared) if declared else [None] * len(s.out_dtypes)


partitioned_call: Op = _call("PartitionedCall", "Call a function without effects.", "")
stateful_partitioned_call: Op = _call("StatefulPartitionedCall", "Call a function.", " | stateful")


def truth(s: Site, value: Array) -> bool:
    """A condition as TensorFlow takes it: a bool, a number that is not zero, a string that is not empty."""
    if type(value) is np.bool_:
        return bool(value)
    array = np.asarray(value)
    if array.ndim == 0:
        return bool(array.item() if array.dtype == object else array)
    return array.size > 0  # If on a tensor of rank 1 and more asks whether it has elements


def _if(name: str, doc: str, flags: str) -> Op:
    def kernel(s: Site) -> Kernel:
        takes, gives = s["Tin"], s["Tout"]
        then_branch = _function(s, s["then_branch"], takes, gives)
        else_branch = _function(s, s["else_branch"], takes, gives)

        def run(condition: Array, *inputs: Array) -> Sequence[Array]:
            return then_branch(*inputs) if truth(s, condition) else else_branch(*inputs)

        return run

    one = register(
        Op(
            f"{name}(cond: Tcond, input: list(Tin)) -> (output: list(Tout)) | Tcond: type; Tin: list(type) >=0; "
            f"Tout: list(type) >=0; then_branch: func; else_branch: func; output_shapes: list(shape)=[]{flags}",
            kernel,
            doc,
        )
    )
    one.shape_rule = lambda s: _result_shapes(s, [s["then_branch"], s["else_branch"]])
    return one


if_: Op = _if("If", "Run one of two functions.", " | stateful")
stateless_if: Op = _if("StatelessIf", "Run one of two functions without effects.", "")


def _case(name: str, doc: str, flags: str) -> Op:
    def kernel(s: Site) -> Kernel:
        branches = [_function(s, ref, s["Tin"], s["Tout"]) for ref in s["branches"]]
        last = len(branches) - 1

        def run(index: Array, *inputs: Array) -> Sequence[Array]:
            i = int(index)
            return branches[i if 0 <= i <= last else last](*inputs)

        return run

    one = register(
        Op(
            f"{name}(branch_index: int32, input: list(Tin)) -> (output: list(Tout)) | Tin: list(type) >=0; "
            f"Tout: list(type) >=0; branches: list(func) >=1; output_shapes: list(shape)=[]{flags}",
            kernel,
            doc,
        )
    )
    one.shape_rule = lambda s: _result_shapes(s, s["branches"])
    return one


case: Op = _case(
    "Case", "Run one of several functions; the last one where the index is out of range.", " | stateful"
)
stateless_case: Op = _case("StatelessCase", "Run one of several functions without effects.", "")


def _while(name: str, doc: str, flags: str) -> Op:
    def kernel(s: Site) -> Kernel:
        condition, body = _function(s, s["cond"], s["T"], None), _function(s, s["body"], s["T"], s["T"])

        def run(*state: Array) -> Sequence[Array]:
            values: Sequence[Array] = state
            while truth(s, condition(*values)[0]):
                values = body(*values)
            return values

        return run

    one = register(
        Op(
            f"{name}(input: list(T)) -> (output: list(T)) | T: list(type) >=0; cond: func; body: func; "
            f"output_shapes: list(shape)=[]; parallel_iterations: int=10{flags}",
            kernel,
            doc,
        )
    )
    one.shape_rule = _while_shapes
    return one


def _while_shapes(s: Site) -> list[Shape]:
    if s["output_shapes"]:
        return list(s["output_shapes"])
    body = s["body"].function
    if body is None:
        return [None] * len(s.shapes)
    return [relax(a, v.shape) for a, v in zip(s.shapes, body.outputs, strict=True)]


while_: Op = _while("While", "Run `body` on the state as long as `cond` holds for it.", " | stateful")
stateless_while: Op = _while("StatelessWhile", "A While without effects.", "")


@op(
    "TRTEngineOp(in_tensor: list(InT)) -> (out_tensor: list(OutT)) | serialized_segment: string=''; "
    "segment_func: func; segment_funcdef_name: string=''; InT: list(type) >=1; OutT: list(type) >=1 | stateful"
)
def trt_engine(s: Site) -> Kernel:
    """What TensorRT would run, by the part of the graph that it was made from and that stands beside it."""
    ref, name = s.attrs.get("segment_func"), s["segment_funcdef_name"].decode()
    if (ref is None or not ref.name) and not name:
        raise s.unsupported("an engine of TensorRT without the graph that it was made from cannot run")
    if s.env is None:  # may it run? where it runs, the function is found
        return lambda *inputs: ()
    return _function(s, ref if ref is not None and ref.name else FunctionRef(name), s["InT"], s["OutT"])


# What docs/ops.md says of limits.
for _names, _words in (
    ("TRTEngineOp", "runs the native segment that the engine was made from; refused where the file has none"),
):
    for _name in _names.split():
        registered()[_name].limited(_words)
