"""`tf.__internal__.nest`: structures that are walked as far as a shallower one goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import nest

__all__ = ["assert_shallow_structure", "flatten_up_to", "map_structure_up_to"]


def _parts(tree: Any) -> list[tuple[Any, Any]] | None:
    found = nest.argument_parts(tree)
    return None if found is None else found[1]


def assert_shallow_structure(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Check that a structure is nested like another one, or deeper.

    Args:
        shallow_tree: how it must be nested at least.
        input_tree: the structure.
        check_types: must sequences be of one class? Mappings count as one class.
        expand_composites: accepted; composite tensors are leaves.

    Raises:
        TypeError: `input_tree` ends before `shallow_tree` does, or classes differ.
        ValueError: lengths or keys differ.
    """
    wanted = _parts(shallow_tree)
    if wanted is None:
        return
    given = _parts(input_tree)
    if given is None:
        raise TypeError(
            "If shallow structure is a sequence, input must also be a sequence. Input has type: "
            f"{type(input_tree)!r}."
        )
    mappings = isinstance(shallow_tree, Mapping) and isinstance(input_tree, Mapping)
    if check_types and not mappings and type(shallow_tree) is not type(input_tree):
        raise TypeError(
            "The two structures don't have the same sequence type. Input structure has type "
            f"{type(input_tree)}, while shallow structure has type {type(shallow_tree)}."
        )
    if len(wanted) != len(given):
        raise ValueError(
            "The two structures don't have the same sequence length. Input structure has length "
            f"{len(given)}, while shallow structure has length {len(wanted)}."
        )
    keys = [place for place, _ in given]
    missing = [place for place, _ in wanted if place not in keys]
    if mappings and missing:
        raise ValueError(
            "The two structures don't have the same keys. Input structure has keys "
            f"{keys}, while shallow structure has keys {[place for place, _ in wanted]}."
        )
    for (_, shallow), (_, deep) in zip(wanted, given, strict=True):
        assert_shallow_structure(shallow, deep, check_types)


def flatten_up_to(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> list[Any]:
    """The parts of a structure where a shallower one has its leaves; arguments as of `assert_shallow_structure`."""
    assert_shallow_structure(shallow_tree, input_tree, check_types)
    out: list[Any] = []

    def walk(shallow: Any, deep: Any) -> None:
        wanted = _parts(shallow)
        if wanted is None:
            out.append(deep)
            return
        for (_, a), (_, b) in zip(wanted, _parts(deep) or [], strict=True):
            walk(a, b)

    walk(shallow_tree, input_tree)
    return out


def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any) -> Any:
    """The structure of what `func` gives for the parts of `inputs` where `shallow_tree` has its leaves.

    Args:
        shallow_tree: how deep to go; the result is like it.
        func: takes as many arguments as there are inputs.
        *inputs: structures nested like `shallow_tree`, or deeper.
        **kwargs: `check_types` (default True), `expand_composites`: see `assert_shallow_structure`.

    Raises:
        ValueError: there are no inputs, or they are nested otherwise.
        TypeError: classes differ.
    """
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    check_types = kwargs.pop("check_types", True)
    flat = [flatten_up_to(shallow_tree, one, check_types) for one in inputs]
    return nest.pack_sequence_as(shallow_tree, [func(*parts) for parts in zip(*flat, strict=True)])
