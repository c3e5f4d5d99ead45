"""RE2's regular expressions by means of Python's: `compile_re2` translates a pattern, or refuses it.

RE2 (the syntax is described at https://github.com/google/re2/wiki/Syntax) reads text as UTF-8 and has ASCII classes
(``\\d``, ``\\w``, ``\\s``, ``\\b``). Python's patterns work on str, into which bytes that are no UTF-8 go as lone surrogates;
those match nothing here, as in RE2. What Python's syntax has and RE2's has not (look-around, back-references, possessive
repetition) is an error with RE2's own words; what RE2 has and Python has not (``\\C``, scripts) is refused.

RE2 takes time linear in the text. Python's matcher backtracks, so a pattern made for the purpose can take very long.
"""

from __future__ import annotations

import re
import string
import sys
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from ..errors import InvalidArgumentError, OpError, UnimplementedError

__all__ = ["compile_re2"]

Ranges = list[tuple[int, int]]

_MAX_REPEAT = 1000
_SURROGATES = (0xD800, 0xDFFF)
_LAST = 0x10FFFF
_SIMPLE_ESCAPES = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_WORD = "0-9A-Za-z_"
_BOUNDARY = f"(?:(?<![{_WORD}])(?=[{_WORD}])|(?<=[{_WORD}])(?![{_WORD}]))"


def _chars(text: str) -> Ranges:
    return _normal([(ord(c), ord(c)) for c in text])


_PERL = {"d": _ := [(48, 57)], "s": [(9, 10), (12, 13), (32, 32)], "w": [(48, 57), (65, 90), (95, 95), (97, 122)]}
