"""Function aliases: names by which those who serve a model find its functions, whatever their names in the library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calque_runtime.ir import Function as IrFunction
from calque_runtime.savedmodel import calling, loader
from calque_runtime.savedmodel.metagraph import ConcreteFunctionInfo, SavedFunction
from calque_runtime.structure import TensorSpecValue

from ..function.concrete import ConcreteFunction
from ..function.polymorphic import Function
from .loaded_functions import LoadedConcreteFunction

__all__ = ["aliased", "function_aliases"]


def aliased(aliases: Mapping[str, Any]) -> dict[str, list[ConcreteFunction]]:
    """The concrete functions that each alias of `SaveOptions.function_aliases` stands for.

    Raises:
        TypeError: one stands for something else than functions.
    """
    return {alias: _concrete_functions(alias, function) for alias, function in aliases.items()}


def _concrete_functions(alias: str, function: Any) -> list[ConcreteFunction]:
    if isinstance(function, Function):
        return list(function.concrete_functions)
    several = function if isinstance(function, (list, tuple)) else [function]
    for one in several:
        if not isinstance(one, ConcreteFunction):
            raise TypeError(
                f"Unsupported type {type(one)} for the function alias '{alias}': give a tf.function, a concrete "
                "function, or a list of concrete functions."
            )
    return list(several)


def function_aliases(loader: loader.Loader) -> dict[str, Any]:
    """What the aliases of a loaded model stand for: a function that it holds, else a list of concrete functions."""
    names: dict[str, list[str]] = {}
    for name, alias in loader.meta_graph.function_aliases.items():
        names.setdefault(alias, []).append(name)
    return {alias: _found(loader, alias, concrete) for alias, concrete in names.items()}


def _found(loader: loader.Loader, alias: str, names: list[str]) -> Any:
    for number, node in enumerate(loader.graph.nodes):
        if isinstance(node.kind, SavedFunction) and set(names) & set(node.kind.concrete_functions):
            return loader.objects[number]
    return [
        LoadedConcreteFunction(_concrete(loader, name), alias) for name in names if name in loader.env.library
    ]


def _concrete(loader: loader.Loader, name: str) -> calling.Concrete:
    """A function of the library that no object holds: all that it takes is given by its caller."""
    function: IrFunction = loader.env.library[name]
    arguments = tuple(TensorSpecValue(v.shape, v.dtype, v.node.name) for v in function.inputs)
    results = [TensorSpecValue(v.shape, v.dtype, "") for v in function.outputs]
    info = ConcreteFunctionInfo((), (arguments, {}), results[0] if len(results) == 1 else tuple(results))
    return calling.Concrete(name, info, loader.env, [], list)
