"""Rows of ops/unicode_text.py."""

from __future__ import annotations

from ops.rows import Row, V

BAD = "InvalidArgumentError"
UTF8 = [b"h\xc3\xa9\xff\x01x", b"", b"\xe2\x82", b"\xed\xa0\x80x", b"\xf4\x90\x80\x80x", b"\xf0\x9f\x98", b"\xc0\x80",
        b"\xef\xbb\xbfx", b"\xf0\x9f\x98\x80y", b"\t\n\x7f\x1f"]  # fmt: skip
UTF16 = [b"\xd8\x00\x00x", b"\xdc\x00\x00x", b"\x00xa", b"\x00x\x00\xff", b"\xfe\xff\x00x", b"\xd8\x3d\xde\x00\x00x",
         b"\xd8\x3d", b"\xd8", b""]  # fmt: skip
UTF32 = [
    b"\x00\x00\x00xab",
    b"\x00\x00\xd8\x00\x00\x00\x00x",
    b"\x00\x01\xf6\x00",
    b"\x00\x11\x00\x00\x00\x00\x00x",
]
BYTES = [b"a\x80\x01", b"\xff"]
INPUTS = {"UTF-8": UTF8, "UTF-16-BE": UTF16, "UTF-16LE": [b"x\x00a\xd8y\x00"], "UTF-32-BE": UTF32, "latin1": BYTES,
          "US-ASCII": BYTES}  # fmt: skip
CODES = [104, 233, 0xD800, 0x110000, -1, 0x1F600, 0xFFFF, 0]
OUTPUTS = ("UTF-8", "UTF-16-BE", "UTF-32-BE")


def one(op: str, *inputs: object, label: str = "", error: str = "", **attrs: object) -> Row:
    return Row(op, inputs, attrs, "string", label, error)


ROWS: list[Row] = [
    one("UnicodeDecode", V([[b"a", b"bc"], [b"", b"d"]], "string"), label="matrix", input_encoding="UTF-8"),
    one("UnicodeDecode", V(b"abc", "string"), label="scalar", input_encoding="UTF-8", Tsplits="int32"),
    one("UnicodeDecode", V([b"\xff"], "string"), label="strict", input_encoding="UTF-8", errors="strict", error=BAD),
    one("UnicodeDecode", V([b"a"], "string"), label="char", input_encoding="UTF-8", replacement_char=1 << 21, error=BAD),
    one("UnicodeTranscode", V([b"a\x01b"], "string"), label="strict", input_encoding="UTF-8", output_encoding="UTF-8",
        errors="strict", replace_control_characters=True, error=BAD),
    one("UnicodeEncode", V(CODES, "int32"), V([0, 8], "int64"), label="strict", output_encoding="UTF-8", errors="strict",
        error=BAD),
    one("UnicodeEncode", V(CODES, "int32"), V([0, 9], "int64"), label="end", output_encoding="UTF-8", error=BAD),
    one("UnicodeEncode", V(CODES, "int32"), V([1, 8], "int64"), label="begin", output_encoding="UTF-8", error=BAD),
]  # fmt: skip
for _encoding, _texts in INPUTS.items():
    for _errors in ("replace", "ignore"):
        for _control in (False, True):
            _attrs = {"input_encoding": _encoding, "errors": _errors, "replace_control_characters": _control}
            _label = f"{_encoding}-{_errors}-{_control}"
            ROWS.append(one("UnicodeDecodeWithOffsets", V(_texts, "string"), label=_label, **_attrs))
            for _output in OUTPUTS:
                ROWS.append(
                    one(
                        "UnicodeTranscode",
                        V(_texts, "string"),
                        label=f"{_label}-{_output}",
                        output_encoding=_output,
                        **_attrs,
                    )
                )
for _output in OUTPUTS:
    for _errors in ("replace", "ignore"):
        ROWS.append(one("UnicodeEncode", V(CODES, "int32"), V([0, 2, 2, 8], "int64"), label=f"{_output}-{_errors}",
                        output_encoding=_output, errors=_errors, replacement_char=63))  # fmt: skip
