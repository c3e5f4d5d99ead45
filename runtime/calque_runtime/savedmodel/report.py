"""What a model needs that is not there: ops, attributes and types of them, found without decoding a function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from calque_runtime.errors import UnimplementedError
from calque_runtime.record import record

from .metagraph import BareConcreteFunction, MetaGraph, ObjectGraph, Resource, SavedFunction, UserObject

if TYPE_CHECKING:
    from calque_runtime.wire.needs import Needs

__all__ = ["Missing", "Report", "missing"]

_SHOWN = 3  # functions that a message names


@record(frozen=True)
class Missing:
    """An op that cannot run.

    Attributes:
        op: its name.
        reason: why: there is no such op, or not with a certain attribute or type.
        nodes: how many nodes there are of it.
        functions: the functions, and parts of the top-level graph, that they are in.
        signatures: the signatures that need it.
    """

    op: str
    reason: str
    nodes: int
    functions: tuple[str, ...]
    signatures: tuple[str, ...]

    def __str__(self) -> str:
        where = ", ".join(self.functions[:_SHOWN])
        more = f" and {len(self.functions) - _SHOWN} more" if len(self.functions) > _SHOWN else ""
        return f"{self.op}: {self.reason} ({self.nodes} node{'s' * (self.nodes > 1)} in {where}{more})"


@record(frozen=True)
class Report:
    """What is missing, the ops in the order of their names.

    Attributes:
        missing: an entry for each op and reason.
        signatures: the names of all signatures.
    """

    missing: tuple[Missing, ...] = ()
    signatures: tuple[str, ...] = ()

    @property
    def usable(self) -> tuple[str, ...]:
        """The signatures that need nothing that is missing."""
        return tuple(
            name for name in self.signatures if not any(name in one.signatures for one in self.missing)
        )

    def error(self, where: str) -> UnimplementedError | None:
        """The error for a caller who wants all signatures of the model in `where`; None where nothing keeps them."""
        needed = [one for one in self.missing if one.signatures]
        if not needed:
            return None
        lines = [f"{where}: {len(needed)} op{'s' * (len(needed) > 1)} that its signatures need cannot run:"]
        lines += [f"  {one}" for one in needed]
        usable = ", ".join(map(repr, self.usable))
        rest = f"the rest ({usable})" if usable else "what does not need them"
        lines.append(
            f"load(..., partial=True) loads {rest}; calque_runtime.register_op adds an op of your own under its name"
        )
        return UnimplementedError(None, needed[0].op if len(needed) == 1 else None, "\n".join(lines))

    def __str__(self) -> str:
        return "\n".join(map(str, self.missing)) or "nothing is missing"


class _Tally:
    """What is missing so far, function by function."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, str], dict[str, int]] = {}
        self.signatures: dict[tuple[str, str], dict[str, None]] = {}

    def add(self, found: Counter[tuple[str, str]], place: str, signatures: Iterable[str]) -> None:
        for key, count in found.items():
            self.places.setdefault(key, {})[place] = count
            self.signatures.setdefault(key, {}).update(dict.fromkeys(signatures))

    def entries(self) -> tuple[Missing, ...]:
        return tuple(
            Missing(*key, sum(places.values()), tuple(places), tuple(self.signatures[key]))
            for key, places in sorted(self.places.items())
        )


def missing(meta_graph: MetaGraph, functions: bool = False) -> Report:
    """What the signatures of a meta graph need that is not there.

    Args:
        meta_graph: as a file has it.
        functions: look at what the other functions of its objects need, too.
    """
    needs = meta_graph.needs
    if needs is None:  # not from a file: whoever made it has the ops
        return Report((), tuple(meta_graph.signatures))
    tally = _Tally()
    graph = meta_graph.object_graph
    if graph is None:
        names = _graph_needs(meta_graph, needs, tally)
    else:
        roots = dict(_signature_functions(graph))
        names = tuple(roots)
        for name, callees in roots.items():
            _add(needs, tally, callees, [name])
        if functions:
            _add(needs, tally, graph.concrete_functions, [])
    return Report(tally.entries(), names)


def _add(needs: Needs, tally: _Tally, names: Iterable[str], signatures: list[str]) -> None:
    """Count what functions need, and those that they call."""
    waiting, seen = list(names), set(names)
    for name in waiting:
        need = needs.function(name)
        tally.add(need.missing, name, signatures)
        waiting.extend(one for one in need.calls if one not in seen)
        seen.update(need.calls)


def _signature_functions(graph: ObjectGraph) -> Iterator[tuple[str, list[str]]]:
    """For each signature its function, and those that make and fill the resources which these capture."""
    nodes = graph.nodes
    for node in nodes:
        if not isinstance(node.kind, UserObject) or node.kind.identifier != "signature_map":
            continue
        for name, child in node.children:
            kind = nodes[child].kind
            if not isinstance(kind, BareConcreteFunction):
                continue
            functions, seen = [kind.name], {kind.name}
            for one in functions:
                info = graph.concrete_functions.get(one)
                for bound in () if info is None else info.bound_inputs:
                    made = (
                        _resource_functions(graph, bound) if isinstance(nodes[bound].kind, Resource) else []
                    )
                    functions.extend(f for f in made if f not in seen)
                    seen.update(made)
            yield name, functions


def _resource_functions(graph: ObjectGraph, number: int) -> list[str]:
    out: list[str] = []
    for name, child in graph.nodes[number].children:
        kind = graph.nodes[child].kind
        if name in ("_create_resource", "_initialize"):
            if isinstance(kind, SavedFunction):
                out += kind.concrete_functions[:1]
            elif isinstance(kind, BareConcreteFunction):
                out.append(kind.name)
    return out


def _graph_needs(meta_graph: MetaGraph, needs: Needs, tally: _Tally) -> tuple[str, ...]:
    """Count what the signatures of a model without objects need, all of them its initializer; and their names."""
    from .tf1_graph import init_nodes, is_init_signature, tensors

    signatures = {k: v for k, v in meta_graph.signatures.items() if not is_init_signature(k)}
    parts: list[tuple[str, list[str], list[str], list[str]]] = [
        ("the initializer", init_nodes(meta_graph), [], list(signatures))
    ]
    for name, one in signatures.items():
        fetched = [tensor for info in one.outputs.values() for tensor in tensors(info)]
        fed = [tensor for info in one.inputs.values() for tensor in tensors(info)]
        parts.append((f"signature '{name}'", fetched, fed, [name]))
    for place, wanted, fed, users in parts:
        need = needs.graph(wanted, fed)
        tally.add(need.missing, place, users)
        _add(needs, tally, need.calls, users)
    return tuple(signatures)
