"""`calque opt`: the compiler at work on a signature of a SavedModel."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

import calque_runtime
from calque_runtime import passes
from calque_runtime.errors import InvalidArgumentError
from calque_runtime.ir import Function
from calque_runtime.plan.bound import compile_ordered
from calque_runtime.plan.specialize import specialize
from calque_runtime.plan.weights import derived
from calque_runtime.shapes import format_shape, is_static, merge
from calque_runtime.text import print_function
from calque_runtime.verify import verify

from .source import find_name, model_directory, tag_set

__all__ = ["opt"]


@click.command(
    epilog="""\b
Example:
  calque opt exported/model --shape x=1,224,224,3
  calque opt exported/model --signature serving_default -p fold_constants,clean_up --print-after-all"""
)
@click.argument("directory")
@click.option("--tag", metavar="TAGS", help="Which meta graph, by its tags: serve, or serve,gpu.")
@click.option("--signature", default="serving_default", show_default=True, help="Which signature.")
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="NAME=SIZES",
    help="An input's shape, such as x=1,28,28. By default sizes that the signature leaves open are 1.",
)
@click.option("-p", "--passes", "chosen", metavar="NAMES", help="Run these passes, a,b,c, instead of all.")
@click.option("--print-after-all", is_flag=True, help="Print the graph after each pass that changed it.")
@click.option("--time-passes", is_flag=True, help="Print how long each pass took, and what it left.")
@click.option(
    "--source", is_flag=True, help="Print the Python source that the plan becomes, instead of the graph."
)
@click.option("--list", "list_passes", is_flag=True, help="Print the names of the passes, in order, and end.")
def opt(
    directory: str,
    tag: str | None,
    signature: str,
    shapes: Sequence[str],
    chosen: str | None,
    print_after_all: bool,
    time_passes: bool,
    source: bool,
    list_passes: bool,
) -> None:
    """Print a signature's graph as the passes leave it for inputs of given shapes.

    DIRECTORY is what holds its saved_model.pb. Nothing of the model is run but what depends on constants alone.
    """
    if list_passes:
        click.echo("\n".join(passes.PIPELINE))
        return
    names = passes.PIPELINE if chosen is None else tuple(one for one in chosen.split(",") if one)
    unknown = [name for name in names if name not in passes.PIPELINE]
    if unknown:
        raise click.UsageError(f"there is no pass '{unknown[0]}'; there are: {', '.join(passes.PIPELINE)}")
    model = calque_runtime.load(model_directory(directory), tag_set(tag), partial=True)
    found = model.signatures[find_name(signature, model.signatures, "signature", directory)]
    concrete, env = found.concrete, found.concrete.env
    function, captures = concrete.function, concrete.captures
    first = len(function.inputs) - len(captures)
    sizes = _shapes(function, found.argument_keywords[:first], shapes)
    bound = {first + i: capture for i, capture in enumerate(captures)}
    ordered = specialize(function, [*sizes, *[None] * len(captures)], bound, env)
    rows = [("(inlined)", 0.0, True, _count(ordered))]
    if print_after_all:
        _show("inlining", ordered)
    last = time.perf_counter()

    def after(name: str, one: Function, changed: bool) -> None:
        nonlocal last
        rows.append((name, time.perf_counter() - last, changed, _count(one)))
        verify(one)
        if print_after_all and changed:
            _show(name, one)
        last = time.perf_counter()

    passes.optimize(ordered, env, after, names)
    if time_passes:
        _print_times(rows)
    elif source:
        plan = compile_ordered(ordered, {ordered.inputs[i]: capture for i, capture in bound.items()}, env)
        click.echo(plan.source)  # type: ignore[attr-defined]
    elif not print_after_all:
        weights = derived(ordered)
        if weights:
            click.echo(f"# {len(weights)} of {_count(ordered)} nodes derive from variables: computed once")
        _show(None, ordered)


def _shapes(function: Function, names: Sequence[str], given: Sequence[str]) -> list[Any]:
    """The shape of each input: what is known of it, what was asked for, and 1 for the rest.

    Raises:
        InvalidArgumentError: what was asked for does not fit the signature.
    """
    asked: dict[str, tuple[int, ...]] = {}
    for text in given:
        name, sign, sizes = text.partition("=")
        if not sign or not all(part.strip().isdecimal() for part in sizes.split(",") if part.strip()):
            raise click.UsageError(f"--shape takes NAME=SIZES, such as x=1,28,28, not '{text}'")
        asked[name] = tuple(int(part) for part in sizes.split(",") if part.strip())
    for name in asked:
        if name not in names:
            raise InvalidArgumentError(
                None, None, f"there is no input '{name}'; there are: {', '.join(names)}"
            )
    out = []
    for name, value in zip(names, function.inputs, strict=False):
        shape = value.shape
        if name in asked:
            try:
                shape = merge(shape, asked[name])
            except InvalidArgumentError:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"input '{name}' has shape {format_shape(value.shape)}, which cannot be {list(asked[name])}",
                ) from None
        out.append(
            shape if shape is None or is_static(shape) else tuple(1 if d is None else d for d in shape)
        )
    return out


def _count(function: Function) -> int:
    """The number of nodes, those inside nodes included."""
    inside = (ref.function for node in function.nodes for ref in node.calls())
    return len(function.nodes) + sum(_count(one) for one in inside if one is not None)


def _show(name: str | None, function: Function) -> None:
    if name is not None:
        click.echo(f"# after {name}")
    click.echo(print_function(function), nl=False)
    for node in function.nodes:
        for ref in node.calls():
            if ref.function is not None:
                _show(None, ref.function)
    if name is not None:
        click.echo()


def _print_times(rows: Sequence[tuple[str, float, bool, int]]) -> None:
    width = max(len(name) for name, *_ in rows)
    click.echo(f"{'pass':{width}}        ms  nodes")
    for name, seconds, changed, count in rows:
        click.echo(f"{name:{width}}  {seconds * 1e3:8.2f}  {count:5}{'' if changed else '  unchanged'}")
