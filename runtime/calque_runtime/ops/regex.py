"""Regular expressions over strings; `re2` translates the patterns."""

from __future__ import annotations

import re

import numpy as np

from ..errors import OpError
from ..op import Array, Kernel, Op, Site, op, registered
from .common import same_shape
from .string import each

__all__: list[str] = []


def _compiled(s: Site, pattern: bytes) -> re.Pattern[str]:
    from .re2 import compile_re2

    try:
        return compile_re2(pattern)
    except OpError as e:
        raise s.error(e.message, type(e)) from None


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _scalar(s: Site, what: str, value: Array) -> bytes:
    array = np.asarray(value, object)
    if array.ndim:
        raise s.error(f"{what} must be scalar, but received {list(array.shape)}")
    return array.item()  # type: ignore[no-any-return]


class _Rewrite:
    r"""A replacement in RE2's notation: ``\0`` to ``\9`` are groups, ``\\`` a backslash."""

    def __init__(self, rewrite: bytes) -> None:
        self.parts: list[str | int] = []
        self.last_group = 0
        self.valid = True
        for plain, escaped in re.findall(r"([^\\]+)|\\(.?)", _text(rewrite), re.S):
            if not plain and escaped.isdigit() and escaped.isascii():
                self.last_group = max(self.last_group, int(escaped))
            # RE2 writes what comes before a wrong escape, and nothing after it.
            right = bool(plain) or escaped == "\\" or (escaped.isdigit() and escaped.isascii())
            self.valid = self.valid and right
            if self.valid:
                self.parts.append(plain or (escaped if escaped == "\\" else int(escaped)))

    def apply(self, match: re.Match[str]) -> str:
        return "".join(p if isinstance(p, str) else match[p] or "" for p in self.parts)


def _replace(pattern: re.Pattern[str], rewrite: _Rewrite, every: bool, value: bytes) -> bytes:
    """RE2's GlobalReplace or Replace: an empty match right behind a match counts for nothing."""
    if rewrite.last_group > pattern.groups or not (every or rewrite.valid):
        return value
    text, out, at, last_end = _text(value), [], 0, -1
    while at <= len(text):
        match = pattern.search(text, at)
        if match is None:
            break
        out.append(text[at : match.start()])
        at = match.end()
        if match.start() == match.end() == last_end:
            out.append(text[at : at + 1])
            at += 1
            continue
        out.append(rewrite.apply(match))
        last_end = at
        if not every:
            break
    out.append(text[at:])
    return _bytes("".join(out))


@op(
    "RegexReplace(input: string, pattern: string, rewrite: string) -> (output: string) | replace_global: bool=true"
)
def regex_replace(s: Site) -> Kernel:
    """The strings with the matches (or the first one) of `pattern` replaced by `rewrite`."""
    every = s["replace_global"]

    def run(x: Array, pattern: Array, rewrite: Array) -> Array:
        compiled = _compiled(s, _scalar(s, "Pattern", pattern))
        to = _Rewrite(_scalar(s, "Rewrite", rewrite))
        return each(x, lambda v: _replace(compiled, to, every, v))

    return run


@op(
    "StaticRegexReplace(input: string) -> (output: string) | pattern: string; rewrite: string; "
    "replace_global: bool=true"
)
def static_regex_replace(s: Site) -> Kernel:
    """The strings with the matches (or the first one) of `pattern` replaced by `rewrite`."""
    compiled, to, every = _compiled(s, s["pattern"]), _Rewrite(s["rewrite"]), s["replace_global"]
    return lambda x: each(x, lambda v: _replace(compiled, to, every, v))


def _matches(compiled: re.Pattern[str], x: Array) -> Array:
    return each(x, lambda v: compiled.fullmatch(_text(v)) is not None, np.bool_)


@op("RegexFullMatch(input: string, pattern: string) -> (output: bool)")
def regex_full_match(s: Site) -> Kernel:
    """Does the pattern match the whole string?"""
    return lambda x, pattern: _matches(_compiled(s, _scalar(s, "Pattern", pattern)), x)


@op("StaticRegexFullMatch(input: string) -> (output: bool) | pattern: string")
def static_regex_full_match(s: Site) -> Kernel:
    """Does the pattern match the whole string?"""
    compiled = _compiled(s, s["pattern"])
    return lambda x: _matches(compiled, x)


_ALL: tuple[Op, ...] = (regex_replace, static_regex_replace, regex_full_match, static_regex_full_match)
for _one in _ALL:
    _one.shape_rule = same_shape
    _one.not_differentiable()

# What docs/ops.md says of limits.
for _names, _words in (
    (
        "RegexReplace RegexFullMatch StaticRegexReplace StaticRegexFullMatch",
        (
            "RE2's syntax, run by Python's re; refused: \\C, Unicode classes of scripts, captures in a "
            "repeated group that can match nothing"
        ),
    ),
):
    for _name in _names.split():
        registered()[_name].limited(_words)
