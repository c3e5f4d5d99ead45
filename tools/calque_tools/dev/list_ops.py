"""Writes docs/ops.md, every op with its types, gradient, meaning and limits, and the runtime's index of op families.

python -m calque_tools.dev.list_ops [--check] [--census FILE] [--corpus DIR]

The census is a table (tab-separated, with a header) of ops and the number of real models whose signatures reach each
one (columns ``op`` and ``models_signature``); the corpus is a folder with a manifest.json whose records list
``signature_ops``. Without them, what the page says of coverage stays as it is.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import json
import re
import sys
import textwrap
from importlib import import_module
from pathlib import Path

from calque_runtime import op as op_module
from calque_runtime import ops
from calque_runtime.dtypes import DType
from calque_runtime.op import Op
from calque_runtime.signature import TYPE_SETS, parse

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "ops.md"
INDEX = ROOT / "runtime" / "calque_runtime" / "ops" / "index.py"
_COVERAGE = re.compile(r"(<!-- coverage -->\n)(.*?)(<!-- end of coverage -->\n)", re.S)


def main(arguments: list[str] | None = None) -> int:
    """Write page and index, or with --check say whether they are current (exit status 1 where one is not)."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--census", type=Path)
    parser.add_argument("--corpus", type=Path)
    options = parser.parse_args(arguments)
    before = PAGE.read_text() if PAGE.exists() else ""
    found = _COVERAGE.search(before)
    coverage = found.group(2) if found else ""
    families = _by_family()
    if options.census or options.corpus:
        coverage = _coverage(options.census, options.corpus)
    written = {PAGE: _page(families, coverage), INDEX: _index(families)}
    if not options.check:
        for path, text in written.items():
            path.write_text(text)
        return 0
    stale = [path for path, text in written.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{path} is not current: run python -m calque_tools.dev.list_ops", file=sys.stderr)
    return 1 if stale else 0


def _index(families: dict[str, list[Op]]) -> str:
    lines = [
        '"""The ops that each family declares: an op is found without loading the families of others.',
        "",
        "Written by `python -m calque_tools.dev.list_ops`; a test compares it with the code. An op that is not here is",
        "looked for in every family.",
        '"""',
        "",
        '__all__ = ["FAMILY_OF"]',
        "",
        "_OPS = {",
    ]
    for family, found in families.items():
        names = textwrap.wrap(" ".join(one.name for one in found), 100)
        lines += [f'    "{family}": """', *(f"        {line}" for line in names), '    """,']
    lines += [
        "}",
        "",
        "FAMILY_OF = {name: family for family, names in _OPS.items() for name in names.split()}",
    ]
    return "\n".join(lines) + "\n"


def _page(families: dict[str, list[Op]], coverage: str) -> str:
    count = sum(len(found) for found in families.values())
    lines = [
        "# Ops",
        "",
        "Written by `python -m calque_tools.dev.list_ops`; a test compares it with the code. An op, an attribute or a",
        "type that is not here is refused by name, when a model that needs it is loaded. The limits are what of an op",
        "is refused or different where the rest of it is here; sizes over `Limits.max_bytes` are refused everywhere.",
        "",
        f"{count} ops in {len(families)} families.",
        "",
        "<!-- coverage -->",
        f"{coverage}<!-- end of coverage -->",
    ]
    for family, found in families.items():
        doc = inspect.getdoc(import_module(f"calque_runtime.ops.{family}")) or ""
        lines += [
            "",
            f"## {family}",
            "",
            _first_paragraph(doc),
            "",
            "| op | types | gradient | | limits |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [_row(one) for one in found]
    return "\n".join(lines) + "\n"


class _Recorder(dict[str, Op]):
    """A registry that notes which family's file declares each op."""

    def __init__(self) -> None:
        super().__init__()
        self.families: dict[str, str] = {}

    def __setitem__(self, name: str, one: Op) -> None:
        frame = inspect.currentframe()
        while frame is not None:
            package, _, family = frame.f_globals.get("__name__", "").rpartition(".")
            if package == ops.__name__ and family in ops.FAMILIES:
                self.families[name] = family
                break
            frame = frame.f_back
        super().__setitem__(name, one)


def _by_family() -> dict[str, list[Op]]:
    """The ops that each family's file declares. No op may have been loaded before."""
    recorder = _Recorder()
    op_module._REGISTRY = recorder
    out: dict[str, list[Op]] = {family: [] for family in sorted(ops.FAMILIES)}
    for name, one in sorted(ops.load_all().items()):
        out[recorder.families[name]].append(one)
    return out


def _row(one: Op) -> str:
    gradient = "yes" if one.gradient is not None else "no" if one.differentiable else "none by nature"
    doc = " ".join(inspect.cleandoc(one.__doc__ or "").split())
    cells = [one.name, _types(one), gradient, doc, _limits(one)]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _limits(one: Op) -> str:
    """What the op says of itself; where it has no kernel, what it gives way to."""
    if one.kernel is not None:
        return one.limits or " "
    from calque_runtime.ops.refs import CONTROL_FLOW, RESOURCE_FORM  # an op family: see _by_family

    form = RESOURCE_FORM.get(one.name)
    if one.name in CONTROL_FLOW or form in CONTROL_FLOW:
        return "raised to If or While before a graph runs"
    return f"runs as {form}" if form else "no kernel"


def _types(one: Op) -> str:
    """The types that the op's type attributes may have, sets by their names."""
    sets = {
        tuple(parse(f"X(x: T) -> () | T: type in {name}").attrs["T"].allowed or ()): name
        for name in TYPE_SETS
    }
    parts = []
    for attr in one.signature.attrs.values():
        if attr.kind in ("type", "list(type)"):
            allowed = attr.allowed
            words = (
                "any" if allowed is None else sets.get(tuple(allowed)) or ", ".join(_name(d) for d in allowed)
            )
            parts.append(f"{attr.name}: {words}")
    return "; ".join(parts) or " "


def _name(dtype: DType) -> str:
    return dtype.name


def _first_paragraph(doc: str) -> str:
    return " ".join(doc.split("\n\n")[0].split())


def _coverage(census: Path | None, corpus: Path | None) -> str:
    have = set(ops.load_all())
    lines = []
    if census is not None:
        with census.open(newline="") as file:
            rows = [row for row in csv.DictReader(file, delimiter="\t") if int(row["models_signature"]) > 0]
        missing = [(int(row["models_signature"]), row["op"]) for row in rows if row["op"] not in have]
        lines.append(
            f"Of the {len(rows)} ops that the signatures of a census of real models reach, "
            f"{len(rows) - len(missing)} are here."
        )
        if missing:
            names = ", ".join(f"{name} ({n})" for n, name in sorted(missing, key=lambda m: (-m[0], m[1])))
            lines.append(f"Not here, with the number of models that reach them: {names}.")
    if corpus is not None:
        records = json.loads((corpus / "manifest.json").read_text())
        known = [set(record["signature_ops"]) for record in records if record.get("signature_ops")]
        covered = sum(names <= have for names in known)
        share = covered / max(1, len(known))
        lines.append(
            f"Every op is here for {covered} of the {len(known)} models ({share:.0%}) of a corpus from public "
            "repositories."
        )
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
