"""`calque dump`: the messages in a SavedModel as text or JSON."""

from __future__ import annotations

from typing import Any

import click

from calque_runtime.errors import InvalidArgumentError, NotFoundError, OpError, UnimplementedError
from calque_runtime.text import print_function
from calque_runtime.wire import elide, schema

from .printing import printable
from .source import find_name, model_directory, read_meta_graph, read_proto, tag_set

__all__ = ["dump"]


@click.command(
    epilog="""\b
Example:
  calque dump exported/model --function __call__
  calque dump exported/model --signature serving_default --json"""
)
@click.argument("directory")
@click.option("--tag", metavar="TAGS", help="Which meta graph, by its tags: serve, or serve,gpu.")
@click.option("--function", metavar="NAME", help="One function of the library, by its name or a part of it.")
@click.option("--node", metavar="NAME", help="One node of the top-level graph, or function/node.")
@click.option("--signature", metavar="NAME", help="One signature.")
@click.option("--object-graph", is_flag=True, help="The graph of saved objects.")
@click.option("--ir", is_flag=True, help="Functions in calque's own text form, all or the one named.")
@click.option("--full", is_flag=True, help="Large tensors with all their values.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of protobuf's text format.")
def dump(
    directory: str,
    tag: str | None,
    function: str | None,
    node: str | None,
    signature: str | None,
    object_graph: bool,
    ir: bool,
    full: bool,
    as_json: bool,
) -> None:
    """Print a SavedModel, or a part of it, as text.

    DIRECTORY is what holds its saved_model.pb. Values of large tensors give way to a note of their size.
    """
    parts = {"--signature": signature is not None, "--object-graph": object_graph}
    parts["--function"] = function is not None and node is None
    parts["--node"] = node is not None
    chosen = [name for name, given in parts.items() if given]
    if len(chosen) > 1:
        raise click.UsageError(f"{chosen[0]} and {chosen[1]} exclude each other.")
    if ir and (as_json or chosen not in ([], ["--function"])):
        raise click.UsageError("--ir goes with --function, or alone.")
    directory = model_directory(directory)
    tags = tag_set(tag)
    if ir:
        _print_functions(directory, tags, function, full)
        return
    if tag is None and not chosen:
        message = read_proto(directory, whole=True)
    else:
        meta_graph = read_proto(directory, tags)
        message = _part(meta_graph, directory, function, node, signature, object_graph)
    if not full:
        elide.elide(message)
    click.echo(elide.to_json(message) if as_json else schema.to_text(message).rstrip("\n"))


def _part(
    meta_graph: Any,
    directory: str,
    function: str | None,
    node: str | None,
    signature: str | None,
    object_graph: bool,
) -> Any:
    if signature is not None:
        return meta_graph.signature_def[
            find_name(signature, sorted(meta_graph.signature_def), "signature", directory)
        ]
    if object_graph:
        if not meta_graph.HasField("object_graph_def"):
            raise NotFoundError(
                None, None, f"{directory} has no object graph: it is a graph as TensorFlow 1 saved it"
            )
        return meta_graph.object_graph_def
    functions = {one.signature.name: one for one in meta_graph.graph_def.library.function}
    if function is not None:
        found = functions[find_name(function, functions, "function", directory)]
        return found if node is None else _node(found.node_def, node, f"{directory}, function {function}")
    return meta_graph if node is None else _any_node(meta_graph.graph_def, functions, node, directory)


def _any_node(graph_def: Any, functions: dict[str, Any], name: str, directory: str) -> Any:
    """A node of the top-level graph, or ``function/node``; either part may have slashes in it."""
    top = {one.name: one for one in graph_def.node}
    if name in top:
        return top[name]
    function = ""
    for i in (i for i, character in enumerate(name) if character == "/"):
        try:
            function = find_name(name[:i], functions, "function", directory)
        except (NotFoundError, InvalidArgumentError):
            continue
        inner = {one.name: one for one in functions[function].node_def}
        if name[i + 1 :] in inner:
            return inner[name[i + 1 :]]
    if function:
        return _node(
            functions[function].node_def, name.rpartition("/")[2], f"{directory}, function {function}"
        )
    return top[find_name(name, top, "node", f"{directory}, its top-level graph")]


def _node(nodes: Any, name: str, where: str) -> Any:
    by_name = {one.name: one for one in nodes}
    return by_name[find_name(name, by_name, "node", where)]


def _print_functions(directory: str, tags: set[str] | None, name: str | None, full: bool) -> None:
    library = read_meta_graph(directory, tags).library
    if name is not None:
        found = library[find_name(name, library, "function", directory)]
        click.echo(print_function(found, full), nl=False)
        return
    failed = 0
    for i, one in enumerate(library):
        if i:
            click.echo()
        try:
            click.echo(print_function(library[one], full), nl=False)
        except OpError as error:
            failed += 1
            click.echo("# " + printable(error.message))
    if failed:
        raise UnimplementedError(
            None,
            None,
            f"{directory}: {failed} of {len(library)} functions have no text form; lines with # say why",
        )
