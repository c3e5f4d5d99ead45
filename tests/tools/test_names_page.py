"""docs/names.md says what the code has."""

from __future__ import annotations

from calque_tools.dev import list_names


def test_the_page_is_current() -> None:
    assert list_names.main(["--check"]) == 0
