"""What a SavedModel says, without protobuf: meta graphs, signatures, the graph of saved objects.

`wire.metagraphs` reads these from a file and writes them to one. Fields have the names and meanings of
TensorFlow's messages of (nearly) the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from calque_runtime.dtypes import DType
from calque_runtime.errors import InvalidArgumentError
from calque_runtime.ir import Graph, Library
from calque_runtime.record import field, record
from calque_runtime.shapes import Shape
from calque_runtime.wire.bundle import SlotVariable

if TYPE_CHECKING:
    from calque_runtime.wire.needs import Needs

__all__ = [
    "Asset",
    "AssetFile",
    "BareConcreteFunction",
    "CapturedTensor",
    "Collection",
    "ConcreteFunctionInfo",
    "Constant",
    "FunctionSpec",
    "Kind",
    "LazyDict",
    "MetaGraph",
    "ObjectGraph",
    "Resource",
    "SavedFunction",
    "SavedObject",
    "Saver",
    "SignatureDef",
    "SlotVariable",
    "TensorInfo",
    "UserObject",
    "VariableInfo",
]

T = TypeVar("T")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@record(frozen=True)
class TensorInfo:
    """A tensor of the top-level graph.

    Attributes:
        name: ``node:index``; the name of a node where it stands for an op; empty for a composite tensor.
        dtype: its type; None where it stands for an op.
        shape: its static shape.
        coo_sparse: for a sparse tensor the names of its values, indices and dense shape.
        composite: for any other composite tensor its spec and the tensors it is made of.
    """

    name: str
    dtype: DType | None = None
    shape: Shape = None
    coo_sparse: tuple[str, str, str] | None = None
    composite: tuple[Any, tuple[TensorInfo, ...]] | None = None


@record(frozen=True)
class SignatureDef:
    """A way to call the model: names of inputs and outputs, and the tensors behind them.

    Attributes:
        inputs: by name.
        outputs: by name.
        method_name: "tensorflow/serving/predict", ...
        defaults: values of inputs that may be left out.
    """

    inputs: Mapping[str, TensorInfo] = _NOTHING
    outputs: Mapping[str, TensorInfo] = _NOTHING
    method_name: str = ""
    defaults: Mapping[str, Any] = _NOTHING


@record(frozen=True)
class AssetFile:
    """A file in ``assets/``, and the tensor of the top-level graph that is fed its path."""

    filename: str
    tensor_name: str = ""


@record(frozen=True)
class Saver:
    """The nodes of the top-level graph that save and restore variables (SaverDef)."""

    filename_tensor_name: str
    save_tensor_name: str
    restore_op_name: str
    max_to_keep: int = 0
    sharded: bool = False
    keep_checkpoint_every_n_hours: float = 0.0
    version: int = 2


@record(frozen=True)
class Collection:
    """A collection of a TF1 graph.

    Attributes:
        kind: "node", "bytes", "int64", "float" or "any".
        values: its entries; (type URL, bytes) for kind "any".
    """

    kind: str
    values: tuple[Any, ...] = ()


@record(frozen=True)
class UserObject:
    """An object with attributes; `identifier` tells lists, dicts and signature maps from the rest."""

    identifier: str = "_generic_user_object"
    producer: int = 1
    min_consumer: int = 1
    metadata: str = ""


@record(frozen=True)
class Asset:
    """A file, by its place in the meta graph's assets."""

    number: int


@record(frozen=True)
class FunctionSpec:
    """How a function is called, as `inspect.getfullargspec` describes it.

    Attributes:
        args: names of the positional parameters, without ``self``.
        varargs: the name after ``*``, or None.
        varkw: the name after ``**``, or None.
        defaults: values of the last of `args`; None for none.
        kwonlyargs: names of the keyword-only parameters.
        kwonlydefaults: values of those that have one.
        input_signature: the specs the function was declared with, or None.
        is_method: does `args` still begin with ``self``?
        jit_compile: was it to be compiled? None where it was left open.
    """

    args: tuple[str, ...] = ()
    varargs: str | None = None
    varkw: str | None = None
    defaults: tuple[Any, ...] | None = None
    kwonlyargs: tuple[str, ...] = ()
    kwonlydefaults: Mapping[str, Any] | None = None
    input_signature: Any = None
    is_method: bool = False
    jit_compile: bool | None = None


@record(frozen=True)
class SavedFunction:
    """A polymorphic function: its concrete functions by name, in the order in which a call tries them."""

    concrete_functions: tuple[str, ...]
    spec: FunctionSpec | None = None


@record(frozen=True)
class BareConcreteFunction:
    """One concrete function as an object.

    Attributes:
        name: its name in the library.
        argument_keywords: the names of its arguments, in order.
        allowed_positional_arguments: how many of them a call may give by position.
        spec: how it is called, where the file says.
    """

    name: str
    argument_keywords: tuple[str, ...] = ()
    allowed_positional_arguments: int = 0
    spec: FunctionSpec | None = None


@record(frozen=True)
class VariableInfo:
    """A variable: all but its value, which is in the checkpoint.

    Attributes:
        dtype: its type.
        shape: its static shape.
        trainable: is it one of the trainable ones?
        name: its name, without ``:0``; for messages and the like.
        synchronization: number in VariableSynchronization.
        aggregation: number in VariableAggregation.
        device: where it lived.
        components: the parts of a distributed variable.
    """

    dtype: DType
    shape: Shape
    trainable: bool = False
    name: str = ""
    synchronization: int = 0
    aggregation: int = 0
    device: str = ""
    components: tuple[VariableInfo, ...] = ()


@record(frozen=True)
class Constant:
    """A tensor: the value of the Const node `operation` of the top-level graph."""

    operation: str


@record(frozen=True)
class Resource:
    """A table or the like: made, filled and dropped by functions among its children."""

    device: str = ""


@record(frozen=True)
class CapturedTensor:
    """A tensor inside a concrete function."""

    name: str
    concrete_function: str


Kind = (
    UserObject
    | Asset
    | SavedFunction
    | VariableInfo
    | BareConcreteFunction
    | Constant
    | Resource
    | CapturedTensor
)


@record(eq=False)
class SavedObject:
    """One node of the object graph.

    Attributes:
        kind: what it is.
        children: (name, node number) of each object it holds.
        dependencies: (name, node number) of those that must be made before it.
        slot_variables: what an optimizer keeps for variables.
        saveable_objects: for each name the node numbers of its save and restore functions.
        registered_name: the name under which its class is registered, or "".
        registered_saver: the name of its own way of being saved, or "".
        user_proto: (type URL, bytes) of what a registered class stored, or None.
    """

    kind: Kind
    children: list[tuple[str, int]] = field(default_factory=list)
    dependencies: list[tuple[str, int]] = field(default_factory=list)
    slot_variables: list[SlotVariable] = field(default_factory=list)
    saveable_objects: dict[str, tuple[int, int]] = field(default_factory=dict)
    registered_name: str = ""
    registered_saver: str = ""
    user_proto: tuple[str, bytes] | None = None


@record(frozen=True)
class ConcreteFunctionInfo:
    """What the object graph says of a concrete function.

    Attributes:
        bound_inputs: the nodes behind its last arguments.
        input_signature: (positional, keyword) arguments as structured values: a tuple and a dict.
        output_signature: the structure of its result.
    """

    bound_inputs: tuple[int, ...] = ()
    input_signature: Any = ((), {})
    output_signature: Any = None


class LazyDict(Mapping[str, T]):
    """A mapping whose values are decoded when they are first asked for."""

    def __init__(self, keys: Iterable[str], decode: Callable[[str], T]) -> None:
        self._decoded: dict[str, T] = {}
        self._keys = dict.fromkeys(keys)
        self._decode = decode

    def __getitem__(self, key: str) -> T:
        if key not in self._decoded:
            if key not in self._keys:
                raise KeyError(key)
            self._decoded[key] = self._decode(key)
        return self._decoded[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


@record(eq=False)
class ObjectGraph:
    """The saved objects; node 0 is the root.

    Attributes:
        nodes: the objects; children and the like name them by their place here.
        concrete_functions: what is known of each concrete function, by its name in the library.
    """

    nodes: list[SavedObject] = field(default_factory=list)
    concrete_functions: Mapping[str, ConcreteFunctionInfo] = field(default_factory=dict)


class MetaGraph:
    """One model of a SavedModel.

    Attributes:
        tags: what it is for: "serve", "train", ...
        library: the functions.
        signatures: ways to call it through the top-level graph, by name.
        assets: the files in ``assets/``.
        object_graph: the saved objects; None for a TF1 model.
        saver: how the top-level graph saves and restores; None where it does not.
        collections: collections of the top-level graph by name.
        registered_gradients: the gradient function's name of each custom gradient's op type.
        function_aliases: the alias of each concrete function that has one.
        tensorflow_version: of the writer.
        tensorflow_git_version: of the writer.
        stripped_default_attrs: were attributes equal to their defaults left out?
        graph_version: the GraphDef version of the writer (versions.producer).
        min_consumer: the oldest GraphDef version that may read it (versions.min_consumer).
    """

    def __init__(
        self,
        graph: Graph | Callable[..., Graph],
        library: Library,
        *,
        tags: Iterable[str] = (),
        signatures: Mapping[str, SignatureDef] | None = None,
        assets: Iterable[AssetFile] = (),
        object_graph: ObjectGraph | None = None,
        saver: Saver | None = None,
        collections: Mapping[str, Collection] | None = None,
        registered_gradients: Mapping[str, str] | None = None,
        function_aliases: Mapping[str, str] | None = None,
        tensorflow_version: str = "",
        tensorflow_git_version: str = "",
        stripped_default_attrs: bool = True,
        graph_version: int = 0,
        min_consumer: int = 0,
        constant: Callable[[str], Any] | None = None,
        needs: Callable[[], Needs] | None = None,
    ) -> None:
        self._graph = graph
        self._needs = needs
        self._constant = constant
        self.library = library
        self.tags = tuple(tags)
        self.signatures = dict(signatures or {})
        self.assets = tuple(assets)
        self.object_graph = object_graph
        self.saver = saver
        self.collections = dict(collections or {})
        self.registered_gradients = dict(registered_gradients or {})
        self.function_aliases = dict(function_aliases or {})
        self.tensorflow_version = tensorflow_version
        self.tensorflow_git_version = tensorflow_git_version
        self.stripped_default_attrs = stripped_default_attrs
        self.graph_version = graph_version
        self.min_consumer = min_consumer

    @property
    def graph(self) -> Graph:
        """The top-level graph; decoded when first asked for."""
        if not isinstance(self._graph, Graph):
            self._graph = self._graph()
        return self._graph

    @property
    def needs(self) -> Needs | None:
        """What its functions and its graph need, where it comes from a file; else None."""
        return None if self._needs is None else self._needs()

    def part(self, wanted: Iterable[str]) -> Graph:
        """The nodes of the top-level graph of those names and all that they need; more where it is decoded already."""
        return self._graph if isinstance(self._graph, Graph) else self._graph(wanted)

    def constant(self, operation: str) -> Any:
        """The value of a Const node of the top-level graph.

        Raises:
            InvalidArgumentError: there is no such node, or it is no Const.
        """
        if self._constant is not None:
            return self._constant(operation)
        node = self.graph.by_name().get(operation)
        if node is None or node.op.name != "Const":
            raise InvalidArgumentError(None, None, f"the top-level graph has no Const node '{operation}'")
        return node.attrs["value"]

    def __repr__(self) -> str:
        return f"<meta graph {', '.join(self.tags)}: {', '.join(self.signatures) or 'no signatures'}>"
