"""Normal forms of Unicode text: ops of the TensorFlow Text library, which are not in TensorFlow's own registry."""

from __future__ import annotations

import unicodedata
from typing import Any

from ..op import Kernel, Site, op
from .common import same_shape
from .string import each

__all__: list[str] = []

_FORMS = {b"NFC": "NFC", b"NFD": "NFD", b"NFKC": "NFKC", b"NFKD": "NFKD"}


@op("NormalizeUTF8(input: string) -> (output: string) | normalization_form: string='NFKC'")
def normalize_utf8(s: Site) -> Kernel:
    """The strings in a Unicode normal form (Unicode Standard Annex #15); malformed bytes become U+FFFD."""
    form: Any = _FORMS.get(s["normalization_form"].upper())
    if form is None:
        raise s.error(
            "normalization_form must be one of NFC, NFD, NFKC, NFKD, "
            f"but is {s['normalization_form'].decode(errors='replace')!r}"
        )
    return lambda x: each(x, lambda v: unicodedata.normalize(form, v.decode(errors="replace")).encode())


def _folded(text: str) -> str:
    """NFKC_Casefold (The Unicode Standard, 3.13, R5), but for the invisible characters that it drops."""
    text = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _visible(text: str) -> str:
    return "".join(c for c in text if not _ignorable(ord(c)))


# Default_Ignorable_Code_Point of the Unicode character database (DerivedCoreProperties.txt).
_IGNORABLE = (
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)


def _ignorable(point: int) -> bool:
    return point >= 0xAD and any(a <= point <= b for a, b in _IGNORABLE)


@op("CaseFoldUTF8(input: string) -> (output: string)")
def case_fold_utf8(s: Site) -> Kernel:
    """The strings without differences of case, width and form: Unicode's NFKC_Casefold."""
    return lambda x: each(x, lambda v: _folded(_visible(v.decode(errors="replace"))).encode())


for _one in (normalize_utf8, case_fold_utf8):
    _one.shape_rule = same_shape
    _one.not_differentiable()
