"""`save`: an object and its functions to a directory, in TensorFlow's SavedModel format."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from calque_runtime import dtypes
from calque_runtime.checkpoint import OBJECT_GRAPH_KEY, BundleWriter, attribute_key, encode_object_graph
from calque_runtime.errors import FailedPreconditionError, NotFoundError, UnimplementedError
from calque_runtime.ir import Function as IrFunction
from calque_runtime.ir import Node, Value
from calque_runtime.record import replace
from calque_runtime.resources import Variable as VariableState
from calque_runtime.savedmodel import matching
from calque_runtime.savedmodel import metagraph as mg
from calque_runtime.structure import TensorSpecValue
from calque_runtime.wire.fingerprint import encode_fingerprint
from calque_runtime.wire.metagraphs import encode_saved_model

from ..context import init_scope
from ..function.concrete import ConcreteFunction
from ..function.polymorphic import Function
from ..object_graph import Children, ObjectView, checkpoint_graph, walk
from ..resource import TableResource
from ..tensor import EagerTensor, SymbolicTensor
from ..trackable import Trackable
from ..variable import Variable
from .aliases import aliased
from .asset import Asset
from .directory import new_directory
from .gradients import SavedGradients
from .graph import TopLevelGraph
from .library import collect_functions
from .loaded import LoadedObject, LoadedResource
from .loaded_functions import LoadedConcreteFunction, LoadedFunction
from .options import SaveOptions
from .signatures import SignatureMap, canonicalize_signatures, declared_trace
from .structures import NotEncodable, function_spec, input_structure, output_structure, without_defaults
from .tables import has_content, table_functions

__all__ = ["SaveInFunctionError", "UntrackedResourceError", "save", "save_with"]

# What the files say of their writer: the TensorFlow release whose form they have, and its GraphDef version.
TENSORFLOW_VERSION = "2.21.0"
GRAPH_VERSION = 2474


class UntrackedResourceError(FailedPreconditionError, AssertionError, KeyError):
    """A function that is to be saved uses a variable that no attribute of the saved object leads to."""

    __str__ = FailedPreconditionError.__str__  # a KeyError's is its message's repr


class SaveInFunctionError(FailedPreconditionError, AssertionError):
    """`save` is called while a function is traced."""


def save(
    obj: Any, export_dir: str | os.PathLike[str], signatures: Any = None, options: SaveOptions | None = None
) -> None:
    """Save an object with its variables, functions and assets as a SavedModel.

    Every attribute that leads to variables, functions, assets or other such objects is saved; of a function, every
    trace it has. The directory appears whole or not at all, and what was there before stays until then. The same
    object gives the same bytes.

    Args:
        obj: a `Module`, or any other trackable object.
        export_dir: the directory. Files in it that are no part of a SavedModel stay.
        signatures: a function with an input signature, a concrete function, or several by name. None: the one function
            of the object that has an input signature, if there is exactly one, becomes "serving_default".
        options: see `SaveOptions`.

    Raises:
        ValueError: `obj` is not trackable, or a signature is not of a kind that can be saved.
        UntrackedResourceError: a function uses a variable that `obj` does not lead to.
        FailedPreconditionError: a variable has no value; or it is called while a function is traced.
    """
    save_with(obj, export_dir, signatures, options)


def save_with(
    obj: Any,
    export_dir: str | os.PathLike[str],
    signatures: Any,
    options: SaveOptions | None,
    more_files: Callable[[ObjectView], Mapping[str, bytes]] | None = None,
    cache: Mapping[str, Any] | None = None,
) -> None:
    """`save`, with files besides those of every SavedModel.

    Args:
        obj, export_dir, signatures, options: see `save`.
        more_files: given the objects as they were numbered, the contents of further files by name.
        cache: what `Trackable._saved_children` finds in its cache.
    """
    if not isinstance(obj, Trackable):
        raise ValueError(
            f"Expected an object that is Trackable, such as a tf.Module or tf.train.Checkpoint, for exporting, but got "
            f"{obj!r}."
        )
    from ..context import state

    if state.trace is not None:
        raise SaveInFunctionError(
            None,
            None,
            "tf.saved_model.save is not supported inside a traced @tf.function. Move the call outside of it.",
        )
    with init_scope():
        children = _Children(cache or {})
        signature_map = canonicalize_signatures(obj, signatures, children)
        _Saving(obj, signature_map, options or SaveOptions(), children).write(
            os.fspath(export_dir), more_files
        )


class _Children:
    """The children of objects; functions are asked for once, for a property may make a new one every time."""

    def __init__(self, cache: Mapping[str, Any]) -> None:
        self._known: dict[int, tuple[Trackable, dict[str, Trackable]]] = {}
        self._cache = dict(cache)

    def __call__(self, obj: Trackable) -> Mapping[str, Trackable]:
        found = self._known.get(id(obj))
        if found is None:
            found = self._known[id(obj)] = obj, dict(obj._saved_children(self._cache))
            return found[1]
        functions = {n: c for n, c in found[1].items() if isinstance(c, (Function, ConcreteFunction))}
        others = {n: c for n, c in obj._trackable_children("checkpoint").items() if n not in functions}
        return {n: c for n, c in found[1].items() if n not in functions} | others | functions


class _Saving:
    """One save: numbers the objects, gathers functions and captures, and writes the files."""

    def __init__(self, root: Any, signatures: SignatureMap, options: SaveOptions, children: Children) -> None:
        self._own_children = children
        self.signatures = signatures
        self.options = options
        self.root = root
        self.view = walk(root, "savedmodel", self._children)
        self.top = TopLevelGraph()
        # For each table with content, the functions that save and restore it.
        self.table_functions = {
            number: table_functions(node.handle)
            for number, node in enumerate(self.view.nodes)
            if isinstance(node, (TableResource, LoadedResource)) and has_content(node)
        }
        self.concrete = self._concrete_functions()
        self.gradients = SavedGradients(self.concrete if self.options.experimental_custom_gradients else [])
        self.concrete += self.gradients.functions
        self.library, self.copies = collect_functions(self.concrete)
        self.extra_nodes: list[mg.SavedObject] = []
        self.assets: dict[str, str] = {}  # file name in assets/ -> path of the original
        self._captured: dict[
            int, tuple[int, Value]
        ] = {}  # id of what is captured -> node number, top-level value
        self._add_variables()
        self._add_assets()
        self._add_resources()

    def _children(self, obj: Trackable) -> Mapping[str, Trackable]:
        children = dict(self._own_children(obj))
        if obj is self.root:
            children["signatures"] = self.signatures
        return children

    def _concrete_functions(self) -> list[ConcreteFunction]:
        """The concrete functions to save, in the order of the objects they belong to."""
        found: dict[int, ConcreteFunction] = {}
        for node in self.view.nodes:
            if isinstance(node, ConcreteFunction):
                found[id(node)] = node
            elif isinstance(node, Function):
                declared_trace(node)
                found.update((id(one), one) for one in _saveable(node))
        found.update((id(one), one) for pair in self.table_functions.values() for one in pair)
        return list(found.values())

    # What functions capture

    def _add_variables(self) -> None:
        for number, node in enumerate(self.view.nodes):
            if isinstance(node, Variable):
                state = node._state
                handle = self.top.variable(state.name, state.dtype, state.shape)
                self._captured[id(state)] = number, handle

    def _add_assets(self) -> None:
        for number, node in enumerate(self.view.nodes):
            if isinstance(node, Asset):
                filename = self._asset_filename(node._path)
                self._captured[id(node._path_tensor)] = number, self.top.asset(filename)

    def _add_resources(self) -> None:
        """Tables and the like, which functions of their own make and fill."""
        found = [
            (n, node)
            for n, node in enumerate(self.view.nodes)
            if isinstance(node, (LoadedResource, TableResource))
        ]
        for number, node in found:
            made = self._call_child(node, "_create_resource", f"table_{number}".encode())
            if made is not None and getattr(node, "handle", None) is not None:
                self._captured[id(node.handle)] = number, made.outputs[0]
        for _, node in found:
            filled = self._call_child(node, "_initialize")
            if filled is not None:
                self.top.initialize(filled)

    def _call_child(self, node: Trackable, name: str, shared_name: bytes | None = None) -> Node | None:
        """A call in the top-level graph of a function without arguments that an object holds.

        What it makes gets the name `shared_name`, where one is given: one of its own, which two tables of one model
        must not share, and the same at every save.
        """
        child = node._trackable_children("savedmodel").get(name)
        if isinstance(child, LoadedFunction):
            child = next(iter(child.concrete_functions), None)
        elif isinstance(child, Function):
            child = declared_trace(child)
        if not isinstance(child, ConcreteFunction):
            return None
        copy = self._copy(child)
        if shared_name is not None:
            for made in copy.nodes:
                if "shared_name" in made.op.signature.attrs:
                    made.attrs["shared_name"] = shared_name
        _, values = self._bound_inputs(child)
        given = [self.top.asset_inputs.get(value, value) for value in values]
        return self.top.call(name.lstrip("_"), copy, given, stateful=True)

    def _asset_filename(self, path: str) -> str:
        if not os.path.isfile(path):
            raise NotFoundError(
                None, None, f"the asset '{path}' is no file: it cannot be saved with the model"
            )
        base, count = os.path.basename(path), 0
        name = base
        while name in self.assets and os.path.realpath(self.assets[name]) != os.path.realpath(path):
            count += 1
            name = f"{base}_{count}"  # as TensorFlow names them
        self.assets[name] = path
        return name

    def _bound_inputs(self, concrete: ConcreteFunction) -> tuple[list[int], list[Value]]:
        """The nodes, and the top-level values, that a concrete function's captures stand for."""
        numbers, values = [], []
        for external, inner in concrete.captures:
            number, value = self._bound(concrete, external, inner)
            numbers.append(number)
            values.append(value)
        return numbers, values

    def _bound(self, concrete: ConcreteFunction, external: Any, inner: Value) -> tuple[int, Value]:
        resource = _resource_of(external)
        symbolic = isinstance(external, SymbolicTensor)
        key = id(external._value if symbolic else external if resource is None else resource)
        found = self._captured.get(key)
        if found is not None:
            return found
        if resource is not None:
            raise _untracked(concrete, resource, inner)
        if isinstance(external, SymbolicTensor) and any(concrete is f for f in self.gradients.functions):
            number = len(self.view.nodes) + len(self.extra_nodes)
            self.extra_nodes.append(mg.SavedObject(self.gradients.captured(external, self.copies)))
            self._captured[id(external._value)] = number, inner
            return number, inner
        if not isinstance(external, EagerTensor):
            raise FailedPreconditionError(
                None,
                None,
                f"function '{concrete.name}' captures {external!r}, a tensor of another graph: it cannot be saved",
            )
        value = self.top.constant(external._array, external._dtype)
        number = len(self.view.nodes) + len(self.extra_nodes)
        self.extra_nodes.append(mg.SavedObject(mg.Constant(value.node.name)))
        self._captured[key] = number, value
        return number, value

    # What is written

    def _meta_graph(self) -> mg.MetaGraph:
        infos: dict[str, mg.ConcreteFunctionInfo] = {}
        values: dict[int, list[Value]] = {}
        for one in self.concrete:
            numbers, values[id(one)] = self._bound_inputs(one)
            infos[self._copy(one).name] = mg.ConcreteFunctionInfo(
                tuple(numbers), self._input_structure(one), output_structure(one)
            )
        for key, wrapper in self.signatures.items():
            function = self._copy(wrapper)
            arguments, results = infos[function.name].input_signature, infos[function.name].output_signature
            specs = dict(zip(wrapper.arg_names, matching.flat_specs(arguments), strict=True))
            shapes = {name: None if spec is None else spec.shape for name, spec in specs.items()}
            ordered, defaults = dict(sorted(results.items())), self.signatures.defaults.get(key, {})
            self.top.signature(key, function, shapes, ordered, values[id(wrapper)], defaults)
        nodes = [self._saved_object(number) for number in range(len(self.view.nodes))] + self.extra_nodes
        self.top.finish()
        return mg.MetaGraph(
            self.top.graph,
            self.library,
            tags=("serve", *(self.options.extra_tags or ())),
            signatures=self.top.signatures,
            assets=self.top.assets,
            registered_gradients=self.gradients.rename(self.copies),
            object_graph=mg.ObjectGraph(nodes, infos),
            saver=self.top.saver,
            collections=self.top.collections,
            function_aliases=self._aliases(),
            tensorflow_version=TENSORFLOW_VERSION,
            tensorflow_git_version="calque",
            graph_version=GRAPH_VERSION,
        )

    def _input_structure(self, concrete: ConcreteFunction) -> tuple[Any, Any]:
        if concrete.info is not None or not self._is_signature(concrete):
            return input_structure(concrete)
        return (), {
            name: TensorSpecValue(value.shape, value.dtype, name)
            for name, value in zip(concrete.arg_names, concrete.function.inputs, strict=False)
        }

    def _is_signature(self, concrete: ConcreteFunction) -> bool:
        return any(concrete is one for one in self.signatures.values())

    def _aliases(self) -> dict[str, str]:
        return {
            self._copy(one).name: alias
            for alias, several in aliased(self.options.function_aliases).items()
            for one in several
            if id(one.function) in self.copies
        }

    def _copy(self, concrete: ConcreteFunction) -> IrFunction:
        return self.copies[id(concrete.function)]

    def _saved_object(self, number: int) -> mg.SavedObject:
        saved = mg.SavedObject(
            self._kind(self.view.nodes[number]),
            children=list(self.view.children[number]),
            slot_variables=list(self.view.slot_variables[number]),
        )
        if number in self.table_functions:
            first = len(self.view.nodes) + len(self.extra_nodes)
            self.extra_nodes += [
                mg.SavedObject(self._bare_function(one)) for one in self.table_functions[number]
            ]
            saved.saveable_objects = {"table": (first, first + 1)}
        return saved

    def _kind(self, node: Trackable) -> mg.Kind:
        if isinstance(node, Variable):
            state = node._state
            return mg.VariableInfo(
                state.dtype,
                state.shape,
                trainable=node.trainable,
                name=state.name,
                synchronization=int(node.synchronization),
                aggregation=int(node.aggregation),
            )
        if isinstance(node, Asset):
            return mg.Asset([a.filename for a in self.top.assets].index(self._asset_filename(node._path)))
        if isinstance(node, Function):
            names = tuple(self._copy(one).name for one in _saveable(node))
            if isinstance(node, LoadedFunction) and node.spec is not None:
                return mg.SavedFunction(names, node.spec)
            return mg.SavedFunction(names, function_spec(node.signature, node._jit_compile))
        if isinstance(node, ConcreteFunction):
            return self._bare_function(node)
        if isinstance(node, TableResource):
            return mg.Resource() if "handle" in node.__dict__ else mg.UserObject()
        if isinstance(node, LoadedObject):
            return self._loaded_kind(node)
        return mg.UserObject(node._saved_identifier)

    def _loaded_kind(self, node: LoadedObject) -> mg.Kind:
        """What an object of no known class was saved as before."""
        saved: mg.SavedObject | None = node.__dict__.get("_saved_as")
        if saved is None:
            return mg.UserObject()
        if saved.saveable_objects and not has_content(node):
            name = ".".join(self.view.names[self.view.number(node) or 0]) or "the root object"
            raise UnimplementedError(
                None,
                None,
                f"'{name}' was loaded with values that only its own save function can write "
                f"({', '.join(saved.saveable_objects)}), it cannot be saved again",
            )
        return saved.kind

    def _bare_function(self, concrete: ConcreteFunction) -> mg.BareConcreteFunction:
        if isinstance(concrete, LoadedConcreteFunction):
            return replace(concrete.bare, name=self._copy(concrete).name)
        names = tuple(concrete.arg_names)
        if self._is_signature(concrete):
            spec = mg.FunctionSpec(kwonlyargs=names, input_signature=None if names else ())
            return mg.BareConcreteFunction(self._copy(concrete).name, names, int(len(names) == 1), spec)
        spec = without_defaults(function_spec(concrete.signature))
        return mg.BareConcreteFunction(self._copy(concrete).name, names, len(names), spec)

    def write(
        self, export_dir: str, more_files: Callable[[ObjectView], Mapping[str, bytes]] | None = None
    ) -> None:
        """Write the directory, with `more_files` (see `save_with`)."""
        graph, values = checkpoint_graph(self.view)
        keys = {
            id(node._state): graph.nodes[n].attributes[0][2]
            for n, node in enumerate(self.view.nodes)
            if isinstance(node, Variable)
        }
        tables = [
            (attribute_key(self.view.paths[n], "table"), self._captured[id(node.handle)][1], node.handle)
            for n, node in enumerate(self.view.nodes)
            if n in self.table_functions and isinstance(node, (TableResource, LoadedResource))
        ]
        self.top.add_saver([keys[id(n._state)] for n in self.view.nodes if isinstance(n, Variable)], tables)
        data = encode_saved_model([self._meta_graph()])
        with new_directory(export_dir) as directory:
            with BundleWriter(os.path.join(directory, "variables", "variables")) as writer:
                for key in sorted(values):
                    writer.add(key, values[key].array, values[key].dtype)
                writer.add(OBJECT_GRAPH_KEY, encode_object_graph(graph), dtypes.string)
            with open(os.path.join(directory, "variables", "variables.index"), "rb") as file:
                fingerprint = encode_fingerprint(data, self.top.signatures, file.read())
            os.makedirs(os.path.join(directory, "assets"))
            for name, path in self.assets.items():
                shutil.copyfile(path, os.path.join(directory, "assets", name))
            more = {} if more_files is None else more_files(self.view)
            for name, content in {**more, "fingerprint.pb": fingerprint, "saved_model.pb": data}.items():
                with open(os.path.join(directory, name), "wb") as out:
                    out.write(content)


def _saveable(function: Function) -> list[ConcreteFunction]:
    """The traces of a function that a file can hold: those whose arguments it can describe and whose captures outlive
    the graph they were traced in."""
    out = []
    for one in function.concrete_functions:
        if any(isinstance(external, SymbolicTensor) for external in one.captured_externals):
            continue
        try:
            input_structure(one)
        except NotEncodable:
            continue
        out.append(one)
    return out


def _resource_of(external: Any) -> Any:
    """The shared state behind a captured variable or handle; None for a plain tensor."""
    if isinstance(external, Variable):
        return external._state
    if isinstance(external, EagerTensor) and external._dtype is dtypes.resource:
        return external._array
    return None


def _untracked(concrete: ConcreteFunction, resource: Any, inner: Value) -> UntrackedResourceError:
    what = f"variable '{resource.name}'" if isinstance(resource, VariableState) else f"resource {resource!r}"
    user = next((n for n in concrete.function.nodes if inner in n.inputs and n.location is not None), None)
    where = ""
    if user is not None and user.location is not None:
        file, line, name = user.location
        where = f" (used at {file}:{line} in {name})"
    suggestion = getattr(resource, "name", "").rpartition("/")[2].partition(":")[0] or "variable"
    attribute = suggestion if suggestion.isidentifier() and suggestion != "Variable" else "my_variable"
    return UntrackedResourceError(
        None,
        None,
        f"Tried to export a function which references an 'untracked' resource: '{concrete.signature.name}' uses the "
        f"{what}{where}, which is not reachable from root: no attribute of the saved object leads to it. Assign it to "
        f"one before saving, for example `obj.{attribute} = <the variable>`. Trackable referencing this tensor: "
        f"{what}.",
    )
