r"""RE2's regular expressions by means of Python's: `compile_re2` translates a pattern, or refuses it.

RE2 (its syntax: https://github.com/google/re2/wiki/Syntax) reads text as UTF-8 and has ASCII classes (``\d``, ``\w``,
``\s``, ``\b``). Python's patterns work on str, into which bytes that are no UTF-8 go as lone surrogates; those match
nothing here, as in RE2. What Python's syntax has and RE2's has not (look-around, back-references, possessive
repetition) is an error in RE2's own words; what RE2 has and Python has not (``\C``, scripts) is refused.

RE2 takes time linear in the text. Python's matcher backtracks: a pattern made for the purpose can take very long.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import lru_cache

from ..errors import InvalidArgumentError, UnimplementedError
from ..record import record, replace

__all__ = ["compile_re2"]

Ranges = list[tuple[int, int]]

_MAX_REPEAT = 1000
_LAST = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)  # they stand for bytes that are no UTF-8
_TURKISH_RANGES: Ranges = [(0x130, 0x131)]
_TURKISH = "\u0130\u0131"
_CONTROL = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_WORD = "0-9A-Za-z_"
_BOUNDARY = f"(?:(?<![{_WORD}])(?=[{_WORD}])|(?<=[{_WORD}])(?![{_WORD}]))"
_NOT_BOUNDARY = f"(?:(?<![{_WORD}])(?![{_WORD}])|(?<=[{_WORD}])(?=[{_WORD}]))"

_DIGIT: Ranges = [(48, 57)]
_UPPER: Ranges = [(65, 90)]
_LOWER: Ranges = [(97, 122)]
_PUNCT: Ranges = [(33, 47), (58, 64), (91, 96), (123, 126)]
_PERL: dict[str, Ranges] = {
    "d": _DIGIT,
    "s": [(9, 10), (12, 13), (32, 32)],
    "w": [*_DIGIT, *_UPPER, (95, 95), *_LOWER],
}
_POSIX: dict[str, Ranges] = {
    "alnum": [*_DIGIT, *_UPPER, *_LOWER],
    "alpha": [*_UPPER, *_LOWER],
    "ascii": [(0, 127)],
    "blank": [(9, 9), (32, 32)],
    "cntrl": [(0, 31), (127, 127)],
    "digit": _DIGIT,
    "graph": [(33, 126)],
    "lower": _LOWER,
    "print": [(32, 126)],
    "punct": _PUNCT,
    "space": [(9, 13), (32, 32)],
    "upper": _UPPER,
    "word": _PERL["w"],
    "xdigit": [*_DIGIT, (65, 70), (97, 102)],
}


@lru_cache(maxsize=1)
def _categories() -> dict[str, Ranges]:
    """The code points of each Unicode general category, and of each of their first letters."""
    out: dict[str, Ranges] = {"Any": [(0, _LAST)]}
    for code in range(_LAST + 1):
        name = unicodedata.category(chr(code))
        for key in (name, name[0]):
            ranges = out.setdefault(key, [])
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1] = (ranges[-1][0], code)
            else:
                ranges.append((code, code))
    return out


@record(frozen=True)
class _Flags:
    """What (?imsU) switches."""

    i: bool = False
    m: bool = False
    s: bool = False
    U: bool = False


@record(frozen=True)
class _Piece:
    """A translated part: can it match nothing, does it hold a capturing group, how often does it repeat a part?"""

    text: str
    nullable: bool
    captures: bool = False
    repeats: int = 1
    quantified: str = ""


@lru_cache(maxsize=256)
def compile_re2(pattern: bytes) -> re.Pattern[str]:
    """The Python pattern, for text decoded as UTF-8 with surrogateescape, that matches what RE2's `pattern` does.

    Raises:
        InvalidArgumentError: RE2 does not take the pattern.
        UnimplementedError: RE2 does, but Python's engine has nothing that means the same.
    """
    try:
        text = pattern.decode()
    except UnicodeDecodeError:
        raise _invalid(pattern.decode(errors="replace"), "invalid UTF-8") from None
    parser = _Parser(text)
    translated = parser.alternation(_Flags())
    if parser.at < len(text):
        raise _invalid(text, f"unexpected ): {text}")
    return re.compile(translated.text)


def _invalid(pattern: str, why: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, f"Invalid pattern: {pattern}, error: {why}")


def _one(code: int) -> str:
    return f"\\U{code:08x}"


def _class(ranges: Ranges) -> str:
    """The inside of a bracket expression."""
    return "".join(_one(a) if a == b else f"{_one(a)}-{_one(b)}" for a, b in ranges)


def _without(ranges: Ranges, others: Ranges) -> Ranges:
    """`ranges` less `others`."""
    for low, high in others:
        rest: Ranges = []
        for a, b in ranges:
            if a < low:
                rest.append((a, min(b, low - 1)))
            if b > high:
                rest.append((max(a, high + 1), b))
        ranges = rest
    return ranges


def _anything_but(ranges: Ranges) -> str:
    return f"[^{_class([*ranges, _SURROGATES])}]"


class _Set:
    """A character class: ranges it has, and ranges whose complements it has."""

    def __init__(self) -> None:
        self.has: Ranges = []
        self.lacks: list[Ranges] = []

    def add(self, ranges: Ranges, negated: bool) -> None:
        if negated:
            self.lacks.append(ranges)
        else:
            self.has.extend(ranges)

    def text(self, negated: bool, fold: bool) -> str:
        """One character of the class (or of none of it), as a pattern; `fold` takes its other cases too."""
        plain = self._text(negated, [])
        if not fold:
            return plain
        # Python folds the dotted and dotless i of Turkish with i; RE2 leaves them alone.
        return f"(?:(?![{_TURKISH}])(?i:{self._text(negated, _TURKISH_RANGES)})|(?=[{_TURKISH}]){plain})"

    def _text(self, negated: bool, without: Ranges) -> str:
        visible = _without(_without(self.has, [_SURROGATES]), without)
        if not self.lacks:
            if negated:
                return _anything_but(visible)
            return f"[{_class(visible)}]" if visible else "(?!)"
        parts = [f"[{_class(visible)}]"] if visible else []
        inner = "|".join([*parts, *(_anything_but(_without(r, without)) for r in self.lacks)])
        return f"(?:(?!{inner}){_anything_but([])})" if negated else f"(?:{inner})"


class _Parser:
    """A recursive descent over RE2's syntax."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.names: set[str] = set()

    def error(self, why: str) -> InvalidArgumentError:
        return _invalid(self.pattern, why)

    def unsupported(self, what: str) -> UnimplementedError:
        return UnimplementedError(
            None, None, f"{what} in the regular expression {self.pattern!r} is not supported"
        )

    def peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def take(self, text: str) -> bool:
        if self.peek(text):
            self.at += len(text)
            return True
        return False

    # Structure.

    def alternation(self, flags: _Flags) -> _Piece:
        """Up to the end or a closing parenthesis, which it leaves."""
        branches: list[list[_Piece]] = [[]]
        while self.at < len(self.pattern) and not self.peek(")"):
            if self.take("|"):
                branches.append([])
            elif (changed := self._flag_setting(flags)) is not None:
                flags = changed
                if branches[-1]:  # a+(?i)+ is right, though a++ is not
                    branches[-1][-1] = replace(branches[-1][-1], quantified="")
            elif self.take("\\Q"):
                branches[-1].extend(self._quoted(flags))
            else:
                piece = self._repetition(branches[-1], flags) or self._atom(flags)
                branches[-1].append(piece)
        return _Piece(
            "|".join("".join(p.text for p in branch) for branch in branches),
            any(all(p.nullable for p in branch) for branch in branches),
            any(p.captures for branch in branches for p in branch),
            max((p.repeats for branch in branches for p in branch), default=1),
        )

    def _flag_setting(self, flags: _Flags) -> _Flags | None:
        """``(?i-s)`` for the rest of the group; None if there is none here."""
        match = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?\)").match(self.pattern, self.at)
        if match is None:
            return None
        self.at = match.end()
        return _switched(flags, match[1], match[2] or "")

    def _quoted(self, flags: _Flags) -> list[_Piece]:
        end = self.pattern.find("\\E", self.at)
        text = self.pattern[self.at :] if end < 0 else self.pattern[self.at : end]
        self.at = len(self.pattern) if end < 0 else end + 2
        return [_Piece(self._literal(ord(c), flags), False) for c in text]

    def _repetition(self, branch: list[_Piece], flags: _Flags) -> _Piece | None:
        """The last piece of `branch`, which it removes, repeated; None if no repetition stands here."""
        match = re.compile(r"[*+?]|\{(\d+)(,)?(\d*)\}").match(self.pattern, self.at)
        if match is None or (match[0][0] == "{" and match[3] and not match[2]):
            return None
        self.at = match.end()
        lazy = self.take("?")
        shown = match[0] + "?" * lazy
        if not branch:
            raise self.error(f"no argument for repetition operator: {match[0]}")
        last = branch.pop()
        if last.quantified:
            raise self.error(f"bad repetition operator: {last.quantified}{shown}")
        least, repeats = {"*": 0, "?": 0, "+": 1}.get(match[0]), last.repeats
        if least is None:
            least = int(match[1])
            most = int(match[3]) if match[3] else least
            repeats = max(least, most) * last.repeats
            if repeats > _MAX_REPEAT or most < least:
                raise self.error(f"invalid repetition size: {match[0]}")
        if last.nullable and last.captures and match[0] != "?":
            raise self.unsupported("repeating a group that can match nothing, and its captures,")
        suffix = "?" if lazy != flags.U else ""
        nullable = last.nullable or least == 0
        return _Piece(f"(?:{last.text}){match[0]}{suffix}", nullable, last.captures, max(repeats, 1), shown)

    # Atoms.

    def _atom(self, flags: _Flags) -> _Piece:
        if self.peek("("):
            return self._group(flags)
        if self.peek("["):
            return _Piece(self._bracket(flags), False)
        if self.peek("\\"):
            return self._escape(flags)
        c = self.pattern[self.at]
        self.at += 1
        if c == ".":
            return _Piece(_anything_but([] if flags.s else [(10, 10)]), False)
        if c == "^":
            return _Piece("(?m:^)" if flags.m else r"\A", True)
        if c == "$":
            return _Piece("(?m:$)" if flags.m else r"\Z", True)
        return _Piece(self._literal(ord(c), flags), False)

    def _literal(self, code: int, flags: _Flags) -> str:
        if _SURROGATES[0] <= code <= _SURROGATES[1]:
            return "(?!)"
        if not flags.i or (code < 128 and not chr(code).isalpha()):
            return _one(code)
        one = _Set()
        one.add([(code, code)], False)
        return one.text(False, True)

    def _group(self, flags: _Flags) -> _Piece:
        start = self.at
        self.at += 1
        inner, opening = flags, "("
        if self.take("?"):
            named = re.compile(r"P<(\w+)>").match(self.pattern, self.at)
            flagged = re.compile(r"([imsU]*)(?:-([imsU]+))?:").match(self.pattern, self.at)
            if named is not None:
                if named[1] in self.names:
                    raise self.error(f"duplicate capture group name: {named[1]}")
                self.names.add(named[1])
                self.at = named.end()
            elif flagged is not None:
                inner, opening = _switched(flags, flagged[1], flagged[2] or ""), "(?:"
                self.at = flagged.end()
            else:
                raise self.error(f"invalid perl operator: {self.pattern[start : self.at + 1]}")
        body = self.alternation(inner)
        if not self.take(")"):
            raise self.error(f"missing ): {self.pattern}")
        return _Piece(f"{opening}{body.text})", body.nullable, body.captures or opening == "(", body.repeats)

    def _escape(self, flags: _Flags) -> _Piece:
        for text, meaning in ((r"\A", r"\A"), (r"\z", r"\Z"), (r"\b", _BOUNDARY), (r"\B", _NOT_BOUNDARY)):
            if self.take(text):
                return _Piece(meaning, True)
        if self.peek(r"\C"):
            raise self.unsupported(r"\C")
        group = self._named_set()
        if group is not None:
            ranges, negated = group
            one = _Set()
            one.add(ranges, negated)
            return _Piece(one.text(False, flags.i), False)
        return _Piece(self._literal(self._escaped_code(), flags), False)

    def _named_set(self) -> tuple[Ranges, bool] | None:
        r"""``\d``, ``\pL``, ``\P{Greek}``: its ranges, and whether it is their complement; None if none stands here."""
        match = re.compile(r"\\([dswDSW])").match(self.pattern, self.at)
        if match is not None:
            self.at = match.end()
            return _PERL[match[1].lower()], match[1].isupper()
        match = re.compile(r"\\([pP])(?:([A-Za-z])|\{(\^?)(\w+)\})").match(self.pattern, self.at)
        if match is None:
            return None
        self.at = match.end()
        name = match[2] or match[4]
        if name not in _categories():
            raise self.unsupported(f"the Unicode class {name}")
        return _categories()[name], (match[1] == "P") != bool(match[3])

    def _escaped_code(self) -> int:
        """The code point that the escape here stands for."""
        for form, base in (
            (r"\\x([0-9A-Fa-f]{2})", 16),
            (r"\\x\{([0-9A-Fa-f]+)\}", 16),
            (r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})", 8),
        ):
            match = re.compile(form).match(self.pattern, self.at)
            if match is not None and int(match[1], base) <= _LAST:
                self.at = match.end()
                return int(match[1], base)
        escape = self.pattern[self.at : self.at + 2]
        if len(escape) < 2:
            raise self.error("trailing \\")
        self.at += 2
        if escape[1] in _CONTROL:
            return _CONTROL[escape[1]]
        if escape[1] in string.punctuation or escape[1] == " ":
            return ord(escape[1])
        raise self.error(f"invalid escape sequence: {escape}")

    def _bracket(self, flags: _Flags) -> str:
        start = self.at
        self.at += 1
        negated = self.take("^")
        found = _Set()
        first = True
        while first or not self.peek("]"):
            if self.at >= len(self.pattern):
                raise self.error(f"missing ]: {self.pattern[start:]}")
            first = False
            posix = re.compile(r"\[:(\^?)(\w*):\]").match(self.pattern, self.at)
            if posix is not None:
                if posix[2] not in _POSIX:
                    raise self.error(f"invalid character class range: {posix[0]}")
                self.at = posix.end()
                found.add(_POSIX[posix[2]], bool(posix[1]))
                continue
            group = self._named_set()
            if group is not None:
                found.add(*group)
                continue
            found.has.append(self._range())
        self.at += 1
        return found.text(negated, flags.i)

    def _range(self) -> tuple[int, int]:
        """``a`` or ``a-z`` in brackets."""
        start = self.at
        low = high = self._class_char()
        if self.peek("-") and not self.peek("-]"):
            self.at += 1
            if self.at >= len(self.pattern):
                raise self.error(f"missing ]: {self.pattern[start:]}")
            high = self._class_char()
        if high < low:
            raise self.error(f"invalid character class range: {self.pattern[start : self.at]}")
        return low, high

    def _class_char(self) -> int:
        if self.peek("\\"):
            return self._escaped_code()
        self.at += 1
        return ord(self.pattern[self.at - 1])


def _switched(flags: _Flags, on: str, off: str) -> _Flags:
    changed = {name: name in on or (getattr(flags, name) and name not in off) for name in "imsU"}
    return _Flags(**changed)
