"""Loops of the graph: the symbols that a loop changes become the variables of a `tf.while_loop`.

A loop's variables must have values before it. Where a symbol gets its first value inside, the body is traced once for
trial; from what it assigned, a first value of the same type is made up. Nobody sees it: when the graph runs, such a
loop must go round at least once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import nest
from ...api.array_ops import identity, zeros
from ...api.debugging_ops import Assert
from ...composite.composite import CompositeTensor
from ...composite.type_spec import TypeSpec
from ...control_flow import while_loop
from ...control_flow.structures import as_values
from ...tensor import Tensor, convert_to_tensor
from ...tensor_shape import TensorShape, as_shape
from ...variable import Variable
from .conditionals import verified_condition
from .kinds import as_static, is_dense, scratch
from .variables import Undefined, UndefinedReturnValue, has_no_value

__all__ = ["staged_while"]

_LEGAL = "Tensor, int, float, bool or a list, tuple or dict thereof"


def staged_while(
    test: Callable[[], Any],
    body: Callable[[], Any],
    get_state: Callable[[], tuple[Any, ...]],
    set_state: Callable[[tuple[Any, ...]], None],
    symbol_names: tuple[str, ...],
    opts: dict[str, Any],
) -> None:
    """A `while` statement as a loop of the graph. Arguments and errors: as `loops.while_stmt`."""
    given = get_state()
    options = {k: v for k, v in opts.items() if k != "iterate_names"}
    invariants = _positional(options.pop("shape_invariants", None) or (), given)
    undefined = [has_no_value(v) for v in given]
    made_up = any(undefined)
    before = given
    if made_up:
        before, invariants = _made_up(body, get_state, set_state, given, invariants, symbol_names)

    def traced_test(_: Any, values: Any) -> Any:
        set_state(tuple(values))
        return verified_condition(test(), "while loop")

    def traced_body(_: Any, values: Any) -> Any:
        entry = tuple(values)
        set_state(entry)
        body()
        after = get_state()
        for name, first, begin, end, invariant in zip(
            symbol_names, before, entry, after, invariants, strict=True
        ):
            _check_variable(name, first, begin, end, invariant)
        return (True,) if made_up else (), after

    for name, value, invariant in zip(symbol_names, before, invariants, strict=True):
        if invariant is not None:
            nest.map_structure(
                lambda v, i, name=name: _check_invariant(name, as_static(v), i, "before the loop"),
                value,
                invariant,
            )
    started = (False,) if made_up else ()
    ran, after = while_loop(
        traced_test,
        traced_body,
        (started, before),
        shape_invariants=(
            tuple(TensorShape([]) for _ in started),
            tuple(_as_given(v, i) for v, i in zip(before, invariants, strict=True)),
        ),
        **options,
    )
    if made_up:
        after = _required(ran[0], after, _never_ran(symbol_names, undefined, given))
    set_state(tuple(after))


def _required(ran: Any, values: Any, message: str) -> Any:
    """`values`, once it is certain that the loop has run."""
    from ...function.graph_mode import control_dependencies

    check = Assert(ran, [message])
    with control_dependencies([] if check is None else [check]):
        return nest.map_structure(lambda v: identity(v) if isinstance(v, Tensor) else v, values)


def _never_ran(names: Sequence[str], undefined: Sequence[bool], values: Sequence[Any]) -> str:
    parts = [
        "the function return value" if isinstance(value, UndefinedReturnValue) else name
        for name, new, value in zip(names, undefined, values, strict=True)
        if new
    ]
    return f"loop must iterate at least once to initialize {', '.join(parts)}"


# Shape invariants


def _positional(pairs: Any, values: Sequence[Any]) -> list[Any]:
    """The invariant of each value from (value, invariant) pairs; None where there is none."""
    by_identity = {id(value): (value, invariant) for value, invariant in pairs}
    found = [by_identity.get(id(value)) for value in values]
    return [
        pair[1] if pair is not None and pair[0] is value else None
        for pair, value in zip(found, values, strict=True)
    ]


def _as_given(value: Any, invariant: Any) -> Any:
    """An invariant as `while_loop` takes it: in the structure of the value; for a composite tensor, its spec."""
    if invariant is None:
        return nest.map_structure(lambda _: None, value)
    if isinstance(value, CompositeTensor) and not isinstance(invariant, TypeSpec):
        spec = value._type_spec
        _, *others = spec._serialize()  # every composite's begins with its shape
        return type(spec)._deserialize((as_shape(invariant), *others))
    return invariant


# First values


def _made_up(
    body: Callable[[], Any],
    get_state: Callable[[], tuple[Any, ...]],
    set_state: Callable[[tuple[Any, ...]], None],
    given: tuple[Any, ...],
    invariants: list[Any],
    names: Sequence[str],
) -> tuple[tuple[Any, ...], list[Any]]:
    """`given` and `invariants` with first values, and shapes, for the symbols that have none.

    Raises:
        ValueError: a symbol has none that could be made up.
        NotImplementedError: the loop may return without a value, or return in the middle.
    """
    found: Sequence[Any] = [None] * len(given)
    values, shapes, hint = list(given), list(invariants), ""
    try:
        with scratch() as trace:

            def unknown(
                leaf: Any,
            ) -> Any:  # so that the body cannot rely on a constant that is a variable later
                if leaf is None or not isinstance(as_static(leaf), Tensor) or isinstance(leaf, Tensor):
                    return leaf
                tensor = convert_to_tensor(leaf)
                return trace.argument("start", tensor.dtype, tensor.shape.as_tuple())

            set_state(tuple(nest.map_structure(unknown, v) for v in given))
            body()
            found = get_state()
        for i, (value, like) in enumerate(zip(given, found, strict=True)):
            if has_no_value(value) and not has_no_value(like):
                values[i], needed = _like(like, invariants[i])
                shapes[i] = invariants[i] if invariants[i] is not None else needed
    except (UnboundLocalError, TypeError, ValueError, KeyError) as e:
        hint = f"\nNote: AutoGraph tried to define it automatically, but ran into a {type(e).__name__}: {e}"
    finally:
        set_state(tuple(values))
    for name, value, like in zip(names, values, found, strict=True):
        _check_has_value(name, value, like, hint)
    return tuple(values), shapes


def _check_has_value(name: str, value: Any, like: Any, hint: str) -> None:
    if isinstance(value, UndefinedReturnValue):
        if not has_no_value(like):
            raise ValueError(
                f"the return value from a TensorFlow loop may only be a {_LEGAL}; got {type(like)}"
            )
        raise NotImplementedError(
            "a return statement cannot be placed inside this TensorFlow loop; this may happen if a return statement "
            "depends on a static Python condition such as a hyperparameter"
        )
    if value is None:
        raise ValueError(f"'{name}' is not allowed to be None before the loop")
    if isinstance(value, Undefined):
        raise ValueError(f"'{name}' must be defined before the loop{hint}")


def _like(value: Any, invariant: Any) -> tuple[Any, Any]:
    """A first value of the type that `value` has, and the shape invariant that it needs (None: none).

    Raises:
        TypeError: there is none for such a type.
    """
    if isinstance(value, (bool, int, float)):
        return type(value)(0), None
    if is_dense(value):
        shape = TensorShape(value.shape if invariant is None else invariant)
        if shape.rank is None:
            return zeros((), value.dtype), shape
        if value.shape.is_fully_defined():
            return zeros(value.shape, value.dtype), None
        known = value.shape.as_list() if value.shape.rank is not None else shape.as_list()
        sizes = [(s or 0) if n is None else n for n, s in zip(known, shape.as_list(), strict=True)]
        return zeros(sizes, value.dtype), shape
    if isinstance(value, (list, tuple, dict)):
        leaves = nest.flatten(value)
        wanted = [None] * len(leaves) if invariant is None else nest.flatten(invariant)
        made = [_like(leaf, i) for leaf, i in zip(leaves, wanted, strict=True)]
        return (
            nest.pack_sequence_as(value, [v for v, _ in made]),
            nest.pack_sequence_as(value, [i for _, i in made]),
        )
    raise TypeError(
        f"Found an unsupported type '{type(value).__name__}' while creating placeholder for {value}. Supported types "
        f"include {_LEGAL}."
    )


# Checks


def _check_variable(name: str, first: Any, entry: Any, end: Any, invariant: Any) -> None:
    """The symbol `name` keeps its structure, types and shapes through an iteration."""
    first, end = as_values(first), as_values(end)
    message = f"'{name}' does not have the same nested structure after one iteration.\n\n"
    for a, b in ((first, entry), (entry, end)):
        try:
            nest.assert_same_structure(a, b, expand_composites=True)
        except (ValueError, TypeError) as e:
            raise TypeError(f"{message}{e}") from e
    wanted = _as_given(first, invariant)
    leaves = zip(nest.flatten(entry), nest.flatten(end), nest.flatten(wanted), strict=True)
    for begin, finish, shape in leaves:
        _check_leaf(name, begin, finish, shape)


def _check_leaf(name: str, entry: Any, end: Any, invariant: Any) -> None:
    if end is None:
        raise ValueError(f"'{name}' is None at the end of the iteration.")
    entry, end = as_static(entry), as_static(end)
    if not isinstance(entry, (Tensor, Variable)) or not isinstance(end, (Tensor, Variable)):
        return
    if entry.dtype != end.dtype:
        raise TypeError(
            f"'{name}' has dtype {entry.dtype.name} before the loop, but dtype {end.dtype.name} after one iteration"
        )
    if invariant is None:
        if not end.shape.is_subtype_of(entry.shape):
            raise ValueError(
                f"'{name}' has shape {entry.shape} before the loop, but shape {end.shape} after one iteration. Use "
                "tf.autograph.experimental.set_loop_options to set shape invariants."
            )
        return
    _check_invariant(name, end, invariant, "after one iteration")


def _check_invariant(name: str, value: Any, invariant: Any, when: str) -> None:
    shape = getattr(value, "shape", None)
    if invariant is not None and isinstance(shape, TensorShape) and not shape.is_subtype_of(invariant):
        raise ValueError(
            f"'{name}' has shape {shape} {when}, which does not conform with the shape invariant {invariant}."
        )
