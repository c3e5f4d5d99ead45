"""What a layer knows of itself beside its attributes: weights, losses, policy, how it was called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ...data_structures import DictWrapper, ListWrapper, OrderedDictWrapper, TupleWrapper
from ...module import Module
from ...variable import Variable

__all__ = ["LayerState", "is_container", "modules_in", "unique", "variables_in"]

_CONTAINERS = (ListWrapper, DictWrapper, OrderedDictWrapper, TupleWrapper)


@dataclass
class LayerState:
    """The bookkeeping of one layer, under one attribute that walks of its attributes leave out.

    Attributes:
        trainable: the switch; the weights' own is another.
        trainable_weights, non_trainable_weights: the layer's own, in the order in which they were made.
        parts: the layers, modules and containers of such that were assigned to attributes, in that order.
        metrics: those assigned to attributes or made by `add_metric`.
        losses: what the last call added.
        callable_losses: what `losses` calls each time: regularizers and functions.
        policy: the dtype policy.
        autocast: are floating inputs cast to the compute dtype?
        built: have the weights been made?
        build_input_shape: the shape (or structure of shapes) that `build` was given.
        input_spec: see `Layer.input_spec`.
        call_spec: the parameters of `call`.
        save_spec: specs of the arguments of the first call, for saving: (positional, by name).
        inbound: the calls of it on symbolic tensors.
        outbound: those calls of other layers that use its results.
        fixed_input: the batch shape given to the constructor, if any.
        dynamic: can the layer only run eagerly?
    """

    policy: Any
    trainable: bool = True
    trainable_weights: list[Variable] = field(default_factory=list)
    non_trainable_weights: list[Variable] = field(default_factory=list)
    parts: list[Any] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    losses: list[Any] = field(default_factory=list)
    callable_losses: list[Callable[[], Any]] = field(default_factory=list)
    autocast: bool = True
    built: bool = False
    build_input_shape: Any = None
    input_spec: Any = None
    call_spec: Any = None
    save_spec: Any = None
    inbound: list[Any] = field(default_factory=list)
    outbound: list[Any] = field(default_factory=list)
    fixed_input: tuple[int | None, ...] | None = None
    dynamic: bool = False


def unique(items: Any) -> list[Any]:
    """The items without those that came before, as objects."""
    seen: set[int] = set()
    return [x for x in items if not (id(x) in seen or seen.add(id(x)))]  # type: ignore[func-returns-value]


def modules_in(parts: Any) -> Iterator[Module]:
    """The modules among `parts` and in the containers among them, in order."""
    for part in parts:
        if isinstance(part, Module):
            yield part
        elif isinstance(part, _CONTAINERS):
            yield from modules_in(part.values() if isinstance(part, dict) else part)


def variables_in(parts: Any) -> Iterator[Variable]:
    """The variables in the containers among `parts`, in order; not those of modules."""
    for part in parts:
        if isinstance(part, Variable):
            yield part
        elif isinstance(part, _CONTAINERS):
            yield from variables_in(part.values() if isinstance(part, dict) else part)


def is_container(value: Any) -> bool:
    """Is `value` a tracked list, dict or tuple?"""
    return isinstance(value, _CONTAINERS)
