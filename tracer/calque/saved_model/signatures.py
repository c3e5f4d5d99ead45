"""Signatures: functions from named tensors to named tensors, which every loader can call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from calque_runtime.ops import control
from calque_runtime.shapes import Shape

from .. import nest
from ..function.concrete import ConcreteFunction
from ..function.effects import add_control_dependencies
from ..function.leaves import Leaf, TensorLeaf
from ..function.polymorphic import Function
from ..function.signature import FunctionSignature
from ..function.trace import Trace
from ..object_graph import Children
from ..tensor import EagerTensor, SymbolicTensor, Tensor
from ..trackable import Trackable
from .loaded_functions import LoadedFunction

__all__ = [
    "DEFAULT_SIGNATURE",
    "SignatureMap",
    "canonicalize_signatures",
    "declared_trace",
]

DEFAULT_SIGNATURE = "serving_default"


class SignatureMap(Trackable, Mapping[str, Any]):
    """A model's signatures by name: what the child ``signatures`` of a saved root is.

    Args:
        functions: the signatures.
        defaults: for each signature: the values of the arguments that may be left out, by name.
    """

    _saved_identifier = "signature_map"

    def __init__(
        self, functions: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self._functions = dict(functions)
        self.defaults = dict(defaults or {})

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Trackable]:
        return dict(self._functions)

    def __getitem__(self, key: str) -> Any:
        return self._functions[key]

    def __iter__(self) -> Any:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __repr__(self) -> str:
        return f"SignatureMap({self._functions!r})"


def canonicalize_signatures(root: Any, signatures: Any, children: Children) -> SignatureMap:
    """The signatures to save, each wrapped in a function of named tensors.

    Args:
        root: the object being saved; asked for a default where `signatures` is None: the signatures it was loaded with,
            its ``_default_save_signature``, or the one function among its attributes that has an input signature or is
            concrete.
        signatures: a function, or functions by name; None for the default.
        children: gives the children of an object.

    Raises:
        ValueError: a signature is no function, or of no single signature; the message says how to give it one.
    """
    own = getattr(root, "signatures", None)
    if not isinstance(own, SignatureMap) and "signatures" in children(root):
        raise ValueError(
            f"The attribute `signatures` of the object to save, {own!r}, is reserved: it gives a saved model's "
            "signatures. Give it another name, or delete it (`del obj.signatures`) and give the signatures to "
            "tf.saved_model.save."
        )
    if signatures is None and isinstance(own, SignatureMap) and own:
        return own  # a loaded model keeps the signatures it came with
    if signatures is None:
        found = _default(root, children)
        given = {} if found is None else {DEFAULT_SIGNATURE: found}
    elif isinstance(signatures, Mapping):
        given = dict(signatures)
    else:
        given = {DEFAULT_SIGNATURE: signatures}
    wrapped, defaults = {}, {}
    for name in sorted(given):
        if not isinstance(name, str) or not name or name == "__saved_model_init_op":
            raise ValueError(f"{name!r} cannot be the name of a signature.")
        concrete = _concrete(name, given[name])
        wrapped[name] = _wrap(name, concrete)
        if isinstance(given[name], Function):
            defaults[name] = _tensor_defaults(concrete)
    return SignatureMap(wrapped, defaults)


def _tensor_defaults(concrete: ConcreteFunction) -> dict[str, Any]:
    """The arguments that a caller of a signature may leave out: those whose default is a tensor."""
    defaults = {p.name: p.default for p in concrete.signature.parameters}
    names = iter(concrete.arg_names)
    found = {}
    for parameter, structure in concrete.structure.items():
        for leaf in nest.flatten(structure):
            if isinstance(leaf, Leaf) and not isinstance(leaf, TensorLeaf):
                continue
            name = next(names)
            if leaf is structure and isinstance(defaults.get(parameter), EagerTensor):
                found[name] = defaults[parameter]._array
    return found


def _default(root: Any, children: Children) -> Any:
    own = children(root).get("_default_save_signature", getattr(root, "_default_save_signature", None))
    if isinstance(own, (Function, ConcreteFunction)):
        return own
    found = []
    for child in children(root).values():
        concrete = declared_trace(child)
        if (
            concrete is not None
            and concrete.outputs
            and _named_results(concrete.structured_outputs) is not None
        ):
            found.append(child)
    return found[0] if len(found) == 1 else None


def declared_trace(function: Any) -> ConcreteFunction | None:
    """The one trace that `function` is declared to have, made if need be; None where calls decide what traces it has.

    A concrete function is its own; a `Function` has one if it was given an input signature, or takes no arguments.
    """
    if isinstance(function, ConcreteFunction):
        return function
    if not isinstance(function, Function):
        return None
    if function.input_signature is None and function.signature.parameters:
        return None
    if isinstance(function, LoadedFunction) and not function.concrete_functions:
        return None  # there is no Python function left to trace
    return function.get_concrete_function()


def _concrete(name: str, function: Any) -> ConcreteFunction:
    concrete = declared_trace(function)
    if concrete is not None:
        return concrete
    if isinstance(function, Function):
        why = (
            f"'{function.name}' has no single signature. Give it one with tf.function(input_signature=...), or call "
            f"{function.name}.get_concrete_function with a tf.TensorSpec for each argument and give its result."
        )
    else:
        why = f"{function!r} is none."
    raise ValueError(
        f"Expected a TensorFlow function with an input signature or a concrete function for signature '{name}', but "
        f"{why}"
    )


def _wrap(name: str, concrete: ConcreteFunction) -> ConcreteFunction:
    """A function of named tensors around `concrete`, whose results are named too."""
    if len(set(concrete.arg_names)) != len(concrete.arg_names):
        raise ValueError(
            f"Signature '{name}': the arguments of '{concrete.name}' do not have unique names ({concrete.arg_names}); "
            "give them in tf.TensorSpec(name=...)."
        )
    order = sorted(concrete.arg_names)
    trace = Trace(f"__inference_signature_wrapper_{concrete.signature.name}")
    specs = dict(zip(concrete.arg_names, concrete.function.inputs, strict=False))
    declared = dict(zip(concrete.arg_names, _declared_shapes(concrete), strict=False))
    inner: dict[str, SymbolicTensor] = {}
    for key in order:
        value = specs[key]
        inner[key] = trace.argument(re.sub(r"[^A-Za-z0-9_]", "_", key), value.dtype, declared[key])
        trace.function.arg_attrs[len(trace.function.inputs) - 1] = {"_user_specified_name": key.encode()}
    with trace.as_current():
        results = _named_results(concrete.call_flat([inner[k] for k in concrete.arg_names]))
        if results is None:
            raise ValueError(
                f"Got a non-Tensor value for a result of signature '{name}': '{concrete.signature.name}' returns "
                f"{concrete.structured_outputs!r}. A signature returns a tensor, a sequence of tensors, or a dict of "
                "tensors by name."
            )
        outputs = {key: control.identity(results[key], name="Identity") for key in sorted(results)}
    trace.function.outputs = [t._value for t in outputs.values()]
    trace.function.output_names = ["identity" if i == 0 else f"identity_{i}" for i in range(len(outputs))]
    add_control_dependencies(trace.function)
    signature = FunctionSignature.of_keywords(f"signature_wrapper_{concrete.signature.name}", order)
    structure = {
        parameter.name: TensorLeaf(specs[key].dtype, declared[key])
        for parameter, key in zip(signature.parameters, order, strict=True)
    }
    return ConcreteFunction(trace, signature, structure, order, outputs)


def _declared_shapes(concrete: ConcreteFunction) -> list[Shape]:
    """The shape of each flat argument, as it was traced for; what `set_shape` made of it inside does not count."""
    leaves = [leaf for part in concrete.structure.values() for leaf in nest.flatten(part)]
    shapes = [spec.shape.as_tuple() for leaf in leaves if isinstance(leaf, Leaf) for spec in leaf.specs()]
    if len(shapes) != len(concrete.arg_names):
        return [value.shape for value in concrete.function.inputs]
    return shapes


def _named_results(results: Any) -> dict[str, Any] | None:
    """What a signature returns, by name, for what its function returns; None where that is nested or no tensor."""
    if isinstance(results, Mapping):
        named = dict(results)
    elif hasattr(results, "_asdict"):
        named = results._asdict()
    else:
        several = results if isinstance(results, (list, tuple)) else [results]
        named = {f"output_{i}": one for i, one in enumerate(several)}
    fits = all(isinstance(key, str) and isinstance(value, Tensor) for key, value in named.items())
    return named if fits else None
