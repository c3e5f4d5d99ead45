"""Does a call fit a saved signature? From Python arguments to flat arrays, and from flat results back.

The rules are TensorFlow's. Arguments are first put in order as Python would (`canonicalize`). A concrete function
fits if the structures are the same, tensors have the spec's dtype and a compatible shape, and everything else equals
(``==``) what it was when the function was traced.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from keyword import iskeyword
from typing import Any

import numpy as np

from calque_runtime.dtypes import DType, from_numpy, string
from calque_runtime.errors import InvalidArgumentError
from calque_runtime.shapes import Shape, compatible, format_shape
from calque_runtime.structure import (
    BoundedTensorSpecValue,
    NamedTupleValue,
    NumpyValue,
    ShapeValue,
    TensorSpecValue,
    TensorValue,
    TypeSpecValue,
)

from .metagraph import FunctionSpec

__all__ = [
    "ArgumentError",
    "Convention",
    "SignatureMismatchError",
    "canonicalize",
    "describe",
    "describe_spec",
    "flat_specs",
    "match",
    "named_tuple",
    "pack",
]


class SignatureMismatchError(InvalidArgumentError, ValueError):
    """No concrete function of a loaded function fits the call."""


class ArgumentError(InvalidArgumentError, TypeError):
    """A call lacks an argument, or has one that the function does not take."""


class Convention:
    """What the tensors of a caller are: here numpy arrays in and out.

    Whoever loads models for tensors of another kind overrides these.
    """

    def tensor(self, value: Any, dtype: DType, convert: bool) -> Any:
        """`value` as a tensor, or None where it is none.

        Args:
            value: an argument.
            dtype: the type the function wants: what a Python number or list becomes, if it can.
            convert: may Python numbers, lists and the like be converted? Else only tensors count.
        """
        if isinstance(value, (np.ndarray, np.generic)):
            return _strings(value) if value.dtype.kind in "OSU" else value
        if not convert or value is None:
            return None
        return _converted(value, dtype)

    def dtype_of(self, tensor: Any) -> DType | None:
        """The tensor's type; None where it is of none that TensorFlow has."""
        kind = tensor.dtype
        found = _DTYPES.get(kind)
        if found is None:
            try:
                found = _DTYPES[kind] = from_numpy(kind)
            except TypeError:
                return None
        return found

    def is_tensor(self, value: Any) -> bool:
        """Is it a tensor in any case, and never the Python value that a function was traced for?"""
        return False

    def shape_of(self, tensor: Any) -> Any:
        """The tensor's (static) shape."""
        return tensor.shape

    def result(self, array: Any) -> Any:
        """What the caller gets for one flat result: an array; a number or bytes where it is a scalar."""
        if isinstance(array, np.ndarray) and array.ndim == 0:
            return array[()]
        return array

    def components(self, value: Any, spec: TypeSpecValue) -> Sequence[Any] | None:
        """The tensors that a composite `value` is made of; None where it is none of that kind."""
        from . import composites

        return composites.components(value, spec)

    def compose(self, spec: TypeSpecValue, parts: tuple[Any, ...]) -> Any:
        """The composite value made of these tensors."""
        from . import composites

        return composites.compose(spec, parts)


_DTYPES: dict[
    Any, DType
] = {}  # of numpy's dtypes, whose names (which `from_numpy` goes by) take long to make


def _converted(value: Any, dtype: DType) -> Any:
    """A Python value as an array: of `dtype` where that keeps the values, else of its own type; None if it is none."""
    if hasattr(value, "__array__"):
        return np.asarray(value)
    try:
        array = np.array(value)
    except (ValueError, TypeError, OverflowError):
        return None
    kind = array.dtype.kind
    if kind in "US" or (kind == "O" and all(isinstance(x, (str, bytes)) for x in array.ravel())):
        return _strings(value)
    if array.size == 0 and not isinstance(value, (np.ndarray, np.generic)):
        return array.astype(dtype.np) if dtype is not string else array.astype(object)
    own = {"f": np.float32, "i": np.int32}.get(kind)
    if _all_python(value):
        fits = (kind, dtype.kind) in _KEEPS_VALUE
        if fits and dtype.kind in "iu" and not _in_range(array, dtype):
            return None
        if fits:
            return array.astype(dtype.np)
        return array if own is None else array.astype(own)
    return None if kind == "O" else array


# From a numpy kind of Python values to a kind of DType that may hold them.
_KEEPS_VALUE = frozenset(
    [
        ("f", "f"),
        ("f", "c"),
        ("i", "f"),
        ("i", "i"),
        ("i", "u"),
        ("i", "c"),
        ("u", "u"),
        ("c", "c"),
        ("b", "b"),
    ]
)


def _in_range(array: Any, dtype: DType) -> bool:
    return bool(dtype.min <= int(array.min()) and int(array.max()) <= dtype.max)


def _all_python(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_all_python(one) for one in value)
    return not isinstance(value, (np.ndarray, np.generic))


def _strings(value: Any) -> Any:
    """Strings as an object array of bytes; None where an element is no string."""
    array = np.array(value, object)
    flat = array.reshape(-1)
    for i, one in enumerate(flat):
        if isinstance(one, str):
            flat[i] = one.encode()
        elif not isinstance(one, bytes):
            return None
    return array


def canonicalize(
    spec: FunctionSpec, args: tuple[Any, ...], kwargs: dict[str, Any], name: str
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments in the order in which they were saved: positional ones with defaults filled in, then the others.

    Raises:
        ArgumentError: one is missing, is given twice, or is not taken.
    """
    names = spec.args[1:] if spec.is_method and spec.args[:1] == ("self",) else spec.args
    if not kwargs and len(args) == len(names) and not spec.kwonlyargs:
        return args, {}
    if len(args) > len(names) and spec.varargs is None:
        raise ArgumentError(
            None,
            None,
            f"'{name}' takes {len(names)} positional arguments ({', '.join(names)}), got {len(args)}",
        )
    defaults = dict(zip(names[len(names) - len(spec.defaults or ()) :], spec.defaults or (), strict=False))
    positional, missing = list(args), []
    rest = dict(kwargs)
    for i, one in enumerate(names):
        if i < len(args):
            if one in rest:
                raise ArgumentError(None, None, f"'{name}' got two values for argument '{one}'")
        elif one in rest:
            positional.append(rest.pop(one))
        elif one in defaults:
            positional.append(_default(defaults[one]))
        else:
            missing.append(one)
    keyword = {}
    for one in spec.kwonlyargs:
        if one in rest:
            keyword[one] = rest.pop(one)
        elif spec.kwonlydefaults and one in spec.kwonlydefaults:
            keyword[one] = _default(spec.kwonlydefaults[one])
        else:
            missing.append(one)
    if missing:
        raise ArgumentError(
            None, None, f"'{name}' lacks the argument{'s' * (len(missing) > 1)} {', '.join(missing)}"
        )
    if rest and spec.varkw is None:
        takes = ", ".join((*names, *spec.kwonlyargs)) or "no arguments"
        raise ArgumentError(
            None, None, f"'{name}' does not take {', '.join(map(repr, rest))}; it takes {takes}"
        )
    keyword.update(rest)
    return tuple(positional), keyword


def _default(value: Any) -> Any:
    return value.array if isinstance(value, (TensorValue, NumpyValue)) else value


def match(
    spec: Any,
    value: Any,
    flat: list[Any],
    convention: Convention,
    convert: bool,
    path: str,
    problems: list[str] | None,
) -> bool:
    """Does `value` fit `spec`? Appends its tensors to `flat`, in the order in which the function takes them.

    Args:
        spec: a structured value.
        value: the argument.
        flat: gets the tensors.
        convention: what tensors are.
        convert: may Python values be converted to tensors?
        path: the argument's name, for `problems`.
        problems: gets what does not fit, in words; None: stop at the first misfit.
    """
    if isinstance(spec, TensorSpecValue):
        tensor = convention.tensor(value, spec.dtype, convert)
        if (
            tensor is not None
            and convention.dtype_of(tensor) is spec.dtype
            and _shape_fits(spec.shape, convention.shape_of(tensor))
        ):
            flat.append(tensor)
            return True
        return _misfit(problems, path, spec, value)
    if isinstance(spec, (tuple, list)):
        if not isinstance(value, (list, tuple)) or not (convert or isinstance(value, type(spec))):
            return _misfit(problems, path, spec, value)
        return _match_items(
            [(f"{path}[{i}]", one) for i, one in enumerate(spec)],
            list(value),
            flat,
            convention,
            convert,
            path,
            problems,
        )
    if isinstance(spec, NamedTupleValue):
        names = [name for name, _ in spec.fields]
        if not isinstance(value, tuple) or list(getattr(value, "_fields", ())) != names:
            return _misfit(problems, path, spec, value)
        return _match_items(
            [(f"{path}.{name}", one) for name, one in spec.fields],
            list(value),
            flat,
            convention,
            convert,
            path,
            problems,
        )
    if isinstance(spec, dict):
        if not isinstance(value, Mapping) or set(value) != set(spec):
            return _misfit(problems, path, spec, value)
        keys = sorted(spec)
        return _match_items(
            [(f"{path}[{key!r}]", spec[key]) for key in keys],
            [value[key] for key in keys],
            flat,
            convention,
            convert,
            path,
            problems,
        )
    if isinstance(spec, TypeSpecValue):
        return _match_composite(spec, value, flat, convention, convert, path, problems)
    if isinstance(spec, BoundedTensorSpecValue):
        plain = TensorSpecValue(spec.shape, spec.dtype, spec.name)
        return match(plain, value, flat, convention, convert, path, problems)
    if not convention.is_tensor(value) and _equal(spec, value):
        return True
    return _misfit(problems, path, spec, value)


def _shape_fits(wanted: Shape, shape: Shape) -> bool:
    """`compatible`, in the time that a call can spare."""
    if wanted is None or shape is None or wanted == shape:
        return True
    if len(wanted) != len(shape):
        return False
    for want, size in zip(wanted, shape, strict=True):
        if want is not None and size is not None and want != size:
            return False
    return True


def _match_items(
    specs: list[tuple[str, Any]],
    values: list[Any],
    flat: list[Any],
    convention: Convention,
    convert: bool,
    path: str,
    problems: list[str] | None,
) -> bool:
    if len(specs) != len(values):
        if problems is not None:
            problems.append(f"{path} has {len(values)} items, wants {len(specs)}")
        return False
    fits = True
    for (where, spec), value in zip(specs, values, strict=True):
        if not match(spec, value, flat, convention, convert, where, problems):
            if problems is None:
                return False
            fits = False
    return fits


def _match_composite(
    spec: TypeSpecValue,
    value: Any,
    flat: list[Any],
    convention: Convention,
    convert: bool,
    path: str,
    problems: list[str] | None,
) -> bool:
    parts = convention.components(value, spec)
    if parts is None:
        return _misfit(problems, path, spec, value)
    from . import composites

    wanted = composites.component_specs(spec)
    if len(parts) != len(wanted):
        return _misfit(problems, path, spec, value)
    for i, (part, one) in enumerate(zip(parts, wanted, strict=True)):
        if one is None:
            flat.append(part)
        elif not match(one, part, flat, convention, convert, f"component {i} of {path}", problems):
            return False
    return True


def _equal(spec: Any, value: Any) -> bool:
    if isinstance(spec, (TensorValue, NumpyValue)):
        return bool(np.array_equal(spec.array, np.asarray(value)))
    if isinstance(spec, ShapeValue):
        return bool(spec == value or spec.shape == value)
    if spec is None or value is None:
        return spec is value
    if isinstance(value, np.ndarray) and value.ndim:
        return False
    try:
        return bool(spec == value)
    except Exception:  # whatever a stranger's == raises, it did not say equal
        return False


def _misfit(problems: list[str] | None, path: str, spec: Any, value: Any) -> bool:
    if problems is not None:
        text = f"{path} is {describe(value)}, wants {describe_spec(spec)}"
        numbers = (
            isinstance(spec, TensorSpecValue) and isinstance(value, np.ndarray) and value.dtype.kind in "fiu"
        )
        if numbers and spec.dtype.kind in "fiu" and compatible(spec.shape, value.shape):
            text += f": convert it with .astype({spec.dtype.name!r})"
        problems.append(text)
    return False


def describe(value: Any) -> str:
    """An argument in few words: type and shape of an array, a Python value as it is."""
    if isinstance(value, (np.ndarray, np.generic)):
        try:
            kind = from_numpy(value.dtype).name
        except TypeError:
            kind = str(value.dtype)
        return f"{kind}{format_shape(value.shape)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k!r}: {describe(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)) and len(value) <= 8:
        inner = ", ".join(describe(v) for v in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        text = repr(value)
        return text if len(text) <= 60 else text[:57] + "..."
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    if dtype is not None and shape is not None:  # the tensor of another convention
        sizes = None if getattr(shape, "rank", 0) is None else tuple(shape)
        return f"{getattr(dtype, 'name', dtype)}{format_shape(sizes)}"
    return f"a {type(value).__name__}"


def describe_spec(spec: Any) -> str:
    """A structured value in few words."""
    if isinstance(spec, (TensorSpecValue, BoundedTensorSpecValue)):
        return f"{spec.dtype.name}{format_shape(spec.shape)}"
    if isinstance(spec, dict):
        return "{" + ", ".join(f"{k!r}: {describe_spec(v)}" for k, v in spec.items()) + "}"
    if isinstance(spec, list):
        return "[" + ", ".join(map(describe_spec, spec)) + "]"
    if isinstance(spec, tuple):
        return "(" + ", ".join(map(describe_spec, spec)) + "," * (len(spec) == 1) + ")"
    if isinstance(spec, NamedTupleValue):
        return f"{spec.name}(" + ", ".join(f"{k}={describe_spec(v)}" for k, v in spec.fields) + ")"
    if isinstance(spec, TypeSpecValue):
        return f"a {spec.class_name.removesuffix('Spec')}"
    return repr(spec)


def flat_specs(spec: Any) -> Iterator[TensorSpecValue | None]:
    """The spec of each tensor in a structure, in the order in which a function takes or gives them."""
    if isinstance(spec, TensorSpecValue):
        yield spec
    elif isinstance(spec, BoundedTensorSpecValue):
        yield TensorSpecValue(spec.shape, spec.dtype, spec.name)
    elif isinstance(spec, (tuple, list)):
        for one in spec:
            yield from flat_specs(one)
    elif isinstance(spec, NamedTupleValue):
        for _, one in spec.fields:
            yield from flat_specs(one)
    elif isinstance(spec, dict):
        for key in sorted(spec):
            yield from flat_specs(spec[key])
    elif isinstance(spec, TypeSpecValue):
        from . import composites

        yield from composites.component_specs(spec)


def pack(spec: Any, flat: Iterator[Any], convention: Convention) -> Any:
    """The results in the structure `spec`, taken in order from `flat`."""
    if isinstance(spec, (TensorSpecValue, BoundedTensorSpecValue)):
        return convention.result(next(flat))
    if isinstance(spec, list):
        return [pack(one, flat, convention) for one in spec]
    if isinstance(spec, tuple):
        return tuple([pack(one, flat, convention) for one in spec])
    if isinstance(spec, dict):
        return {key: pack(spec[key], flat, convention) for key in sorted(spec)}
    if isinstance(spec, NamedTupleValue):
        made = named_tuple(spec.name, tuple(name for name, _ in spec.fields))
        return made(*[pack(one, flat, convention) for _, one in spec.fields])
    if isinstance(spec, TypeSpecValue):
        return convention.compose(spec, tuple([next(flat) for _ in range(spec.num_flat_components)]))
    return _default(spec)


@cache
def named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    """A named tuple class. Names come from a file: what is no identifier gets another name."""
    usable = name.isidentifier() and not iskeyword(name)
    return namedtuple(name if usable else "NamedTuple", fields, rename=True)
