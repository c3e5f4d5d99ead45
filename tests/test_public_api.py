"""``__all__`` is what a module offers: sorted, existing and complete."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def public_modules() -> list[str]:
    """Modules that define ``__all__`` and have no private part in their name."""
    names = []
    for package in (ROOT / "runtime/calque_runtime", ROOT / "tracer/calque", ROOT / "tools/calque_tools"):
        for path in sorted(package.rglob("*.py")):
            parts = path.relative_to(package.parent).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if not any(part.startswith("_") for part in parts) and _defines_all(path):
                names.append(".".join(parts))
    return names


def _defines_all(path: Path) -> bool:
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    targets = [target for node in statements if isinstance(node, ast.Assign) for target in node.targets]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


@pytest.mark.parametrize("name", public_modules())
def test_all_is_sorted_unique_and_exists(name: str) -> None:
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(set(module.__all__))
    assert [entry for entry in module.__all__ if not hasattr(module, entry)] == []


@pytest.mark.parametrize("name", public_modules())
def test_all_is_complete(name: str) -> None:
    module = importlib.import_module(name)
    defined = {
        entry
        for entry, value in vars(module).items()
        if not entry.startswith("_")
        and (inspect.isclass(value) or inspect.isroutine(value))
        and value.__module__ == name
        and value.__qualname__
        == entry  # a method bound under a module's name, as an alias, is not defined here
    }
    assert defined - set(module.__all__) == set()
