"""Short programs run under calque and under TensorFlow: what each gives, as text.

A probe is source code whose last expression is its outcome. `outcome` runs one with `tf` and `np` at hand and says
what came of it; `tracer/golden/make_probes.py` writes down what TensorFlow says, and the tests ask calque for the same.
"""

from __future__ import annotations

import ast
import json
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

TRACER = Path(__file__).parents[1] / "tracer"
SUBJECTS = tuple(sorted(path.stem for path in (TRACER / "probes").glob("*.txt")))


@cache
def probes(subject: str) -> dict[str, str]:
    """The probes on a subject: name to code."""
    return split((TRACER / "probes" / f"{subject}.txt").read_text(encoding="utf-8"))


@cache
def golden(subject: str) -> dict[str, str]:
    """What TensorFlow makes of them."""
    file = TRACER / "golden" / "probes.json"
    return json.loads(file.read_text(encoding="utf-8"))[subject]  # type: ignore[no-any-return]


def split(text: str) -> dict[str, str]:
    """The probes in `text`: a line each, or blocks of lines set off by a line ``---`` (first one is the name)."""
    found: dict[str, str] = {}
    blocks = text.strip("\n").split("\n---\n")
    for line in blocks[0].splitlines():
        if line.strip() and not line.startswith("#"):
            assert line not in found, f"twice: {line}"
            found[line] = line
    for block in blocks[1:]:
        name, _, code = block.partition("\n")
        assert name.startswith("# "), block
        assert name[2:] not in found, f"twice: {name}"
        found[name[2:]] = code
    return found


def outcome(code: str, tf: Any) -> str:
    """What `code` evaluates to, or the class of what it raises."""
    tree = ast.parse(code)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr), code
    names: dict[str, Any] = {
        "tf": tf,
        "np": np,
        "raised": raised,
        "printed": partial(printed, tf),
        "ways": partial(ways, tf),
    }
    with np.errstate(all="ignore"):
        try:
            exec(compile(tree, "<probe>", "exec", dont_inherit=True), names)
            return told(
                eval(compile(ast.Expression(last.value), "<probe>", "eval", dont_inherit=True), names), tf
            )
        except Exception as e:
            return f"raises {error_class(e)}"


def raised(call: Any, *args: Any, **kwargs: Any) -> str:
    """The class of what a call raises; "nothing" where it does not."""
    try:
        call(*args, **kwargs)
    except Exception as e:
        return error_class(e)
    return "nothing"


def printed(tf: Any, *args: Any, **kwargs: Any) -> str:
    """What `tf.print` writes, in a function and outside: it has to be the same."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "printed"

        def show() -> None:
            tf.print(*args, output_stream=f"file://{file}", **kwargs)

        show()
        eager = file.read_text(encoding="utf-8")
        file.unlink()
        tf.function(show)()
        assert file.read_text(encoding="utf-8") == eager
    return eager


def ways(tf: Any, call: Any, *args: Any) -> str:
    """What a call gives eagerly, in a function, and in a function of arguments of unknown shape; once if all agree."""
    tensors = [tf.convert_to_tensor(a) for a in args]
    loose = [tf.TensorSpec(None, t.dtype) for t in tensors]
    found = {}
    for way, run in (
        ("eager", call),
        ("function", tf.function(call, autograph=False)),
        ("unknown", tf.function(call, autograph=False, input_signature=loose)),
    ):
        try:
            found[way] = told(run(*tensors), tf)
        except Exception as e:
            found[way] = f"raises {error_class(e)}"
    return found["eager"] if len(set(found.values())) == 1 else told(found, tf)


def error_class(error: Exception) -> str:
    """The class of an error, as TensorFlow calls it: it has no name of its own for a tensor out of its graph."""
    return type(error).__name__.replace("InaccessibleTensorError", "TypeError")


def told(value: Any, tf: Any) -> str:
    """A value as text that is the same whoever made it."""
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray):
        return f"array {value.dtype} {value.shape} {value.tolist()}"
    if isinstance(value, np.generic):
        return f"{value.dtype.name} {value.item() if value.dtype.kind != 'V' else float(value)!r}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {told(v, tf)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        name = "" if type(value) in (list, tuple) else type(value).__name__
        inside = ", ".join(told(v, tf) for v in value)
        return name + (f"[{inside}]" if isinstance(value, list) else f"({inside})")
    if isinstance(value, type):
        return value.__name__
    return repr(value)
