"""Resource variables: handles, reads, assignments, sparse reads and updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import OutOfRangeError
from ..op import Array, Kernel, Op, Site, op, register, registered
from ..resources import Variable
from ..shapes import Shape, compatible, concat, format_shape
from .common import as_strings

__all__: list[str] = []


@op(
    "VarHandleOp() -> (resource: resource) | container: string=''; shared_name: string=''; debug_name: string=''; "
    "dtype: type; shape: shape; allowed_devices: list(string)=[] | stateful"
)
def var_handle(s: Site) -> Kernel:
    """The variable of that container and shared name (the node's name where that is empty)."""
    env = s.env
    if env is None:
        raise s.error("a variable handle needs an environment to live in")
    name = s["shared_name"].decode() or s.name
    container = s["container"].decode()
    dtype, shape = s["dtype"], s["shape"]
    return lambda: env.resource("variable", container, name, lambda: Variable(dtype, shape, name))


@var_handle.shape
def _(s: Site) -> list[Shape]:
    return [()]


@op("ReadVariableOp(resource: resource) -> (value: dtype) | dtype: type | stateful")
def read_variable(s: Site) -> Kernel:
    """The variable's value at this point of the program."""
    dtype = s["dtype"]

    def run(variable: Variable) -> Array:
        if variable.dtype is not dtype:
            raise s.error(
                f"Trying to read variable with wrong dtype. Expected {dtype.name} got {variable.dtype.name}"
            )
        return variable.value

    return run


@read_variable.shape
def _(s: Site) -> list[Shape]:
    known = s.handle(0)
    return [None if known is None else known[1]]


read_variable.gradient = lambda c, g: [g]


def _assignment(name: str, doc: str, change: Callable[[Any, Any], Any] | None, extra: str = "") -> Op:
    def kernel(s: Site) -> Kernel:
        def run(variable: Variable, value: Array) -> tuple[()]:
            if change is None:
                variable.assign(np.array(value))  # a caller may change the array it passed in later
                return ()
            with variable.lock:
                old = variable.value
                if np.shape(value) != np.shape(old):
                    raise _other_shape(s, variable, old, value)
                variable.assign(change(old, value))
            return ()

        return run

    one = register(
        Op(f"{name}(resource: resource, value: dtype) -> () | dtype: type{extra} | stateful", kernel, doc)
    )
    one.shape_rule = _assignable
    return one


def _assignable(s: Site) -> list[Shape]:
    known = s.handle(0)
    if known is not None and not compatible(known[1], s.shapes[1]):
        raise s.error(
            f"a value of shape {format_shape(s.shapes[1])} cannot be assigned to a variable of shape "
            f"{format_shape(known[1])}"
        )
    return []


def _other_shape(s: Site, variable: Variable, old: Array, value: Array) -> Exception:
    return s.error(
        f"Cannot update variable '{variable.name}' with shape {list(np.shape(old))} using a Tensor with shape "
        f"{list(np.shape(value))}, shapes must be equal."
    )


assign_variable: Op = _assignment(
    "AssignVariableOp", "Replace the value.", None, "; validate_shape: bool=false"
)
assign_add_variable: Op = _assignment("AssignAddVariableOp", "Add to the value.", np.add)
assign_sub_variable: Op = _assignment("AssignSubVariableOp", "Subtract from the value.", np.subtract)


@op("VarIsInitializedOp(resource: resource) -> (is_initialized: bool) | stateful")
def var_is_initialized(s: Site) -> Kernel:
    """Has the variable a value?"""
    return lambda variable: np.bool_(variable.initialized)


@var_is_initialized.shape
def _(s: Site) -> list[Shape]:
    return [()]


@op("VariableShape(input: resource) -> (output: out_type) | out_type: type=int32 in index | stateful")
def variable_shape(s: Site) -> Kernel:
    """The shape of the variable's value, as a vector."""
    kind = s["out_type"].np
    return lambda variable: np.array(np.shape(variable.value), kind)


@variable_shape.shape
def _(s: Site) -> list[Shape]:
    known = s.handle(0)
    return [(None,) if known is None or known[1] is None else (len(known[1]),)]


variable_shape.not_differentiable()


@op("DestroyResourceOp(resource: resource) -> () | ignore_lookup_error: bool=true | stateful")
def destroy_resource(s: Site) -> Kernel:
    """Drop what the resource holds."""

    def run(resource: Any) -> tuple[()]:
        if isinstance(resource, Variable):
            resource.clear()
        return ()

    return run


@op("DisableCopyOnRead(resource: resource) -> () | stateful")
def disable_copy_on_read(s: Site) -> Kernel:
    """Nothing to do: values are never changed in place, so that reads never copy."""
    return lambda variable: ()


@op(
    "ResourceGather(resource: resource, indices: Tindices) -> (output: dtype) | batch_dims: int=0; "
    "validate_indices: bool=true; dtype: type; Tindices: type in index | stateful"
)
def resource_gather(s: Site) -> Kernel:
    """Rows of the variable: ``output[i, ...] = value[indices[i], ...]``."""
    if s["batch_dims"] != 0:
        raise s.unsupported("ResourceGather with batch_dims other than 0 is not supported")

    def run(variable: Variable, indices: Array) -> Array:
        value = variable.value
        check_indices(s, indices, value.shape[0] if value.shape else 0)
        out = np.take(value, indices, axis=0)
        return as_strings(out) if value.dtype == object and np.ndim(out) == 0 else out

    return run


@resource_gather.shape
def _(s: Site) -> list[Shape]:
    known = s.handle(0)
    return [None if known is None or known[1] is None else concat([s.shapes[1], known[1][1:]])]


@op(
    "ResourceGatherNd(resource: resource, indices: Tindices) -> (output: dtype) | dtype: type; "
    "Tindices: type in index | stateful"
)
def resource_gather_nd(s: Site) -> Kernel:
    """Slices of the variable at the positions in the last axis of `indices`."""

    def run(variable: Variable, indices: Array) -> Array:
        value = variable.value
        at = tuple(np.moveaxis(indices, -1, 0))
        for axis, one in enumerate(at):
            check_indices(s, one, value.shape[axis])
        out = value[at]
        return as_strings(out) if value.dtype == object and np.ndim(out) == 0 else out

    return run


def check_indices(s: Site, indices: Array, size: int) -> None:
    """Are all in [0, size)?

    Raises:
        InvalidArgumentError: one is not; the message gives its place.
    """
    if np.size(indices) == 0:
        return
    bad = (indices < 0) | (indices >= size)
    if np.any(bad):
        at = tuple(int(i) for i in np.argwhere(np.asarray(bad))[0])
        where = f"[{','.join(map(str, at))}]" if at else ""
        raise s.error(f"indices{where} = {np.asarray(indices)[at]} is not in [0, {size})")


def _check_updates(s: Site, updates: Array, shape: tuple[int, ...]) -> None:
    if np.shape(updates) != shape:
        raise s.error(
            f"updates have shape {list(np.shape(updates))}, the slices that they are for {list(shape)}"
        )


def _scatter(name: str, doc: str, change: Callable[[Array, Any, Array], Any]) -> Op:
    def kernel(s: Site) -> Kernel:
        def run(variable: Variable, indices: Array, updates: Array) -> tuple[()]:
            def changed(old: Array) -> Array:
                check_indices(s, indices, old.shape[0] if old.shape else 0)
                new = old.copy()
                if np.ndim(updates):  # a scalar is for all of them
                    _check_updates(s, updates, np.shape(indices) + old.shape[1:])
                change(new, indices, updates)
                return new

            variable.update(changed)
            return ()

        return run

    declared = f"{name}(resource: resource, indices: Tindices, updates: dtype) -> () | dtype: type"
    numeric = "" if name == "ResourceScatterUpdate" else " in numeric"
    return register(Op(f"{declared}{numeric}; Tindices: type in index | stateful", kernel, doc))


def _put(array: Array, at: Any, values: Array) -> None:
    array[at] = values


resource_scatter_update: Op = _scatter("ResourceScatterUpdate", "Replace the rows at `indices`.", _put)
resource_scatter_add: Op = _scatter("ResourceScatterAdd", "Add to the rows at `indices`.", np.add.at)
resource_scatter_sub: Op = _scatter(
    "ResourceScatterSub", "Subtract from the rows at `indices`.", np.subtract.at
)
resource_scatter_mul: Op = _scatter("ResourceScatterMul", "Multiply the rows at `indices`.", np.multiply.at)
resource_scatter_div: Op = _scatter("ResourceScatterDiv", "Divide the rows at `indices`.", np.divide.at)
resource_scatter_min: Op = _scatter("ResourceScatterMin", "The smaller of row and update.", np.minimum.at)
resource_scatter_max: Op = _scatter("ResourceScatterMax", "The larger of row and update.", np.maximum.at)


def _scatter_nd(name: str, doc: str, change: Callable[[Array, Any, Array], Any]) -> Op:
    def kernel(s: Site) -> Kernel:
        def run(variable: Variable, indices: Array, updates: Array) -> tuple[()]:
            def changed(old: Array) -> Array:
                new = old.copy()
                at = tuple(np.moveaxis(indices, -1, 0))
                _check_updates(s, updates, np.shape(indices)[:-1] + old.shape[len(at) :])
                for axis, one in enumerate(at):
                    check_indices(s, one, old.shape[axis])
                change(new, at, updates)
                return new

            variable.update(changed)
            return ()

        return run

    return register(
        Op(
            f"{name}(ref: resource, indices: Tindices, updates: T) -> () | T: type; Tindices: type in index; "
            "use_locking: bool=true; bad_indices_policy: string='' | stateful",
            kernel,
            doc,
        )
    )


resource_scatter_nd_update: Op = _scatter_nd("ResourceScatterNdUpdate", "Replace slices.", _put)
resource_scatter_nd_add: Op = _scatter_nd("ResourceScatterNdAdd", "Add to slices.", np.add.at)
resource_scatter_nd_sub: Op = _scatter_nd("ResourceScatterNdSub", "Subtract from slices.", np.subtract.at)


@op("ResourceCountUpTo(resource: resource) -> (output: T) | limit: int; T: type in index | stateful")
def resource_count_up_to(s: Site) -> Kernel:
    """The value, which then grows by one; OutOfRangeError once it has reached `limit`."""
    limit = s["limit"]

    def run(variable: Variable) -> Array:
        with variable.lock:
            value = variable.value
            if value >= limit:
                raise s.error(f"Reached limit of {limit}", OutOfRangeError)
            variable.assign(np.asarray(value + value.dtype.type(1)))
            return value

    return run


@resource_count_up_to.shape
def _(s: Site) -> list[Shape]:
    return [()]


# What docs/ops.md says of limits.
for _names, _words in (("ResourceGather", "refused: batch_dims other than 0"),):
    for _name in _names.split():
        registered()[_name].limited(_words)
