"""Output for people: aligned tables within the terminal's width, 80 columns elsewhere; color on a terminal only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

__all__ = ["Page", "amount", "count", "printable", "size"]

_PLAIN_WIDTH = 80
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def printable(text: str) -> str:
    """`text` without what a terminal would obey: names come from files that anyone may have made."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def size(number: int | None) -> str:
    """A number of bytes in few digits: ``48 B``, ``1.6 MiB``; ``?`` where it is not known."""
    if number is None:
        return "?"
    value, unit = float(number), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{number} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def amount(number: int | None) -> str:
    """A number with separators: ``1,605,632``; ``?`` where it is not known."""
    return "?" if number is None else f"{number:,}"


def count(number: int, what: str, plural: str = "") -> str:
    """``1 variable``, ``2 variables``."""
    return f"{number:,} {what if number == 1 else plural or what + 's'}"


class Page:
    """Writes lines to standard output.

    Attributes:
        width: columns that a line may take.
    """

    def __init__(self) -> None:
        console = Console(highlight=False, markup=False, emoji=False)
        plain = not console.is_terminal or bool(os.environ.get("NO_COLOR")) or console.is_dumb_terminal
        if plain:
            console = Console(highlight=False, markup=False, emoji=False, color_system=None)
        self._console = console
        self.width = max(console.width, 40) if sys.stdout.isatty() else _PLAIN_WIDTH

    def heading(self, text: str, note: str = "") -> None:
        """A title with an empty line above it."""
        self._console.print()
        self._put([(text, "bold"), (f"  {note}" if note else "", "dim")])

    def line(self, text: str, style: str = "", indent: int = 0, lead: tuple[str, str] = ("", "")) -> None:
        """A paragraph, broken at spaces where it can be.

        Args:
            text: what it says.
            style: of the text.
            indent: of its first line; the others have four columns more.
            lead: (text, style) of what stands right before it.
        """
        first = printable(lead[0])
        rest = indent + 4
        parts = _wrap(first + printable(text), self.width - indent, self.width - rest)
        for i, part in enumerate(parts):
            styled = part[: len(first)] if i == 0 else ""
            self._put([(" " * (rest if i else indent), ""), (styled, lead[1]), (part[len(styled) :], style)])

    def table(
        self,
        rows: Iterable[Sequence[str]],
        indent: int = 2,
        align: str = "",
        styles: Sequence[str] = (),
    ) -> None:
        """Aligned columns. Nothing is cut off: what does not fit goes on lines of its own.

        Args:
            rows: the cells of each row; the first one is a name.
            indent: of the table.
            align: a letter a column, "l" or "r"; the rest is "l".
            styles: of the columns.
        """
        table = [[printable(cell) for cell in row] for row in rows]
        columns = max(map(len, table), default=0)
        widths = [max((cell_len(row[i]) for row in table if i < len(row)), default=0) for i in range(columns)]
        if columns:
            # No wider than leaves room for the rest, unless that makes the name's column a needle's eye.
            room = self.width - indent - sum(width + 2 for width in widths[1:] if width)
            widths[0] = min(widths[0], max(room, self.width // 3))
        for row in table:
            self._row(row, widths, indent, align, styles)

    def _row(self, row: list[str], widths: list[int], indent: int, align: str, styles: Sequence[str]) -> None:
        line: list[tuple[str, str]] = []
        used = 0  # columns of `line` that are taken
        start = indent
        for i, cell in enumerate(row):
            if not cell:
                start += widths[i] + 2 * bool(widths[i])
                continue
            style = styles[i] if i < len(styles) else ""
            length = cell_len(cell)
            at = start + (max(widths[i] - length, 0) if align[i : i + 1] == "r" else 0)
            if line and (at < used + 2 or at + length > self.width):
                self._put(line)
                line, used = [], 0
            if at + length > self.width:
                at = indent if i == 0 else indent + 4
            parts = _wrap(cell, self.width - at)
            for part in parts[:-1]:
                self._put([(" " * at, ""), (part, style)])
            line += [(" " * (at - used), ""), (parts[-1], style)]
            used = at + cell_len(parts[-1])
            start += widths[i] + 2
        if line:
            self._put(line)

    def _put(self, spans: list[tuple[str, str]]) -> None:
        text = Text()
        for part, style in spans:
            text.append(part, style)
        text.rstrip()
        self._console.print(text, soft_wrap=True)


# Where a line may be broken, best first: behind these characters.
_BREAKS = " (/_"


def _wrap(text: str, width: int, rest: int = 0) -> list[str]:
    """`text` in pieces of at most `width` columns, those behind the first of at most `rest`."""
    parts = []
    width = max(width, 8)
    while cell_len(text) > width:
        fits = width
        while cell_len(text[:fits]) > width:  # some characters take two columns
            fits -= 1
        ends = (text.rfind(c, 0, fits + (c == " ")) + 1 for c in _BREAKS)
        end = next((end for end in ends if end > fits // 3), fits)
        parts.append(text[:end].rstrip())
        text = text[end:]
        width = max(rest or width, 8)
    return [*parts, text]
