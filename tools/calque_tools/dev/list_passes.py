"""Writes the list of passes in docs/performance.md: each with the first words of its docstring, in order.

python -m calque_tools.dev.list_passes [--check]
"""

from __future__ import annotations

import argparse
import re
import sys
from importlib import import_module
from pathlib import Path

from calque_runtime import passes

PAGE = Path(__file__).parents[3] / "docs" / "performance.md"
_LIST = re.compile(r"(<!-- passes -->\n)(.*?)(<!-- end of passes -->\n)", re.S)


def main(arguments: list[str] | None = None) -> int:
    """Write the list, or with --check say whether it is current (exit status 1 where it is not)."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(arguments).check
    before = PAGE.read_text()
    page = _LIST.sub(lambda found: found[1] + _rows() + found[3], before)
    if not check:
        PAGE.write_text(page)
    elif page != before:
        print(f"{PAGE} is not current: run python -m calque_tools.dev.list_passes", file=sys.stderr)
        return 1
    return 0


def _rows() -> str:
    lines = ["| pass | what it does |", "| --- | --- |"]
    for name in passes.PIPELINE:
        doc = import_module(f"{passes.__name__}.{name}").__doc__ or ""
        lines.append(f"| `{name}` | {' '.join(doc.split(chr(10) * 2)[0].split())} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
