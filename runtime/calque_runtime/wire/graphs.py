"""Functions and graphs: FunctionDef, GraphDef and NodeDef messages, and the `ir` objects that stand for them.

How a node names its inputs (measured on files that TensorFlow wrote):

    in a function       ``arg``, ``node:output_argument:index``     e.g. ``x``, ``MatMul:product:0``
    in a graph          ``node``, ``node:index``                    e.g. ``Split``, ``Split:1``
    control, in both    ``^node``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from calque_runtime import ops
from calque_runtime.collecting import paused_collection
from calque_runtime.dtypes import DType
from calque_runtime.errors import (
    InvalidArgumentError,
    OpError,
    ResourceExhaustedError,
    UnimplementedError,
)
from calque_runtime.ir import ARG, Function, FunctionRef, Graph, Library, Node, Value
from calque_runtime.op import Kernel, Op, Site
from calque_runtime.shapes import Shape
from calque_runtime.signature import Signature

from . import schema
from .attrs import decode_attr, decode_attrs, encode_attrs
from .opdefs import decode_op_def
from .tensors import decode_dtype, decode_shape, encode_shape

__all__ = [
    "GRAPH_VERSION",
    "OpLookup",
    "constant_lookup",
    "decode_function",
    "decode_graph",
    "decode_library",
    "encode_function",
    "encode_graph",
    "encode_library",
    "located",
    "needed_nodes",
    "op_lookup",
]

# The GraphDef version (versions.producer) whose semantics calque's graphs follow: TensorFlow 2.21's.
GRAPH_VERSION = 2474

# A node says how many results it has by a number: a small file must not ask for memory without end.
_MOST_VALUES = 1 << 20

OpLookup = Callable[[str], "Op | None"]


def op_lookup(op_list: Any = None, library: Any = None) -> OpLookup:
    """What finds the op that a file's nodes name: calque's own, else a stand-in made from the file.

    A stand-in knows its signature but does not run: its graph can be read, shown and written again, and
    running it is an UnimplementedError that names the op. A node may also name a function of the file, which
    calls it.

    Args:
        op_list: the file's OpList message, or None.
        library: the file's FunctionDefLibrary message, or None.
    """
    stand_ins: dict[str, Op] = {}
    functions: dict[str, Any] = {}
    definitions: dict[str, Any] | None = None

    def lookup(name: str) -> Op | None:
        nonlocal definitions
        found = ops.find(name) or stand_ins.get(name)
        if found is not None:
            return found
        if definitions is None:
            if library is not None:
                functions.update({f.signature.name: f.signature for f in library.function})
            definitions = {**functions, **({} if op_list is None else {d.name: d for d in op_list.op})}
        definition = definitions.get(name)
        if definition is None:
            return None
        kernel = _call_kernel(name) if name in functions else _no_kernel
        made = _stand_in(decode_op_def(definition), kernel)
        return stand_ins.setdefault(name, made)

    return lookup


def _no_kernel(s: Site) -> Kernel:
    raise s.unsupported(f"op {s.op.name} is not supported")


def _stand_in(signature: Signature, kernel: Callable[[Site], Kernel]) -> Op:
    made = Op(f"{signature.name}() -> ()", kernel, "An op known from a file only.")
    made._signature = signature
    return made


def _call_kernel(name: str) -> Callable[[Site], Kernel]:
    def kernel(s: Site) -> Kernel:
        run = s.callable(FunctionRef(name))
        return (lambda *arrays: run(*arrays)[0]) if s.op.signature.single else run

    return kernel


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put `where` (a file, a function, ...) in front of the message of an error out of the block."""
    try:
        yield
    except OpError as e:
        if not where or e.message.startswith(where):
            raise
        raise type(e)(e.node_def, e.op, f"{where}: {e.message}") from e


# --- reading


def decode_library(proto: Any, op_list: Any = None, where: str = "") -> Library:
    """The functions of a FunctionDefLibrary; each is decoded when it is first asked for.

    Args:
        proto: the message.
        op_list: the OpList message that describes the ops it uses, or None.
        where: the file, for messages.

    Raises:
        InvalidArgumentError: two functions have one name.
    """
    functions: dict[str, Any] = {}
    for function in proto.function:
        name = function.signature.name
        if name in functions:
            raise InvalidArgumentError(None, None, f"there are two functions '{name}' in the library")
        functions[name] = function
    lookup = op_lookup(op_list, proto)

    def decode(name: str) -> Function:
        with located(where):
            return decode_function(functions[name], lookup)

    return Library(decode, functions)


def decode_function(proto: Any, lookup: OpLookup) -> Function:
    """The function of a FunctionDef.

    Types of values come from the ops' signatures. Static shapes are those of the arguments, where the file
    says them; `infer.infer_shapes` finds the others.

    Args:
        proto: the message.
        lookup: finds ops by name (`op_lookup`).

    Raises:
        InvalidArgumentError: a name is used twice, an input, result or control input names nothing, an
            attribute is missing or of the wrong kind, a type or number of inputs does not fit.
        UnimplementedError: an op that neither calque nor the file describes, or a generic function.
        DataLossError: a tensor, shape or dtype in it is damaged.
    """
    signature = proto.signature
    function = Function(signature.name)
    with located(f"function '{signature.name}'"), paused_collection():
        arguments: dict[str, Value] = {}
        for i, arg in enumerate(signature.input_arg):
            if arg.name in arguments:
                raise InvalidArgumentError(None, None, f"two arguments are called '{arg.name}'")
            arguments[arg.name] = _decode_argument(function, i, arg, proto.arg_attr)
        nodes, types = _decode_nodes(proto.node_def, function, lookup, arguments)
        resolve = _FunctionRefs(arguments, nodes)
        _connect(proto.node_def, nodes, types, resolve, arguments)
        for out in signature.output_arg:
            if out.name not in proto.ret:
                raise InvalidArgumentError(None, None, f"the result '{out.name}' is not said to be any value")
            with located(f"result '{out.name}'"):
                value = resolve(proto.ret[out.name])
                value.handle = value.handle or _decode_handle(out, "its handle")
                function.outputs.append(value)
            function.output_names.append(out.name)
        for name in sorted(proto.control_ret):
            node = nodes.get(proto.control_ret[name])
            if node is None:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"the control output '{name}' names '{proto.control_ret[name]}', which is no node",
                )
            function.control_outputs[name] = node
        for name in signature.control_output:
            if name not in proto.control_ret:
                raise InvalidArgumentError(
                    None, None, f"the control output '{name}' is not said to be any node"
                )
        function.attrs = decode_attrs(proto.attr, {})
        function.stateful = signature.is_stateful or any(n.op.signature.stateful for n in function.nodes)
    return function


def _decode_argument(function: Function, index: int, arg: Any, arg_attrs: Mapping[int, Any]) -> Value:
    if arg.type_attr or arg.number_attr or arg.type_list_attr:
        raise UnimplementedError(
            None, None, f"argument '{arg.name}' has a generic type, which is not supported"
        )
    where = f"argument '{arg.name}'"
    shape = None
    if index in arg_attrs:
        attrs = decode_attrs(arg_attrs[index].attr, {}, f"{where}, ")
        function.arg_attrs[index] = attrs
        shapes = attrs.get("_output_shapes")
        if (
            isinstance(shapes, tuple)
            and len(shapes) == 1
            and (shapes[0] is None or isinstance(shapes[0], tuple))
        ):
            shape = shapes[0]
    function.unique_name(arg.name)
    value = function.add_input(arg.name, decode_dtype(arg.type, where).base_dtype, shape)
    value.handle = _decode_handle(arg, where)
    return value


def _decode_handle(arg: Any, where: str) -> tuple[DType, Shape] | None:
    if not arg.handle_data:
        return None
    known = arg.handle_data[0]
    return decode_dtype(known.dtype, where).base_dtype, decode_shape(known.shape, where)


def _encode_handle(value: Value, arg: Any) -> None:
    if value.handle is not None:
        dtype, shape = value.handle
        arg.handle_data.add(dtype=dtype.enum, shape=encode_shape(shape))


def _decode_nodes(
    protos: Iterable[Any], graph: Graph, lookup: OpLookup, taken: Mapping[str, Any]
) -> tuple[dict[str, Node], list[tuple[DType, ...]]]:
    """The nodes by name, in `graph` as well, and the types of the inputs of each, which are still missing."""
    nodes: dict[str, Node] = {}
    types: list[tuple[DType, ...]] = []
    room = _MOST_VALUES
    # Many nodes of a graph have the same op and attributes.
    known: dict[Any, tuple[dict[str, Any], tuple[DType, ...], tuple[DType, ...]]] = {}
    for proto in protos:
        name, kind = proto.name, proto.op
        if name in nodes or name in taken:
            raise InvalidArgumentError(name, kind, f"the name '{name}' is used twice")
        try:
            op = lookup(kind)
            if op is None:
                raise UnimplementedError(
                    name, kind, f"op {kind} is not supported, and the file does not describe it"
                )
            signature = op.signature
            key = None
            if not signature.holds_objects:
                attr = proto.attr
                key = (kind, *[(one, attr[one].SerializeToString()) for one in sorted(attr)])
            found = known.get(key)
            if found is None:
                attrs = decode_attrs(proto.attr, signature.attrs)
                _check_attrs(proto, op, attrs)
                dtypes, wanted = signature.output_dtypes(attrs), signature.input_dtypes(attrs)
                if key is not None and all(map(_is_plain, attrs.values())):
                    known[key] = attrs, dtypes, wanted
            else:
                attrs, dtypes, wanted = found
                attrs = attrs.copy()
            types.append(wanted)
            room -= len(dtypes)
            if room < 0:
                raise ResourceExhaustedError(name, kind, f"the graph has more than {_MOST_VALUES} values")
            node = Node(op, name, [], attrs, dtypes)
        except OpError as e:
            raise type(e)(name, kind, f"node '{name}': {e.message}") from e
        if proto.device:
            node.device = proto.device
        graph.unique_name(name)
        graph.add(node)
        nodes[name] = node
    return nodes, types


def _is_plain(value: Any) -> bool:
    """May two nodes have the same value of an attribute, because nothing can change it?"""
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (DType, bool, int, float, str, bytes))


def _check_attrs(proto: Any, op: Op, attrs: Mapping[str, Any]) -> None:
    for name in op.signature.required:
        if name not in attrs:
            raise InvalidArgumentError(None, None, f"attribute '{name}' is missing")
    if op.name == "Const":
        found = decode_dtype(proto.attr["value"].tensor.dtype, "attribute 'value'").base_dtype
        if found is not attrs["dtype"].base_dtype:
            raise InvalidArgumentError(
                None,
                None,
                f"attribute 'dtype' is {attrs['dtype'].name}, but 'value' is a {found.name} tensor",
            )


def _connect(
    protos: Iterable[Any],
    nodes: dict[str, Node],
    types: Iterable[tuple[DType, ...]],
    resolve: Callable[[str], Value],
    arguments: Mapping[str, Any],
) -> None:
    for proto, wanted in zip(protos, types, strict=True):
        node = nodes[proto.name]
        try:
            for ref in proto.input:
                if not ref.startswith("^"):
                    node.inputs.append(resolve(ref))
                elif ref[1:] in nodes:
                    node.control.append(nodes[ref[1:]])
                elif ref[1:] not in arguments:  # an argument is there before anything runs
                    raise InvalidArgumentError(None, None, f"control input '{ref}' names no node")
            _check_inputs(node, wanted)
        except OpError as e:
            raise type(e)(node.name, node.op.name, f"node '{node.name}': {e.message}") from e


def _check_inputs(node: Node, wanted: tuple[DType, ...]) -> None:
    if wanted == tuple([value.dtype for value in node.inputs]):
        return
    if len(wanted) != len(node.inputs):
        raise InvalidArgumentError(None, None, f"takes {len(wanted)} inputs, but has {len(node.inputs)}")
    for i, (want, value) in enumerate(zip(wanted, node.inputs, strict=True)):
        if want.base_dtype is not value.dtype.base_dtype:
            raise InvalidArgumentError(
                None,
                None,
                f"input {i} is '{value.name}' of type {value.dtype.name}, but should be {want.name}",
            )


class _FunctionRefs:
    """Finds the value that an input of a function's node names."""

    def __init__(self, arguments: Mapping[str, Value], nodes: Mapping[str, Node]) -> None:
        self.arguments = arguments
        self.nodes = nodes

    def __call__(self, ref: str) -> Value:
        found = self.arguments.get(ref)
        if found is not None:
            return found
        name, _, rest = ref.partition(":")
        output, _, index = rest.partition(":")
        node = self.nodes.get(name)
        if node is None:
            if output == "0" and name in self.arguments:
                return self.arguments[name]
            raise InvalidArgumentError(None, None, f"'{ref}' names neither an argument nor a node")
        signature = node.op.signature
        if index == "0" and signature.single and output == signature.outputs[0].name:
            return node.outputs[0]
        slices = signature.output_slices(node.attrs)
        if output not in slices:
            has = ", ".join(f"{name}:{one}" for one in slices) or "none"
            raise InvalidArgumentError(
                None, None, f"'{ref}' names no output of {node.op.name}; there are: {has}"
            )
        first, count = slices[output]
        at = _index(index or "0", ref)
        if at >= count:
            raise InvalidArgumentError(None, None, f"'{ref}' is out of range: '{output}' has {count} tensors")
        return node.outputs[first + at]


class _GraphRefs:
    """Finds the value that an input of a top-level node names."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes

    def __call__(self, ref: str) -> Value:
        name, _, index = ref.partition(":")
        node = self.nodes.get(name)
        if node is None:
            raise InvalidArgumentError(None, None, f"'{ref}' names no node")
        at = _index(index or "0", ref)
        if at >= len(node.outputs):
            raise InvalidArgumentError(
                None, None, f"'{ref}' is out of range: {node.op.name} has {len(node.outputs)} outputs"
            )
        return node.outputs[at]


def _index(text: str, ref: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidArgumentError(None, None, f"'{ref}' does not end in the number of an output")
    return int(text)


def decode_graph(proto: Any, lookup: OpLookup, wanted: Iterable[str] | None = None) -> Graph:
    """The top-level nodes of a GraphDef.

    Args:
        proto: the message.
        lookup: finds ops by name (`op_lookup`).
        wanted: names of nodes: only these and what they need are decoded. None: all.

    Raises:
        OpError: as `decode_function`.
    """
    graph = Graph()
    with located("the top-level graph"), paused_collection():
        protos = proto.node if wanted is None else needed_nodes(proto.node, wanted)
        if wanted is not None:
            _refuse_twins(proto.node)  # of which only one is among the needed nodes
        nodes, types = _decode_nodes(protos, graph, lookup, {})
        _connect(protos, nodes, types, _GraphRefs(nodes), {})
    return graph


def _refuse_twins(protos: Iterable[Any]) -> None:
    seen: set[str] = set()
    for node in protos:
        if node.name in seen:
            raise InvalidArgumentError(node.name, node.op, f"the name '{node.name}' is used twice")
        seen.add(node.name)


def needed_nodes(protos: Iterable[Any], wanted: Iterable[str], fed: Iterable[str] = ()) -> list[Any]:
    """The NodeDefs of those names and of all that they need, in their order; names that are not there are left out.

    Args:
        protos: all NodeDefs.
        wanted: names of nodes.
        fed: inputs, as NodeDefs write them, that a caller gives: what makes them is not needed.
    """
    by_name = {node.name: node for node in protos}
    stop = set(fed)
    seen: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        for ref in by_name[name].input:
            if ref not in stop:
                waiting.append(ref[1:] if ref.startswith("^") else ref.partition(":")[0])
    return [node for name, node in by_name.items() if name in seen]


def constant_lookup(proto: Any, where: str = "") -> Callable[[str], Any]:
    """What finds the value of a Const node of a GraphDef by name, without decoding the rest of the graph.

    The lookup raises InvalidArgumentError where there is no such node or it is no Const, DataLossError where its
    value is damaged; the messages begin with `where`.
    """
    nodes: dict[str, Any] = {}

    def constant(name: str) -> Any:
        if not nodes:
            nodes.update((node.name, node) for node in reversed(proto.node))
        node = nodes.get(name)
        with located(where):
            if node is None:
                raise InvalidArgumentError(None, None, f"there is no node '{name}' in the top-level graph")
            if node.op != "Const" or "value" not in node.attr:
                raise InvalidArgumentError(
                    name, node.op or None, f"node '{name}' should be a Const with a value"
                )
            return decode_attr(node.attr["value"], "tensor", f"constant '{name}'")

    return constant


# --- writing


def encode_function(function: Function) -> Any:
    """The FunctionDef of a function; equal functions give equal messages.

    Attributes equal to their op's default are left out.

    Raises:
        InvalidArgumentError: an attribute is not of its kind.
        UnimplementedError: a constant of a type that no file can hold.
    """
    proto = schema.FunctionDef()
    signature = proto.signature
    signature.name = function.name
    with located(f"function '{function.name}'"):
        for i, value in enumerate(function.inputs):
            arg = signature.input_arg.add(name=value.node.name, type=value.dtype.enum)
            _encode_handle(value, arg)
            attrs = function.arg_attrs.get(i)
            if attrs is not None:
                proto.arg_attr[i].SetInParent()
                encode_attrs(attrs, {}, proto.arg_attr[i].attr)
        for name, value in zip(function.output_names, function.outputs, strict=True):
            _encode_handle(value, signature.output_arg.add(name=name, type=value.dtype.enum))
            proto.ret[name] = _function_ref(value)
        for name in sorted(function.control_outputs):
            signature.control_output.append(name)
            proto.control_ret[name] = function.control_outputs[name].name
        signature.is_stateful = function.stateful
        for node in function.nodes:
            _encode_node(node, proto.node_def.add(), _function_ref)
        encode_attrs(function.attrs, {}, proto.attr)
    return proto


def _encode_node(node: Node, proto: Any, name_of: Callable[[Value], str]) -> None:
    proto.name = node.name
    proto.op = node.op.name
    proto.device = node.device
    proto.input.extend([name_of(value) for value in node.inputs])
    proto.input.extend([f"^{one.name}" for one in node.control])
    try:
        encode_attrs(node.attrs, node.op.signature.attrs, proto.attr)
    except OpError as e:
        raise type(e)(node.name, node.op.name, f"node '{node.name}': {e.message}") from e


def _function_ref(value: Value) -> str:
    node = value.node
    if node.op is ARG:
        return node.name
    signature = node.op.signature
    if signature.single:
        return f"{node.name}:{signature.outputs[0].name}:0"
    for output, (first, count) in signature.output_slices(node.attrs).items():
        if first <= value.index < first + count:
            return f"{node.name}:{output}:{value.index - first}"
    raise InvalidArgumentError(node.name, node.op.name, f"'{value.name}' is no output of {node.op.name}")


def _graph_ref(value: Value) -> str:
    return value.name if value.index else value.node.name


def encode_library(
    functions: Iterable[Function], registered_gradients: Mapping[str, str] | None = None
) -> Any:
    """The FunctionDefLibrary of some functions, in their order.

    Args:
        functions: the functions.
        registered_gradients: for each custom gradient's op type its gradient function's name.
    """
    proto = schema.FunctionDefLibrary()
    for function in functions:
        proto.function.append(encode_function(function))
    for op_type, gradient in sorted((registered_gradients or {}).items()):
        proto.registered_gradients.add(registered_op_type=op_type, gradient_func=gradient)
    return proto


def encode_graph(
    graph: Graph, functions: Iterable[Function] = (), registered_gradients: Mapping[str, str] | None = None
) -> Any:
    """The GraphDef of top-level nodes and a library.

    Args:
        graph: the nodes, in the order in which they are written.
        functions: the library's functions, in the order in which they are written.
        registered_gradients: for each custom gradient's op type its gradient function's name.

    Raises:
        OpError: as `encode_function`.
    """
    proto = schema.GraphDef()
    with located("the top-level graph"):
        for node in graph.nodes:
            _encode_node(node, proto.node.add(), _graph_ref)
    proto.library.CopyFrom(encode_library(functions, registered_gradients))
    proto.versions.producer = GRAPH_VERSION
    return proto
