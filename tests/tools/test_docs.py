"""The examples in docs/cli.md are what the command prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
EXAMPLES = re.findall(
    r"^```console\n\$ calque (.*)\n([^`]*)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
)


def plain(text: str) -> str:
    """Without sizes and serial numbers, which change with the writer's version, and without alignment."""
    return " ".join(re.sub(r"\d[\d,.]*", "0", text).split())


def test_there_are_examples() -> None:
    assert {example[0].split()[0] for example in EXAMPLES} == {"show", "dump", "ckpt", "opt"}


@pytest.mark.parametrize(("command", "expected"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_example(
    run: Callable[..., Any], golden: Path, monkeypatch: pytest.MonkeyPatch, command: str, expected: str
) -> None:
    monkeypatch.chdir(golden)
    result = run(*command.split())
    printed = plain(result.stdout + result.stderr)
    # A line of three dots stands for lines that are left out.
    parts = [plain(part) for part in re.split(r"^ *\.\.\.\n", expected, flags=re.MULTILINE)]
    assert re.fullmatch(".*".join(map(re.escape, parts)), printed) or [printed] == parts, printed
