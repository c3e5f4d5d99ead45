"""`calque show`: what a SavedModel offers and is made of."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import click

from .facts import INIT_SIGNATURES, Facts, gather
from .printing import Page, amount, count, size
from .signatures import tensor_text
from .source import model_directory, tag_set

__all__ = ["show"]

_MAX_LINES = 40  # of a section, unless all is asked for

_HOLDERS = frozenset({"variable", "constant", "asset", "resource"})
_NAME, _TYPE, _NOTE = "cyan", "green", "dim"


@click.command(
    epilog="""\b
Example:
  calque show exported/model
  calque show exported/model --json | jq '.signatures[].name'"""
)
@click.argument("directory")
@click.option("--tag", metavar="TAGS", help="Which meta graph, by its tags: serve, or serve,gpu.")
@click.option("--all", "everything", is_flag=True, help="Leave nothing out of long sections.")
@click.option("--json", "as_json", is_flag=True, help="The same facts as JSON.")
def show(directory: str, tag: str | None, everything: bool, as_json: bool) -> None:
    """Show the signatures, functions, variables, assets and ops of a SavedModel.

    DIRECTORY is what holds its saved_model.pb. Nothing in it is run.
    """
    facts = gather(model_directory(directory), tag_set(tag))
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    page = Page()
    limit = None if everything else _MAX_LINES
    _header(page, facts)
    _signatures(page, facts)
    _functions(page, facts, limit)
    _variables(page, facts, limit)
    _assets(page, facts)
    _ops(page, facts)


def _header(page: Page, facts: Facts) -> None:
    page.line(facts["directory"], "bold")
    version = facts["tensorflow_version"]
    git = facts["tensorflow_git_version"]
    graph = f"{facts['graph_version']}, for readers from {facts['graph_min_consumer']} on"
    rows = [
        ("tags", ", ".join(facts["tags"]) or "none"),
        ("written by", f"TensorFlow {version}" if version else "not said"),
        ("", git if git not in ("", "unknown", version) else ""),
        ("graph version", graph if facts["graph_version"] else "not said"),
        (facts["file"], f"{amount(facts['file_bytes'])} bytes"),
    ]
    if not facts["has_object_graph"]:
        rows.append(("objects", "none: a graph as TensorFlow 1 saved it"))
    page.table([row for row in rows if row[1]], styles=(_NOTE,))


def _signatures(page: Page, facts: Facts) -> None:
    signatures = [one for one in facts["signatures"] if one["name"] not in INIT_SIGNATURES]
    page.heading("Signatures", "" if signatures else "none")
    for one in signatures:
        page.table([(one["name"], one["method"])], styles=(_NAME, _NOTE))
        rows = []
        for kind in ("inputs", "outputs"):
            for tensor in one[kind]:
                default = " with a default" if tensor["name"] in one["defaults"] and kind == "inputs" else ""
                name = f"{'in ' if kind == 'inputs' else 'out'} {tensor['name']}"
                rows.append((name, _type(tensor) + default, ", ".join(tensor["tensors"])))
        page.table(rows, indent=4, styles=("", _TYPE, _NOTE))


def _type(fact: Facts) -> str:
    shape = fact["shape"]
    return tensor_text(fact["dtype"], None if shape is None else tuple(shape))


def _functions(page: Page, facts: Facts, limit: int | None) -> None:
    if not facts["has_object_graph"]:
        return
    lines = [(one["path"], line) for one in facts["functions"] for line in _calls(one)]
    page.heading("Functions", "" if lines else "none that can be called")
    for path, line in lines[:limit]:
        page.line(line, indent=2, lead=(path, _NAME))
    _more(page, len(lines), limit, "lines")
    idle = [one for one in facts["functions"] if not one["concrete_functions"]]
    if idle and limit is not None:
        were = "were" if len(idle) > 1 else "was"
        page.line(f"{count(len(idle), 'function')} {were} never called: --all lists them", _NOTE, indent=2)
    elif idle:
        page.heading("Functions that were never called", "they have no concrete functions")
        for one in idle:
            page.line(f"({one['declaration']})", indent=2, lead=(one["path"], _NAME))


def _calls(function: Facts) -> Iterator[str]:
    """The ways to call a function; those that only differ in what they do inside are one line."""
    texts = Counter(_call(function, concrete) for concrete in function["concrete_functions"])
    for text, times in texts.items():
        yield text + (f"  ({times} times)" if times > 1 else "")


def _call(function: Facts, concrete: Facts) -> str:
    if concrete["arguments"] is None:
        return f"({function['declaration']})  with no description of {concrete['name']}"
    taken = ", ".join(one["name"] + one["takes"] for one in concrete["arguments"])
    return f"({taken}) -> {concrete['result']}"


def _variables(page: Page, facts: Facts, limit: int | None) -> None:
    sums = facts["totals"]
    note = "no variables"
    if sums["variables"]:
        note = (
            f"{count(sums['variables'], 'variable')}, {count(sums['parameters'], 'parameter')}"
            f" ({amount(sums['trainable_parameters'])} trainable), {size(sums['bytes'])}"
        )
    if facts["has_object_graph"]:
        page.heading("Objects", note)
        rows = list(_tree(facts))
    else:
        page.heading("Variables", note)
        rows = [(one["path"], *_variable_cells(one)) for one in facts["variables"]]
    page.table(rows[:limit], align="llrl", styles=("", _TYPE, "", _NOTE))
    _more(page, len(rows), limit, "objects" if facts["has_object_graph"] else "variables")
    if facts["checkpoint_error"]:
        page.line(f"The checkpoint does not fit: {facts['checkpoint_error']}", "red", indent=2)


def _variable_cells(fact: Facts) -> tuple[str, str, str]:
    return _type(fact), size(fact["bytes"]), "trainable" if fact["trainable"] else ""


def _tree(facts: Facts) -> Iterator[tuple[str, ...]]:
    """Rows of the object tree: what holds values (variables, constants, files, tables), and what leads there."""
    by_path = {one["path"]: one for one in facts["objects"]}
    variables = {one["path"]: one for one in facts["variables"]}
    below: dict[str | None, list[Facts]] = {}
    wanted: set[str] = set()
    for one in facts["objects"]:
        if one["kind"] in _HOLDERS and not _is_capture(one):
            fact: Facts | None = one
            while fact is not None and fact["path"] not in wanted:
                wanted.add(fact["path"])
                below.setdefault(fact["parent"], []).append(fact)
                fact = by_path.get(fact["parent"])
    waiting = [(one, 0) for one in reversed(below.get(None, []))]
    while waiting:
        one, depth = waiting.pop()
        if one["path"]:
            yield "  " * (depth - 1) + one["name"], *_cells(one, variables)
        inner = sorted(below.get(one["path"], []), key=lambda fact: _order(fact["name"]))
        waiting += [(child, depth + 1) for child in reversed(inner)]


def _is_capture(fact: Facts) -> bool:
    """A constant that a function took from around it, and nobody gave a name."""
    return fact["kind"] == "constant" and str(fact["name"]).startswith(("capture_", "#"))


def _cells(fact: Facts, variables: dict[str, Facts]) -> tuple[str, str, str]:
    if fact["path"] in variables:
        return _variable_cells(variables[fact["path"]])
    if fact["kind"] == "constant":
        return _type(fact), "", "constant"
    if fact["kind"] == "asset":
        return f"asset {fact['filename'] or 'that is missing'}", "", ""
    return fact["kind"], "", ""


def _order(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (-1, name)


def _assets(page: Page, facts: Facts) -> None:
    if facts["assets"]:
        page.heading("Assets")
        rows = []
        for one in facts["assets"]:
            rows.append((one["filename"], "missing" if one["bytes"] is None else size(one["bytes"])))
        page.table(rows, align="lr", styles=(_NAME,))


def _ops(page: Page, facts: Facts) -> None:
    reachable, file = facts["ops"]["reachable"], facts["ops"]["file"]
    page.heading(
        "Ops",
        f"{count(sum(reachable.values()), 'node')} reachable, {amount(sum(file.values()))} in the file "
        f"with {count(facts['library_functions'], 'function')}",
    )
    page.line(
        ", ".join(f"{name}({number})" for name, number in reachable.items()) or "none reachable", indent=2
    )
    missing = facts["missing"]
    named = {one["op"] for one in missing}
    idle = [name for name in facts["unknown_ops"] if name not in named]
    if not missing and not idle:
        page.line("calque has all of them.", _NOTE, indent=2)
        return
    page.heading("Ops that cannot run")
    for one in missing:
        users = ", ".join(one["signatures"][:3]) + (", ..." if len(one["signatures"]) > 3 else "")
        note = f"  for signature {users}" if one["signatures"] else "  for no signature"
        page.line(one["text"].removeprefix(one["op"]) + note, indent=2, lead=(one["op"], "yellow"))
    if idle:
        page.line("  for no signature or function", _NOTE, indent=2, lead=(", ".join(idle), ""))


def _more(page: Page, length: int, limit: int | None, what: str) -> None:
    if limit is not None and length > limit:
        page.line(f"... {amount(length - limit)} more {what}: --all shows them", _NOTE, indent=2)
