"""The graph: nodes, values, functions and the library that holds them.

Nothing here knows protobuf; `wire.graphs` turns FunctionDefs into these and back. Nodes stand in program order: a
traced function runs correctly in the order of its list. A node refers to its inputs' *values*, so renaming is free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .dtypes import DType
from .errors import InternalError, NotFoundError
from .op import Kernel, Op, Site
from .shapes import Shape, format_shape

__all__ = ["Function", "FunctionRef", "Graph", "Library", "Location", "Node", "Value"]

Location = tuple[str, int, str]  # file, line, function: the user's own line that made a node

ARG = Op(
    "_Arg() -> (output: T) | T: type; index: int", None, "An argument of a function; stands in no node list."
)


class Value:
    """One output of a node: what other nodes take as input.

    Attributes:
        node: the node that makes it.
        index: its place in the node's flat outputs.
        dtype: its element type.
        shape: its static shape as far as known.
        handle: for resources, what is known of the variable behind it: (dtype, shape), else None.
        known: the array that it always holds, where a capture's value is known; else None.
    """

    __slots__ = ("dtype", "handle", "index", "known", "node", "shape")

    def __init__(self, node: Node, index: int, dtype: DType, shape: Shape) -> None:
        self.node = node
        self.index = index
        self.dtype = dtype
        self.shape = shape
        self.handle: tuple[DType, Shape] | None = None
        self.known: Any = None

    @property
    def name(self) -> str:
        """``node:index``, as in a top-level graph."""
        return f"{self.node.name}:{self.index}"

    def __repr__(self) -> str:
        return f"<value {self.name}: {self.dtype.name}{format_shape(self.shape)}>"


class Node:
    """One op in a graph.

    Attributes:
        op: the op type.
        name: unique in the graph.
        inputs: the values it takes, flat.
        attrs: its attributes; those equal to the op's default may be left out.
        control: nodes that must run before it.
        outputs: its values, flat.
        location: the user's line that made it, or None.
        device: the device string a file gave it; kept for saving again.
        original: in a function specialized for some shapes: the node that it is a copy of.
        kernel: for a stateful op: the environment, and what runs it in every plan there, since the kernel may have
            state of its own (a stream of random numbers).
    """

    __slots__ = (
        "attrs", "control", "device", "inputs", "kernel", "location", "name", "op", "original", "outputs"
    )  # fmt: skip

    def __init__(
        self,
        op: Op,
        name: str,
        inputs: list[Value],
        attrs: dict[str, Any],
        dtypes: Iterable[DType] = (),
        shapes: Iterable[Shape] | None = None,
        location: Location | None = None,
    ) -> None:
        self.op = op
        self.name = name
        self.inputs = inputs
        self.attrs = attrs
        self.control: list[Node] = []
        types = tuple(dtypes)
        known = (None,) * len(types) if shapes is None else tuple(shapes)
        if len(types) == len(known) == 1:  # nearly always
            self.outputs: tuple[Value, ...] = (Value(self, 0, types[0], known[0]),)
        else:
            pairs = zip(types, known, strict=True)
            self.outputs = tuple([Value(self, i, d, s) for i, (d, s) in enumerate(pairs)])
        self.location = location
        self.device = ""
        self.original: Node | None = None
        self.kernel: tuple[Any, Kernel] | None = None

    def bound(self, env: Any) -> Kernel:
        """What runs it in `env`: for stateful ops the same in every plan, so that their state goes on.

        Raises:
            UnimplementedError: there is no kernel, or not for these attributes or types.
        """
        if not self.op.signature.stateful or any(True for _ in self.calls()):
            return self.op.bind(self.site(env))
        first = self.original or self
        if first.kernel is None or first.kernel[0] is not env:
            first.kernel = env, first.op.bind(first.site(env))
        return first.kernel[1]

    def site(self, env: Any = None) -> Site:
        """This use of the op, for its kernel and its shape rule."""
        inputs = self.inputs
        return Site(
            self.op, self.attrs, [v.dtype for v in inputs], [v.shape for v in inputs], inputs, self.name, env
        )

    def calls(self) -> Iterator[FunctionRef]:
        """Every function that its attributes refer to."""
        for value in self.attrs.values():
            if isinstance(value, FunctionRef):
                yield value
            elif isinstance(value, tuple):
                yield from (v for v in value if isinstance(v, FunctionRef))

    def __repr__(self) -> str:
        return f"<node {self.name}: {self.op.name}({', '.join(v.name for v in self.inputs)})>"


class FunctionRef:
    """A function as the value of an attribute: its name, and the function itself where it is at hand.

    Attributes:
        name: its name in the library.
        function: the function; None until a library has resolved the name.
        attrs: the attributes that the reference carries in the file (usually none).
    """

    __slots__ = ("attrs", "function", "name")

    def __init__(
        self, name: str, function: Function | None = None, attrs: dict[str, Any] | None = None
    ) -> None:
        self.name = name
        self.function = function
        self.attrs = attrs or {}

    def __repr__(self) -> str:
        return f"@{self.name}"


class Graph:
    """A list of nodes in program order, with unique names."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._names: dict[str, int] = {}

    def unique_name(self, name: str) -> str:
        """`name`, or ``name_1``, ``name_2``, ... where it is taken; the result counts as taken."""
        key = name.lower()  # TensorFlow's names are unique without regard to case
        count = self._names.get(key)
        if count is None:
            self._names[key] = 1
            return name
        while True:
            candidate = f"{key}_{count}"
            count += 1
            if candidate not in self._names:
                self._names[key] = count
                self._names[candidate] = 1
                return f"{name}_{count - 1}"

    def add(self, node: Node) -> Node:
        """Append `node`, whose name must come from `unique_name`."""
        self.nodes.append(node)
        return node

    def by_name(self) -> dict[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.nodes}


class Function(Graph):
    """A graph with arguments and results: what a call runs.

    Attributes:
        name: its name in the library.
        inputs: one value for each argument, made by `add_input`; captures come last.
        outputs: the values it returns.
        output_names: the name of each result in its signature.
        control_outputs: nodes that run whether or not a result needs them, by control output name.
        attrs: the function's attributes as in the FunctionDef.
        arg_attrs: for each argument index, its attributes (``_user_specified_name``, ...).
        stateful: does it hold a stateful op?
        plan: what runs it, once it has been compiled.
        bound: of a function specialized for its captures: the arguments that are the same object in every call.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.output_names: list[str] = []
        self.control_outputs: dict[str, Node] = {}
        self.attrs: dict[str, Any] = {}
        self.arg_attrs: dict[int, dict[str, Any]] = {}
        self.stateful = False
        self.plan: Callable[..., Any] | None = None
        self.bound: frozenset[Value] = frozenset()

    @property
    def input_names(self) -> list[str]:
        """The name of each argument."""
        return [v.node.name for v in self.inputs]

    def add_input(
        self, name: str, dtype: DType, shape: Shape = None, location: Location | None = None
    ) -> Value:
        """Append an argument; `name` must come from `unique_name`."""
        node = Node(ARG, name, [], {"T": dtype, "index": len(self.inputs)}, (dtype,), (shape,), location)
        self.inputs.append(node.outputs[0])
        return node.outputs[0]

    def calls(self) -> Iterator[FunctionRef]:
        """Every function that a node of this one refers to."""
        for node in self.nodes:
            yield from node.calls()

    def __str__(self) -> str:
        from .text import print_function

        return print_function(self)

    def __repr__(self) -> str:
        return f"<function {self.name}: {len(self.inputs)} arguments, {len(self.nodes)} nodes>"


class Library(Mapping[str, Function]):
    """Functions by name. Those of a file are decoded when first asked for."""

    def __init__(self, decode: Callable[[str], Function] | None = None, names: Iterable[str] = ()) -> None:
        self._functions: dict[str, Function | None] = dict.fromkeys(names)
        self._decode = decode

    def add(self, function: Function) -> Function:
        """Add a function under its own name, which must be new."""
        if function.name in self._functions:
            raise InternalError(None, None, f"there is a function '{function.name}' already")
        self._functions[function.name] = function
        return function

    def __getitem__(self, name: str) -> Function:
        try:
            found = self._functions[name]
        except KeyError:
            raise NotFoundError(None, None, f"there is no function '{name}' in the library") from None
        if found is None:
            if self._decode is None:
                raise InternalError(None, None, f"function '{name}' cannot be decoded")
            found = self._functions[name] = self._decode(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._functions

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def resolve(self, ref: FunctionRef) -> Function:
        """The function that `ref` names.

        Raises:
            NotFoundError: there is none of that name.
        """
        if ref.function is None:
            ref.function = self[ref.name]
        return ref.function
