"""`tf.py_function`, `tf.numpy_function`: Python functions called where a graph runs."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from calque_runtime.dtypes import DType, as_dtype, from_numpy
from calque_runtime.errors import (
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from calque_runtime.op import Op
from calque_runtime.ops.python_calls import PYTHON_FUNCTION, eager_py_func, py_func, py_func_stateless

from .. import nest
from ..composite.composite import CompositeTensor
from ..composite.type_spec import TypeSpec
from ..context import init_scope, state
from ..convert import to_array
from ..function.trace import Trace
from ..tensor import EagerTensor, convert_to_tensor
from ..tensor_spec import TensorSpec
from ..variable import Variable

__all__ = ["numpy_function", "py_function"]

_numbers = itertools.count()
_CLASSES: tuple[tuple[type[BaseException], type[OpError]], ...] = (
    (StopIteration, OutOfRangeError),
    (MemoryError, ResourceExhaustedError),
    (NotImplementedError, UnimplementedError),
    (TypeError, InvalidArgumentError),
    (ValueError, InvalidArgumentError),
)


def py_function(
    func: Callable[..., Any] | None = None, inp: Any = None, Tout: Any = None, name: str | None = None
) -> Any:
    """What a Python function of eager tensors returns; in a graph it runs eagerly each time the graph does.

    A graph that calls Python cannot be saved. Gradients flow through what the function computes; in a graph, it is
    called once more for them.

    Args:
        func: the function; without it, a decorator with these options is returned.
        inp: its arguments, a list of tensors (or composites of them).
        Tout: the dtype of what it returns, or a list of dtypes where it returns a list (an empty one for None);
            `TypeSpec`s for composites.
        name: the node's name.

    Returns:
        A tensor, or a list of tensors where `Tout` is a list. In a graph, nothing but what a `TypeSpec` says is known
        of their shapes.

    Raises:
        TypeError: `Tout` or `inp` is missing.
        ValueError: `func` cannot be called.
        InvalidArgumentError: when it runs: the function returns something else than `Tout` says, or raises a TypeError
            or ValueError; another exception becomes the OpError of that meaning, or UnknownError.
    """
    wrapper = _checked("tf.py_function", py_function, func, inp, Tout, name=name)
    if wrapper is not None:
        return wrapper
    arguments = [a.read_value() if isinstance(a, Variable) else a for a in inp]
    arguments = [a if isinstance(a, CompositeTensor) else convert_to_tensor(a) for a in arguments]
    called = _EagerFunction(func, arguments, _as_list(Tout))  # type: ignore[arg-type]
    flat = nest.flatten(arguments, expand_composites=True)
    if state.trace is None:
        results = called.on_tensors(flat)
    else:
        results = _node(state.trace, eager_py_func, called, flat, called.flat_types, name)
        for result, shape in zip(results, called.flat_shapes, strict=True):
            result.set_shape(shape)
    results = called.packed(results)
    return results if isinstance(Tout, (list, tuple)) else results[0]


def numpy_function(
    func: Callable[..., Any] | None = None,
    inp: Any = None,
    Tout: Any = None,
    stateful: bool = True,
    name: str | None = None,
) -> Any:
    """What a Python function of numpy arrays returns; in a graph it runs each time the graph does.

    A graph that calls Python cannot be saved. No gradient flows through the call.

    Args:
        func: the function, from arrays (scalars as numpy's, strings as bytes) to an array or list of arrays; without
            it, a decorator with these options is returned.
        inp: its arguments, a list of tensors.
        Tout: the dtype of what it returns, or a list of dtypes where it returns a list.
        stateful: has it effects, or results that change from call to call?
        name: the node's name.

    Returns:
        A tensor, or a list of tensors where `Tout` is a list; eagerly, a list of one is that one. In a graph nothing is
        known of their shapes.

    Raises:
        TypeError: `Tout` or `inp` is missing.
        ValueError: `func` cannot be called.
        InvalidArgumentError: as for `py_function`; in a graph, the results' dtypes must be those of `Tout`.
    """
    wrapper = _checked("tf.numpy_function", numpy_function, func, inp, Tout, stateful=stateful, name=name)
    if wrapper is not None:
        return wrapper
    tensors = [convert_to_tensor(a) for a in inp]
    if state.trace is None:
        found = nest.flatten(func(*[np.array(t) for t in tensors]))  # type: ignore[misc]
        results = [x if x is None else convert_to_tensor(x) for x in found]
        return results[0] if len(results) == 1 else results
    types = [as_dtype(t) for t in _as_list(Tout)]
    called = _NumpyFunction(func, types)  # type: ignore[arg-type]
    results = _node(state.trace, py_func if stateful else py_func_stateless, called, tensors, types, name)
    return results if isinstance(Tout, (list, tuple)) else results[0]


def _checked(public: str, again: Callable[..., Any], func: Any, inp: Any, types: Any, **options: Any) -> Any:
    """Check the arguments; a decorator where there is no function."""
    if types is None:
        raise TypeError(
            f"Missing required argument: 'Tout'\n  If using {public} as a decorator, set `Tout`\n  **by name** above "
            f"the function:\n  `@{public}(Tout=tout)`"
        )
    if func is None:
        if inp is not None:
            raise TypeError(f"Don't set the `inp` argument when using {public} as a decorator (`func=None`).")

        def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(function)
            def wrapper(*args: Any) -> Any:
                return again(function, inp=args, Tout=types, **options)

            return wrapper

        return decorator
    if inp is None:
        raise TypeError(
            "Missing argument `inp`:\n  You must set the `inp` argument (the list of arguments to the\n  function), "
            f"unless you use `{public}` as a decorator(`func=None`)."
        )
    if not callable(func):
        raise ValueError(f"Expected func to be callable. Received func={func!r} of type {type(func)}.")
    return None


def _as_list(types: Any) -> list[Any]:
    return list(types) if isinstance(types, (list, tuple)) else [types]


def _node(
    trace: Trace, op: Op, called: _Called, tensors: Sequence[Any], types: Sequence[DType], name: str | None
) -> list[Any]:
    """Add the call to the graph being traced."""
    results = trace.call(op, [list(tensors)], {"Tout": tuple(types), "token": called.token}, name or op.name)
    node = trace.function.nodes[-1]
    node.attrs = {**node.attrs, PYTHON_FUNCTION: called}
    return list(results)


class _Called:
    """A Python function as a node calls it: arrays in, arrays out.

    Attributes:
        token: what the node calls it.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func
        self.token = f"pyfunc_{next(_numbers)}".encode()

    def run(self, *arguments: Any) -> Any:
        """What the function returns.

        Raises:
            OpError: it raises, an OpError by itself or something else.
        """
        try:
            with init_scope():
                return self.func(*arguments)
        except OpError:
            raise
        except Exception as error:
            kind = next((mine for theirs, mine in _CLASSES if isinstance(error, theirs)), UnknownError)
            raise kind(
                None, "PyFunc", f"{type(error).__name__}: {error} (raised in {self.token.decode()})"
            ) from error

    def counted(self, results: Any, count: int) -> list[Any]:
        """The results as a list of `count`.

        Raises:
            InvalidArgumentError: there are more, or fewer.
        """
        found = [] if results is None and not count else results
        found = list(found) if isinstance(found, (list, tuple)) else [found]
        if len(found) != count:
            raise InvalidArgumentError(
                None,
                "PyFunc",
                f"{self.token.decode()} returns {len(found)} values, but expects to see {count} values.",
            )
        return found

    def __repr__(self) -> str:
        return f"<Python function {getattr(self.func, '__name__', self.func)!s}>"


class _NumpyFunction(_Called):
    """A function of numpy arrays."""

    def __init__(self, func: Callable[..., Any], types: Sequence[DType]) -> None:
        super().__init__(func)
        self._types = types

    def __call__(self, *arrays: Any) -> list[Any]:
        results = self.run(*[_own(a) for a in arrays])  # copies, for the function may write to them
        found = self.counted(results, len(self._types))
        return [
            self._array(i, one, dtype) for i, (one, dtype) in enumerate(zip(found, self._types, strict=True))
        ]

    def _array(self, i: int, value: Any, wanted: DType) -> Any:
        array = np.asarray(value)
        if array.dtype.kind in "OSU":
            array, dtype = to_array(array)
        else:
            dtype = from_numpy(array.dtype)
        if dtype is not wanted:
            raise InvalidArgumentError(
                None,
                "PyFunc",
                f"{i}-th value returned by {self.token.decode()} is {dtype.name}, but expects {wanted.name}",
            )
        return array


def _own(array: Any) -> Any:
    return np.array(array)[()]


class _EagerFunction(_Called):
    """A function of eager tensors, and composites of them."""

    def __init__(self, func: Callable[..., Any], arguments: Sequence[Any], types: Sequence[Any]) -> None:
        super().__init__(func)
        self._likeness = arguments
        flat = nest.flatten(arguments, expand_composites=True)
        self._input_types = [t.dtype for t in flat]
        self._specs = [t if isinstance(t, TypeSpec) else as_dtype(t) for t in types]
        self.flat_types: list[DType] = []
        self.flat_shapes: list[Any] = []
        for spec in self._specs:
            parts = [TensorSpec(None, spec)] if isinstance(spec, DType) else _flat_specs(spec)
            self.flat_types.extend(one.dtype for one in parts)
            self.flat_shapes.extend(one.shape for one in parts)

    def __call__(self, *arrays: Any) -> list[Any]:
        tensors = [EagerTensor(a, d) for a, d in zip(arrays, self._input_types, strict=True)]
        return [t._array for t in self.on_tensors(tensors)]

    def on_tensors(self, tensors: Sequence[Any]) -> list[Any]:
        """The flat results for flat tensors."""
        arguments = nest.pack_sequence_as(self._likeness, list(tensors), expand_composites=True)
        results = self.run(*arguments)
        if isinstance(results, (list, tuple)) and len(self._specs) < len(results):
            results = results[: len(self._specs)]  # as TensorFlow: more than was asked for is dropped
        found = self.counted(results, len(self._specs))
        return [t for one, spec in zip(found, self._specs, strict=True) for t in self._converted(one, spec)]

    def _converted(self, value: Any, spec: Any) -> list[Any]:
        if isinstance(value, Variable):
            raise self._refused(
                "Attempting to return a variable from a py_function. Return its value, variable.read_value()."
            )
        if isinstance(spec, TypeSpec) and not isinstance(spec, TensorSpec):
            if not spec.is_compatible_with(value):
                raise self._mismatch(value, f"is not compatible with {spec!r}")
            return list(spec.to_tensors(value))
        if isinstance(value, CompositeTensor):
            raise self._mismatch(value, "is not a Tensor")
        try:
            return [convert_to_tensor(value, spec if isinstance(spec, DType) else spec.dtype)]
        except (TypeError, ValueError) as error:
            raise self._refused(f"{type(error).__name__}: {error}") from error

    def _mismatch(self, value: Any, how: str) -> InvalidArgumentError:
        return self._refused(
            f"py_function: func={self.func} returned {value!r}, which did not match Tout={self._specs!r}.\nIn "
            f"particular, {value!r} {how}."
        )

    def _refused(self, message: str) -> InvalidArgumentError:
        return InvalidArgumentError(None, "EagerPyFunc", f"{message} (in {self.token.decode()})")

    def packed(self, tensors: Sequence[Any]) -> list[Any]:
        """Flat results in the order of `Tout`, composites put together."""
        rest = iter(tensors)
        return [next(rest) if isinstance(s, DType) else s.from_tensors(rest) for s in self._specs]

    def gradient(self, inputs: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
        """The gradients with respect to `inputs`: calls the function again, under a tape."""
        from ..gradient.tape import GradientTape
        from .array_ops import zeros_like

        places = [i for i, x in enumerate(inputs) if x.dtype.is_floating or x.dtype.is_complex]
        arrived = [g for g in gradients if g is not None]
        if not places or not arrived:
            return [None] * len(inputs)

        def back(*tensors: Any) -> list[Any]:
            xs = [tensors[i] for i in places]
            given = iter(tensors[len(inputs) :])
            with GradientTape() as tape:
                for x in xs:
                    tape.watch(x)
                ys = self.on_tensors(tensors[: len(inputs)])
            pairs = [(y, next(given)) for y, g in zip(ys, gradients, strict=True) if g is not None]
            found = tape.gradient([y for y, _ in pairs], xs, output_gradients=[g for _, g in pairs])
            return [
                zeros_like(x) if g is None else convert_to_tensor(g) for x, g in zip(xs, found, strict=True)
            ]

        found = iter(py_function(back, [*inputs, *arrived], [inputs[i].dtype for i in places]))
        return [next(found) if i in places else None for i in range(len(inputs))]


def _flat_specs(spec: TypeSpec) -> list[Any]:
    return [spec] if isinstance(spec, TensorSpec) else list(spec.flatten())
