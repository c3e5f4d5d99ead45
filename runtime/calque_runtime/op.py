"""The seam: what an op is, how one is declared, and the one way through which every op call goes.

An op is one block in a file of `ops/`: its signature in TensorFlow's notation, a kernel, a shape rule and a
gradient rule.

    @op("MatMul(a: T, b: T) -> (product: T) | T: type in numeric; transpose_a: bool=false; transpose_b: bool=false")
    def matmul(s: Site) -> Kernel:
        '''Product of the matrices `a` and `b`.'''
        ...                       # look at s["transpose_a"], s.dtypes, s.shapes once,
        return run                # and return what runs: arrays in, array (or tuple of arrays) out

    @matmul.shape
    def _(s: Site) -> list[Shape]: ...

    @matmul.grad
    def _(c: Call, g: Any) -> Sequence[Any]: ...      # one gradient for each flat input, None where there is none

Kernels take the flat list of input arrays positionally. An op with exactly one output that is no list returns it
bare; any other returns a sequence of its flat outputs (empty for none). A kernel never writes to its inputs and may
return one of them. Numbers may come back as numpy scalars; strings are object arrays of bytes, 0-d ones included.

``matmul(a, b, transpose_b=True)`` is a call: inputs positionally (a list input as a Python list), attributes by
keyword. The current *interpreter* decides what a call means: `NumpyInterpreter` runs it on numpy arrays at once, the
tracer's runs it on its tensors or adds a node to the graph being traced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .dtypes import DType, from_numpy
from .errors import InvalidArgumentError, OpError, ResourceExhaustedError, UnimplementedError
from .record import field, record
from .resources import Variable
from .shapes import Shape
from .signature import MISSING, Signature, parse

if TYPE_CHECKING:
    from .environment import Environment
    from .ir import Value

__all__ = [
    "Array",
    "Call",
    "Interpreter",
    "Kernel",
    "NumpyInterpreter",
    "Op",
    "Site",
    "as_array",
    "dtype_of",
    "flatten_inputs",
    "interpreter",
    "nest_outputs",
    "op",
    "register",
    "registered",
    "set_interpreter",
]

Array = Any  # a numpy array, or a Python object where the dtype is resource or variant
Kernel = Callable[..., Any]


class Site:
    """One use of an op: all that is known of it before it runs.

    Attributes:
        op: the op.
        attrs: every attribute of its signature, defaults filled in (and any ``_private`` ones).
        dtypes: the type of each flat input.
        shapes: the static shape of each flat input (None where nothing is known).
        name: the node's name, or "".
        env: where it will run: resources, functions, permissions; None where only shapes are asked for.
    """

    __slots__ = ("_values", "attrs", "dtypes", "env", "name", "op", "shapes")

    def __init__(
        self,
        op: Op,
        attrs: dict[str, Any],
        dtypes: Sequence[DType],
        shapes: Sequence[Shape] | None = None,
        values: Sequence[Value | Array | None] | None = None,
        name: str = "",
        env: Environment | None = None,
    ) -> None:
        self.op = op
        self.attrs = attrs
        self.dtypes = dtypes
        self.shapes: Sequence[Shape] = (None,) * len(dtypes) if shapes is None else shapes
        self._values = values
        self.name = name
        self.env = env

    def __getitem__(self, attr: str) -> Any:
        """The attribute's value, or its default."""
        value = self.attrs.get(attr, MISSING)
        if value is MISSING:
            definition = self.op.signature.attrs.get(attr)
            value = MISSING if definition is None else definition.default
        if value is MISSING:
            raise InvalidArgumentError(self.name or None, self.op.name, f"attribute '{attr}' is missing")
        return value

    @property
    def out_dtypes(self) -> tuple[DType, ...]:
        """The type of each flat output."""
        return self.op.signature.output_dtypes(self.attrs)

    def const(self, i: int) -> np.ndarray[Any, Any] | None:
        """The value of input `i`, where it is known before the op runs; else None."""
        from .constants import constant_value

        return None if self._values is None else constant_value(self._values[i])

    def const_shape(self, i: int) -> Shape:
        """Input `i` read as a shape, as far as it is known (-1 is an unknown size); None where its length is not."""
        from .constants import constant_shape

        value = None if self._values is None else self._values[i]
        if value is None:
            length = self.shapes[i]
            return None if length is None or length[0] is None else (None,) * length[0]
        return constant_shape(value)

    def handle(self, i: int) -> tuple[DType, Shape] | None:
        """For a resource input: dtype and static shape of the variable behind it, where they are known."""
        value: Any = None if self._values is None else self._values[i]
        if isinstance(value, Variable):
            return value.dtype, value.shape
        return getattr(value, "handle", None)

    def function(self, attr: str) -> Callable[..., Sequence[Array]]:
        """What runs the function that `attr` names: flat arrays in, the list of flat arrays out."""
        return self.callable(self[attr])

    def callable(self, ref: Any) -> Callable[..., Sequence[Array]]:
        """What runs the function that `ref` (a FunctionRef) names."""
        if self.env is None:
            raise self.error("calls a function, which needs an environment to run in")
        return self.env.callable(ref)

    def error(self, message: str, kind: type[OpError] = InvalidArgumentError) -> OpError:
        """An error (InvalidArgumentError unless `kind` says otherwise) that names this op and node."""
        return kind(self.name or None, self.op.name, message)

    def unsupported(self, message: str) -> OpError:
        """An UnimplementedError that names this op and node."""
        return self.error(message, UnimplementedError)


@record
class Call:
    """What a gradient rule sees of the call it differentiates: inputs, outputs (tensors) and attributes."""

    op: Op
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    attrs: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, attr: str) -> Any:
        return self.attrs[attr] if attr in self.attrs else self.op.signature.attrs[attr].default


_MOST_COMPLETED = 1 << 10  # combinations of types and attributes that an op remembers

ShapeRule = Callable[[Site], "list[Shape]"]
GradientRule = Callable[..., Sequence[Any]]


class Op:
    """An op type: signature, kernel, shape rule and gradient rule.

    Attributes:
        name: its name in TensorFlow's registry.
        kernel: from a Site to what runs there; None for ops that only mark a place in a graph.
        shape_rule: from a Site to the static shapes of its outputs; None: nothing is known.
        gradient: from a Call and one gradient per flat output to one per flat input; None: not differentiable.
        differentiable: False for ops without a gradient by nature (comparisons, rounding): None for every input.
        limits: what of TensorFlow's op is refused or different here, in words; for docs/ops.md.
    """

    def __init__(
        self, declaration: str, kernel: Callable[[Site], Kernel] | None, doc: str | None = None
    ) -> None:
        self.name = declaration.partition("(")[0].strip()
        self.declaration = declaration
        self.kernel = kernel
        self.shape_rule: ShapeRule | None = None
        self.gradient: GradientRule | None = None
        self.differentiable = True
        self.limits = ""
        self.bound: dict[Any, tuple[Kernel, tuple[DType, ...], dict[str, Any]]] = {}
        self._completed: dict[Any, tuple[dict[str, Any], tuple[DType, ...]]] = {}
        self._signature: Signature | None = None
        self.__doc__ = doc

    @property
    def signature(self) -> Signature:
        """Arguments, outputs and attributes; read from the declaration when first asked for."""
        if self._signature is None:
            self._signature = parse(self.declaration)
        return self._signature

    def complete(
        self, types: Sequence[Any], given: dict[str, Any]
    ) -> tuple[dict[str, Any], tuple[DType, ...]]:
        """All attributes of a call, and the types of its outputs; worked out once for each combination.

        Args:
            types: for each input argument its DType, or a list of them where it is a list.
            given: attributes as the caller wrote them.

        Raises:
            InvalidArgumentError: as `Signature.complete`.
        """
        signature = self.signature
        key = None
        if not signature.holds_objects:  # which a key would keep alive
            # By number: hashing one is several times quicker than hashing a DType.
            key = (
                *[tuple([u.enum for u in t]) if type(t) is list else t.enum for t in types],
                *given.items(),
            )
            try:
                found = self._completed.get(key)
            except TypeError:  # an attribute that cannot be hashed
                key = None
            else:
                if found is not None:
                    return found[0].copy(), found[1]
        full = signature.complete(types, given)
        outputs = signature.output_dtypes(full)
        if key is not None and len(self._completed) < _MOST_COMPLETED:
            self._completed[key] = full, outputs
            full = full.copy()
        return full, outputs

    def shape(self, rule: ShapeRule) -> ShapeRule:
        """Decorator: `rule` is this op's shape rule."""
        self.shape_rule = rule
        return rule

    def grad(self, rule: GradientRule) -> GradientRule:
        """Decorator: `rule` is this op's gradient rule."""
        self.gradient = rule
        return rule

    def not_differentiable(self) -> Op:
        """Say that no gradient flows through this op."""
        self.differentiable = False
        return self

    def limited(self, text: str) -> Op:
        """Say what of TensorFlow's op is refused or different here; docs/ops.md lists it."""
        self.limits = text
        return self

    def __call__(self, *inputs: Any, name: str | None = None, **attrs: Any) -> Any:
        """Call the op through the current interpreter (see the module's docstring)."""
        return _interpreter.apply(self, inputs, attrs, name)

    def infer_shapes(self, site: Site) -> list[Shape]:
        """The static shape of each flat output.

        Raises:
            InvalidArgumentError: the inputs' shapes do not fit; names the op.
        """
        if self.shape_rule is None:
            return [None] * len(site.out_dtypes)
        try:
            return self.shape_rule(site)
        except OpError as e:
            if e.op is None:
                raise type(e)(site.name or None, self.name, e.message) from None
            raise

    def bind(self, site: Site) -> Kernel:
        """What runs this op at `site`.

        Raises:
            UnimplementedError: there is no kernel, or not for these attributes or types.
        """
        if self.kernel is None:
            raise UnimplementedError(site.name or None, self.name, f"op {self.name} has no kernel")
        try:
            return self.kernel(site)
        except OpError as e:
            if e.op is None:
                raise type(e)(site.name or None, self.name, e.message) from e
            raise
        except Exception as e:  # an attribute of a damaged file that is what no kernel expects
            raise self._typed(e, site) from e

    def failure(self, error: BaseException, site: Site, arrays: Sequence[Array]) -> OpError:
        """The typed error for what a kernel raised: the shape rule's words where it objects, else the kernel's."""
        if isinstance(error, OpError):
            if error.op is not None:
                return error
            return type(error)(site.name or None, self.name, error.message)
        if isinstance(error, (MemoryError, RecursionError)):
            return self._typed(error, site)
        shapes = [a.shape if isinstance(a, (np.ndarray, np.generic)) else None for a in arrays]
        try:
            self.infer_shapes(Site(self, site.attrs, site.dtypes, shapes, arrays, site.name))
        except OpError as e:
            return e
        except Exception:  # the rule fell over the same input: the kernel's own words have to do
            pass
        return self._typed(error, site)

    def _typed(self, error: BaseException, site: Site) -> OpError:
        if isinstance(error, MemoryError):
            return site.error(f"out of memory: {error}", ResourceExhaustedError)
        if isinstance(error, RecursionError):
            return site.error(
                "function calls are nested deeper than Python allows (sys.setrecursionlimit)",
                ResourceExhaustedError,
            )
        return site.error(str(error) or type(error).__name__)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


_REGISTRY: dict[str, Op] = {}


def op(declaration: str) -> Callable[[Callable[[Site], Kernel]], Op]:
    """Declare an op: decorates the function from Site to kernel (see the module's docstring)."""

    def declare(kernel: Callable[[Site], Kernel]) -> Op:
        return register(Op(declaration, kernel, kernel.__doc__))

    return declare


def register(one: Op) -> Op:
    """Make `one` the op of its name; the last one declared wins, so users can replace a kernel."""
    _REGISTRY[one.name] = one
    return one


def registered() -> dict[str, Op]:
    """Every declared op by name. `ops.find` is the way to ask for one: it loads the op families first."""
    return _REGISTRY


class Interpreter(Protocol):
    """What a call of an op means."""

    def apply(self, op: Op, inputs: Sequence[Any], attrs: dict[str, Any], name: str | None) -> Any:
        """Run or record the call; returns the single output bare, else a list (nested where an output is a list)."""


def nest_outputs(signature: Signature, attrs: dict[str, Any], flat: Sequence[Any]) -> Any:
    """Flat outputs as a caller of an op sees them: bare, or a list with list outputs as lists; None for no output."""
    if signature.single:
        return flat[0]
    if not signature.outputs:
        return None
    out: list[Any] = []
    for arg in signature.outputs:
        first, count = signature.output_slices(attrs)[arg.name]
        out.append(list(flat[first : first + count]) if arg.is_list else flat[first])
    return out[0] if len(out) == 1 else out


def flatten_inputs(signature: Signature, inputs: Iterable[Any]) -> list[Any]:
    """The inputs of a call, list inputs laid out flat."""
    flat: list[Any] = []
    for arg, value in zip(signature.inputs, inputs, strict=True):
        if arg.is_list:
            flat.extend(value)
        else:
            flat.append(value)
    return flat


class NumpyInterpreter:
    """Runs a call at once on numpy arrays. The interpreter of a process that has not imported the tracer."""

    def apply(self, op: Op, inputs: Sequence[Any], attrs: dict[str, Any], name: str | None) -> Any:
        """See Interpreter."""
        signature = op.signature
        arrays = [[as_array(v) for v in x] if isinstance(x, (list, tuple)) else as_array(x) for x in inputs]
        types = [[dtype_of(v) for v in x] if isinstance(x, list) else dtype_of(x) for x in arrays]
        full = signature.complete(types, attrs)
        flat = flatten_inputs(signature, arrays)
        site = Site(op, full, [dtype_of(a) for a in flat], [a.shape for a in flat], flat, name or "")
        run = op.bind(site)
        try:
            with np.errstate(all="ignore"):
                result = run(*flat)
        except Exception as e:
            raise op.failure(e, site, flat) from e
        return nest_outputs(signature, full, (result,) if signature.single else result)


def as_array(value: Any) -> Array:
    """`value` as an array; Python numbers become int32 and float32 as in TensorFlow."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value
    array = np.asarray(value)
    if array.dtype == np.float64:
        return array.astype(np.float32)
    if array.dtype == np.int64:
        return array.astype(np.int32)
    return array.astype(object) if array.dtype.kind in "SU" else array


def dtype_of(array: Array) -> DType:
    """The DType of an array (an object array counts as strings)."""
    return from_numpy(array.dtype)


_interpreter: Interpreter = NumpyInterpreter()


def interpreter() -> Interpreter:
    """The current interpreter."""
    return _interpreter


def set_interpreter(new: Interpreter) -> Interpreter:
    """Make `new` the interpreter of every op call in the process; returns the one before."""
    global _interpreter
    before, _interpreter = _interpreter, new
    return before
