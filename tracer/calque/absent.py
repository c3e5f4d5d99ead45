"""What is said of a name that a public module does not have: whether TensorFlow has it, and which names are near.

Of modules that the list of TensorFlow's names leaves out, such as `keras`, it says only the latter.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NoReturn

__all__ = ["explain_absent_names", "refusal", "tensorflow_names"]

_FILE = Path(__file__).with_name("tensorflow_names.txt")


@cache
def tensorflow_names() -> dict[str, tuple[str, ...]]:
    """The public names of TensorFlow's modules, by the module's path without ``tf.``; "" is ``tf`` itself."""
    found = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        space, _, names = line.partition(": ")
        found["" if space == "tf" else space] = tuple(names.split())
    return found


def explain_absent_names(package: ModuleType) -> Callable[[str], NoReturn]:
    """Let the public modules of `package` that stand for TensorFlow's say more of names that they do not have.

    Returns:
        What does that for `package` itself, for its own ``__getattr__``.
    """
    for name in package.__all__:
        _explain(vars(package).get(name), package.__name__, name, 1)
    return refusal("", package)


def _explain(module: object, package: str, space: str, depth: int) -> None:
    if not isinstance(module, ModuleType) or module.__name__.partition(".")[0] != package or depth > 2:
        return
    if "__getattr__" not in vars(module):
        module.__getattr__ = refusal(space, module)  # type: ignore[method-assign]
    for name in getattr(module, "__all__", ()):
        _explain(vars(module).get(name), package, f"{space}.{name}", depth + 1)


def refusal(space: str, module: ModuleType) -> Callable[[str], NoReturn]:
    """What a module's ``__getattr__`` does with a name that it does not have.

    Args:
        space: the module's path without ``tf.``.
        module: the module.
    """

    def refuse(name: str) -> NoReturn:
        full = f"{module.__name__.partition('.')[0]}.{space}".rstrip(".")
        if name.startswith("__"):
            raise AttributeError(f"module '{full}' has no attribute '{name}'")
        theirs = f"tf.{space}".rstrip(".")
        listed = tensorflow_names().get(space)
        if listed is None:
            reason = ""
        elif name in listed:
            reason = f" (yet): TensorFlow has {theirs}.{name}"
        else:
            reason = f", and neither has TensorFlow's {theirs}"
        near = difflib.get_close_matches(name, getattr(module, "__all__", ()), n=3)
        advice = f" Did you mean {' or '.join(near)}?" if near else ""
        raise AttributeError(f"{full} has no '{name}'{reason}.{advice}")

    return refuse
