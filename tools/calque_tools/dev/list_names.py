"""Writes docs/names.md: which of TensorFlow's public names calque has, and which it does not.

python -m calque_tools.dev.list_names [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import calque
from calque.absent import tensorflow_names

__all__ = ["main", "page"]

PAGE = Path(__file__).parents[3] / "docs" / "names.md"
HEAD = """# Names

Written by `python -m calque_tools.dev.list_names`; a test compares it with the code. Which public names of TensorFlow
2.21 are absent, module by module. Left out: `keras`, `lite`, `tpu`, `raw_ops` (every op of [ops.md](ops.md) is there),
`compat.v1` and `compat.v2`.

"""


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with --check say whether it is current (exit status 1 where it is not)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    wanted = page()
    if options.check:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted
        if not current:
            print(f"{PAGE} is not current: run python -m calque_tools.dev.list_names", file=sys.stderr)
        return 0 if current else 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


def page() -> str:
    """The page's text."""
    rows, here, all_ = [], 0, 0
    for space, names in tensorflow_names().items():
        module = _module(space)
        missing = [name for name in names if name not in getattr(module, "__all__", ())]
        here, all_ = here + len(names) - len(missing), all_ + len(names)
        title = f"`tf.{space}`".replace("tf.`", "tf`")
        listed = "all of it" if len(missing) == len(names) else " ".join(missing)
        rows.append(f"| {title} | {len(names) - len(missing)} of {len(names)} | {listed} |")
    table = ["| module | there | absent |", "| --- | --- | --- |", *rows]
    return f"{HEAD}{here} of {all_} names are there.\n\n" + "\n".join(table) + "\n"


def _module(space: str) -> Any:
    found: Any = calque
    for part in space.split(".") if space else ():
        found = getattr(found, part, None)
    return found


if __name__ == "__main__":
    sys.exit(main())
