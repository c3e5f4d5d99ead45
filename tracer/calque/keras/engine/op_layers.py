"""Ops on symbolic tensors as layers: `tf.reduce_mean(x)`, ``x + y``, ``x[:, 0]`` in a functional model."""

from __future__ import annotations

import inspect
import operator
import sys
from collections.abc import Callable
from typing import Any

from ...composite import dispatch
from ..naming import unique_object_name
from .keras_tensor import KerasTensor, keras_tensors_in
from .layer import Layer

__all__ = ["ClassMethodLayer", "SlicingOpLambda", "TFOpLambda", "install"]

# Public modules whose functions take symbolic tensors; the names that TensorFlow has for a function under several
# modules are, but for these, those in `math`, or else the shortest.
_MODULES = (
    "", "math", "nn", "linalg", "image", "strings", "signal", "bitwise", "audio", "io", "random", "sparse", "ragged"
)  # fmt: skip
_CANONICAL = {
    "math.softmax": "nn.softmax",
    "math.log_softmax": "nn.log_softmax",
    "math.softsign": "nn.softsign",
    "math.mod": "math.floormod",
    "matmul": "linalg.matmul",
    "complex": "dtypes.complex",
    "saturate_cast": "dtypes.saturate_cast",
    "as_string": "strings.as_string",
    "nn.swish": "nn.silu",
}
# Functions of structures, arrays or Python objects: they mean something else on symbolic tensors, or nothing.
_NOT_OF_TENSORS = frozenset(
    (
        "Assert",
        *("assert_equal", "assert_greater", "assert_less", "assert_rank"),
        "as_dtype", "case", "cond", "control_dependencies", "convert_to_tensor", "custom_gradient",
        "executing_eagerly", "foldl", "foldr", "function", "get_static_value", "grad_pass_through", "gradients",
        "group", "init_scope", "inside_function", "is_symbolic_tensor", "is_tensor", "load_library",
        *("matching_files", "read_file", "write_file"),
        "load_op_library", "make_ndarray", "make_tensor_proto", "map_fn", "name_scope", "no_op", "numpy_function",
        "print", "py_function", "recompute_grad", "scan", "stop_recording", "switch_case", "type_spec_from_value",
        "variable_creator_scope", "vectorized_map", "while_loop",
    )
)  # fmt: skip

_functions: dict[str, Callable[..., Any]] = {}  # by canonical name
_names: dict[Callable[..., Any], str] = {}


class TFOpLambda(Layer):
    """A public function of tensors as a layer.

    Args:
        function: the function, or its name in TensorFlow (``"math.reduce_mean"``).
        **kwargs: those of every layer.

    Raises:
        ValueError: there is no function of that name.
    """

    _preserves_input_structure = True
    _is_op_layer = True
    _makes_tensors = False  # the function does, and knows of which dtype
    symbol: str
    function: Callable[..., Any]

    def __init__(self, function: Any, **kwargs: Any) -> None:
        symbol, found = _resolved(function)
        self.__dict__.update(symbol=symbol, function=found)
        name = kwargs.pop("name", None) or unique_object_name(
            f"tf.{self.symbol}", zero_based=True, avoid_observed_names=True
        )
        kwargs["autocast"] = False
        super().__init__(name=name, **kwargs)
        self._state.built = True
        parameters = inspect.signature(self.function).parameters
        self._call_spec.names = list(parameters)
        self._call_spec.expects_mask = self._call_spec.expects_training = False

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function."""
        return self.function(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function, or note a call of it on symbolic tensors."""
        if not args and kwargs:
            first = self._call_spec.names[0]
            if first in kwargs:
                args = (kwargs.pop(first),)
        if not args:
            args = (None,)
        return super().__call__(*args, **kwargs)

    def _run(self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.function(inputs, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"function": self.symbol}


class SlicingOpLambda(TFOpLambda):
    """Indexing as a layer: like `TFOpLambda`, with slices as dicts of "start", "stop" and "step" in configs."""

    def _run(self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args:
            return inputs[_slices(args[0])]
        return inputs[_slices(kwargs["slice_spec"])]


class ClassMethodLayer(TFOpLambda):
    """A method of ragged or sparse tensors as a layer."""


def _slices(spec: Any) -> Any:
    """A slice spec with slices where a config has dicts."""
    if isinstance(spec, dict):
        return slice(spec["start"], spec["stop"], spec["step"])
    if isinstance(spec, (list, tuple)):
        return tuple(_slices(s) for s in spec)
    return Ellipsis if spec == "__ellipsis__" else spec


def _slice_dicts(spec: Any) -> Any:
    if isinstance(spec, slice):
        return {"start": spec.start, "stop": spec.stop, "step": spec.step}
    if isinstance(spec, (list, tuple)):
        return tuple(_slice_dicts(s) for s in spec)
    return spec


def _operator(name: str) -> Callable[..., Any]:
    function = getattr(operator, name)

    def run(x: Any, y: Any, name: str | None = None) -> Any:
        return function(x, y)

    return run


def _getitem(tensor: Any, slice_spec: Any) -> Any:
    return tensor[_slices(slice_spec)]


_OPERATORS: dict[str, Callable[..., Any]] = {
    "__operators__.add": _operator("add"),
    "__operators__.eq": _operator("eq"),
    "__operators__.ne": _operator("ne"),
    "__operators__.getitem": _getitem,
}


def _resolved(function: Any) -> tuple[str, Callable[..., Any]]:
    """The canonical name of a function, and the function."""
    if callable(function):
        return _names.get(function) or function.__name__, function
    found = _OPERATORS.get(function) or _functions.get(function) or _looked_up(function)
    if found is None:
        raise ValueError(
            f"TFOpLambda: there is no function tf.{function} in calque (docs/names.md lists what there is)."
        )
    return function, found


def _looked_up(name: str) -> Callable[..., Any] | None:
    """The public function of tensors of that name; None for other functions: the name may come from a file."""
    short = name.removeprefix("compat.v1.").removeprefix("compat.v2.")
    short = {"floor_div": "math.floordiv", "placeholder_with_default": "identity"}.get(short, short)
    found: Any = sys.modules[__name__.partition(".")[0]]
    for part in short.split("."):
        found = getattr(found, part, None)
        if found is None:
            return None
    known = inspect.isfunction(found) and (found in _names or getattr(found, "__wrapped__", None) in _names)
    return found if known else None


# The calls of functions and operators


def install() -> None:
    """Let public functions and operators take symbolic tensors."""
    root = sys.modules[__name__.partition(".")[0]]
    modules = [root if not name else getattr(root, name) for name in _MODULES]
    for name, module in zip(_MODULES, modules, strict=True):
        for attribute, value in list(vars(module).items()):
            if attribute.startswith("_") or attribute in _NOT_OF_TENSORS or not inspect.isfunction(value):
                continue
            if value.__module__.partition(".")[0] != root.__name__:
                continue
            full = f"{name}.{attribute}" if name else attribute
            _name(value, _CANONICAL.get(full, full))
    for function, name in list(_names.items()):
        dispatch.add_target(function, _target(function, name), owner=TFOpLambda)
    dispatch.stand_ins(KerasTensor)
    dispatch.install(modules, {}, {})
    for name, layer in _DUNDERS.items():
        setattr(KerasTensor, name, layer)


def _name(function: Callable[..., Any], name: str) -> None:
    known = _names.get(function)
    if known is None or (
        name.startswith("math.") and name not in _CANONICAL and not known.startswith("math.")
    ):
        if known in _CANONICAL.values():
            return
        _names[function] = name
    _functions[_names[function]] = function


def _target(function: Callable[..., Any], name: str) -> Callable[[tuple[Any, ...], dict[str, Any]], Any]:
    plain = getattr(function, "__wrapped__", function)

    def call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not keras_tensors_in(args, kwargs):
            return dispatch.NOT_SUPPORTED
        parameters = [
            p
            for p, kind in inspect.signature(plain).parameters.items()
            if kind.kind is not kind.VAR_POSITIONAL
        ]
        rest = dict(zip(parameters[1:], args[1:], strict=False)) | kwargs
        return TFOpLambda(name)(*args[:1], **rest)

    return call


def _binary(name: str, swapped: bool = False, with_name: bool = True) -> Callable[[Any, Any], Any]:
    second = "b" if name == "linalg.matmul" else "y"

    def method(self: Any, other: Any) -> Any:
        if swapped and isinstance(other, (bool, int, float)):
            other = self.dtype.as_numpy_dtype(other).item()
        x, y = (other, self) if swapped else (self, other)
        extra = {"name": None} if with_name else {}
        if name.startswith("__"):
            return TFOpLambda(name)(x, y=y, **extra)
        return TFOpLambda(name)(x, **{second: y}, **extra)

    return method


def _unary(name: str) -> Callable[[Any], Any]:
    return lambda self: TFOpLambda(name)(self, name=None)


def _index(self: Any, key: Any) -> Any:
    return SlicingOpLambda("__operators__.getitem")(self, slice_spec=_slice_dicts(key))


def _logical(name: str) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        kind = "math" if self.dtype.is_bool else "bitwise"
        return TFOpLambda(f"{kind}.{('logical_' if kind == 'math' else 'bitwise_') + name}")(
            self, y=other, name=None
        )

    return method


_DUNDERS: dict[str, Callable[..., Any]] = {
    "__add__": _binary("__operators__.add"),
    "__radd__": _binary("__operators__.add", True),
    "__eq__": _binary("__operators__.eq", with_name=False),
    "__ne__": _binary("__operators__.ne", with_name=False),
    "__matmul__": _binary("linalg.matmul"),
    "__rmatmul__": _binary("linalg.matmul", True),
    "__lt__": _binary("math.less"),
    "__le__": _binary("math.less_equal"),
    "__gt__": _binary("math.greater"),
    "__ge__": _binary("math.greater_equal"),
    "__neg__": _unary("math.negative"),
    "__abs__": _unary("math.abs"),
    "__invert__": _unary("math.logical_not"),
    "__and__": _logical("and"),
    "__or__": _logical("or"),
    "__xor__": _logical("xor"),
    "__getitem__": _index,
}
for _name_, _function in (
    ("sub", "math.subtract"),
    ("mul", "math.multiply"),
    ("truediv", "math.truediv"),
    ("floordiv", "math.floordiv"),
    ("mod", "math.floormod"),
    ("pow", "math.pow"),
):
    _DUNDERS[f"__{_name_}__"] = _binary(_function)
    _DUNDERS[f"__r{_name_}__"] = _binary(_function, True)
