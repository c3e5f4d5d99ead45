"""Python programs whose control flow AutoGraph converts; run on calque by the tests, on TensorFlow by `make_golden.py`.

`CASES` gives each program its arguments. Every program says in its name what it shows.
"""

from __future__ import annotations

from . import calls, conditionals, loops
from .common import tf

__all__ = ["CASES", "tf"]

CASES = conditionals.CASES + loops.CASES + calls.CASES
