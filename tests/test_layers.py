"""Imports point one way (runtime <- tracer <- tools), the runtime needs nothing else, and files stay short."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "runtime": ROOT / "runtime" / "calque_runtime",
    "tracer": ROOT / "tracer" / "calque",
    "tools": ROOT / "tools" / "calque_tools",
}
LIBRARIES = Path(np.__file__).parents[1]  # the directory numpy is installed in, and its neighbors with it
RUNTIME_NEEDS = {"numpy", "google", "ml_dtypes", "google_crc32c"}
LONGEST_FILE = 600

# Run first in the isolated interpreter: whatever is neither the standard library nor the runtime with what it
# declares to need does not exist there, wherever it may be installed.
ONLY_THE_RUNTIME = f"""
import sys
sys.path += {[str(ROOT / "runtime"), str(LIBRARIES)]!r}
class Refuse:
    known = sys.stdlib_module_names | {RUNTIME_NEEDS | {"calque_runtime"}!r}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.known:
            raise ModuleNotFoundError("not installed where the runtime is alone: " + name, name=name)
sys.meta_path.insert(0, Refuse())
"""


def run_isolated(code: str, *arguments: str) -> str:
    """Runs code where only the runtime and the libraries it needs can be imported; returns what it prints."""
    return _python("-I", "-S", "-W", "error", "-c", ONLY_THE_RUNTIME + code, *arguments)


def _python(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "name", ["calque", "calque_tools", "tensorflow", "networkx", "click", "rich", "grpc", "malt"]
)
def test_isolation_isolates(name: str) -> None:
    code = f"try:\n    import {name}\nexcept ModuleNotFoundError as error:\n    print(error)"
    assert run_isolated(code) == f"not installed where the runtime is alone: {name}\n"


def test_the_runtime_can_be_imported_alone() -> None:
    modules = sorted(name for name, _ in _modules("runtime"))
    run_isolated("import importlib\n" + "".join(f"importlib.import_module({name!r})\n" for name in modules))


def test_importing_the_runtime_imports_nothing_heavy() -> None:
    code = "import calque_runtime, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    path = os.pathsep.join([*(str(package.parent) for package in PACKAGES.values()), str(LIBRARIES)])
    loaded = set(_python("-c", code, PYTHONPATH=path).split())
    assert "calque_runtime" in loaded
    assert loaded.isdisjoint(
        {"networkx", "click", "rich", "grpc", "malt", "calque", "calque_tools", "tensorflow"}
    )


def test_only_wire_imports_protobuf() -> None:
    wire = PACKAGES["runtime"] / "wire"
    compiler = PACKAGES["tools"] / "dev" / "compile_schema.py"  # makes the schema that wire reads
    importers = {
        path.relative_to(ROOT).as_posix()
        for layer in PACKAGES
        for _, path in _modules(layer)
        if wire not in path.parents
        and path != compiler
        and any(name.startswith("google.protobuf") for name in _imports(path))
    }
    assert importers == set()
    assert any("google.protobuf" in name for path in wire.glob("*.py") for name in _imports(path))


@pytest.mark.parametrize(
    ("layer", "above"),
    [("runtime", {"calque", "calque_tools"}), ("tracer", {"calque_tools"}), ("tools", {"tests"})],
)
def test_imports_point_down(layer: str, above: set[str]) -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for _, path in _modules(layer)
        for name in _imports(path)
        if name.partition(".")[0] in above | {"tensorflow"}
    }
    assert wrong == set()


def test_modules_of_the_runtime_need_only_what_it_declares() -> None:
    allowed = RUNTIME_NEEDS | {"calque_runtime"} | sys.stdlib_module_names
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for _, path in _modules("runtime")
        for name in _imports(path, whole=False)
        if name.partition(".")[0] not in allowed
    }
    assert wrong == set()


def test_no_file_is_too_long() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("runtime", "tracer", "tools", "tests", "benchmarks", "examples")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert "tests/test_layers.py" in lengths
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def _modules(layer: str) -> Iterator[tuple[str, Path]]:
    """The modules of a package by name and file; ``__main__`` is run, not imported."""
    package = PACKAGES[layer]
    paths = [path for path in sorted(package.rglob("*.py")) if path.name != "__main__.py"]
    assert paths, f"no Python files in {package}"
    for path in paths:
        parts = path.relative_to(package.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _imports(path: Path, whole: bool = True) -> Iterator[str]:
    """What a file imports, absolutely: anywhere in it, or (``whole`` false) when the file itself is imported."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif whole or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))
