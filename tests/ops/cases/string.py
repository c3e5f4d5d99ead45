"""Rows of ops/string.py, ops/string_format.py and ops/regex.py."""

from __future__ import annotations

from ops.rows import COMPLEX, FLOATS, INTS, A, Row, V, rows

BAD = "InvalidArgumentError"
TEXT = [
    b"hello",
    b"a",
    b"",
    "h\u00e9llo".encode(),
    b"\xff\x80x",
    b"a\xe2\x82",
    b"two words",
    b" \t pad \n\x0b",
]
STRINGS = V(TEXT, "string")
LETTERS = V(
    [
        "\u00c4\u00df\u03a3 \u01c5 ABC".encode(),
        "\u039f\u0394\u039f\u03a3".encode(),
        b"\xff\x80X",
        b"\xe2\x82",
    ],
    "string",
)
GRID = V([[b"a", b"b", b"c"], [b"d", b"e", b"f"]], "string")
LISTS = V([b" a  b c ", b"a,b,,c", b",a,", b"", b"a,,b,,c", b"\ta\nb"], "string")


def S(*words: bytes) -> V:
    return V(list(words), "string")


def one(op: str, *inputs: object, label: str = "", error: str = "", **attrs: object) -> Row:
    return Row(op, inputs, attrs, "string", label, error)


def ints(values: object) -> V:
    return V(values, "int32")


ROWS: list[Row] = [
    one("StringLength", STRINGS),
    one("StringLength", STRINGS, label="utf8", unit="UTF8_CHAR"),
    one("StringLength", A(2, 3, dtype="string"), label="matrix"),
    one("StringLength", V(b"abc", "string"), label="scalar"),
    one("StringLower", LETTERS),
    one("StringLower", LETTERS, label="utf8", encoding="utf-8"),
    one("StringLower", LETTERS, label="latin", encoding="latin1", error=BAD),
    one("StringUpper", LETTERS),
    one("StringUpper", LETTERS, label="utf8", encoding="utf-8"),
    one("StringStrip", V([b" \t\n\x0b\x0c\ra b\x00 ", b"\xc2\xa0x", b"   "], "string")),
    one("StringJoin", [S(b"a", b"b"), V(b"x", "string"), S(b"c", b"d")], separator="-"),
    one("StringJoin", [GRID], label="one"),
    one("StringJoin", [V(b"x", "string"), V(b"y", "string")], label="scalars"),
    one("StringJoin", [S(b"a", b"b"), S(b"x")], label="mismatch", error=BAD),
    one("ReduceJoin", V([[b"a", b""]], "string"), ints(2), label="range", error="OutOfRangeError"),
    one("ReduceJoin", GRID, ints([0, 0]), label="twice", error=BAD),
    one("ReduceJoin", A(0, 2, dtype="string"), ints(0), label="empty"),
    one("ReduceJoin", A(2, 3, 2, dtype="string"), ints([2, 0]), label="cube", separator=","),
    one("UnsortedSegmentJoin", GRID, ints([1, 1]), ints(3), separator=":"),
    one("UnsortedSegmentJoin", GRID, ints([[1, 0, 1], [0, 0, 1]]), ints(2), label="cells", separator=":"),
    one("UnsortedSegmentJoin", S(b"a"), ints([5]), ints(2), label="range", error=BAD),
    one("Substr", S(b"hello", b"abc"), ints([9, 0]), ints([1, 1]), label="range", error=BAD),
    one("Substr", S(b"hello"), ints([-6]), ints([1]), label="negative-range", error=BAD),
    one("Substr", S(b"hello"), ints([1]), ints(1), label="shapes", error=BAD),
    one("Substr", S(b"a", b"b"), ints([0, 0, 0]), ints([1, 1, 1]), label="mismatch", error=BAD),
    one("Substr", V(b"abcdef", "string"), ints([0, 1, 2]), ints([1, 2, 3]), label="broadcast"),
    one("Substr", S(b"abc", b"def"), ints([[0, 1], [1, 2]]), ints([[1, 1], [1, 1]]), label="broadcast-2"),
    one("StringSplitV2", V(b"a b", "string"), V(b" ", "string"), label="scalar", error=BAD),
    one("StringSplitV2", S(b"a b"), S(b" ", b","), label="separators", error=BAD),
    one("StringSplitV2", A(0, dtype="string"), V(b"", "string"), label="empty"),
    one("StringSplit", S(b"a b,c", b"", b"d"), V(b" ,", "string"), label="set"),
    one(
        "StringToHashBucketFast", V([bytes(range(n)) for n in range(0, 200)], "string"), num_buckets=2**62 + 1
    ),
    one(
        "StringToHashBucketFast",
        V([b"%d word" % i for i in range(50)], "string"),
        label="lanes",
        num_buckets=1000,
    ),
    one("StringToHashBucketFast", A(0, 2, dtype="string"), label="empty", num_buckets=3),
    one("StringToHashBucketFast", STRINGS, label="none", num_buckets=0, error=BAD),
    one(
        "StringToHashBucketStrong",
        V([bytes(range(n)) for n in range(0, 40)], "string"),
        num_buckets=2**62 + 1,
        key=[5, -6],
    ),
    one("StringToHashBucketStrong", STRINGS, label="key", num_buckets=3, key=[5], error=BAD),
    one(
        "StringToHashBucket",
        V([bytes(range(200, 200 + n)) for n in range(0, 40)], "string"),
        num_buckets=2**62 + 1,
    ),
    one("EncodeBase64", S(b"", b"a", b"ab", b"abc", b"\xff\xfe\xfd")),
    one("EncodeBase64", S(b"", b"a", b"ab", b"abc", b"\xff\xfe\xfd"), label="pad", pad=True),
    one("DecodeBase64", S(b"YQ", b"YQ==", b"__79", b"YR", b"", b"YWI")),
    one("DecodeRaw", S(b"abc"), label="length", out_type="int16", error=BAD),
    one("DecodeRaw", S(b"abcd", b"ef"), label="lengths", out_type="int16", error=BAD),
    one("DecodeRaw", S(b"", b""), label="empty", out_type="int16"),
    one("DecodeRaw", V(b"\x00\x01\x02", "string"), label="bool", out_type="bool"),
    one("DecodePaddedRaw", S(b"abcd", b"ef", b""), ints(4), out_type="int16"),
    one(
        "DecodePaddedRaw",
        S(b"abcd", b"ef", b""),
        ints(4),
        label="big",
        out_type="uint16",
        little_endian=False,
    ),
    one("DecodePaddedRaw", S(b"abcd"), ints(3), label="odd", out_type="int16", error=BAD),
    one("DecodePaddedRaw", S(b"abcd"), ints(0), label="none", out_type="int16", error=BAD),
    one("AsString", S(b"ab", b"\xff"), label="width", width=5),
    one("AsString", S(b"ab", b"\xff"), label="left", width=5, fill="-"),
    one("StringFormat", [], template="none"),
    one("StringFormat", [V([b'a"\n\xc3\xa9\xff\x01\\', b"b"], "string")], label="strings"),
    one(
        "StringFormat",
        [V(b"ab", "string"), V(True, "bool")],
        label="scalars",
        template="{} and {}!",
        placeholder="{}",
    ),
    one("StringFormat", [ints(1)], label="count", template="%s %s", error=BAD),
]

for _axes in (0, 1, -1, [0, 1], [1, 0], [], [-1, 0]):
    for _keep in (False, True):
        ROWS.append(
            one("ReduceJoin", GRID, ints(_axes), label=f"{_axes}-{_keep}", keep_dims=_keep, separator="-")
        )
for _pos, _len in [(0, 2), (-1, 5), (1, 1), (0, -1), (0, 0), (1, 9), (-1, 0)]:
    for _unit in ("BYTE", "UTF8_CHAR"):
        ROWS.append(one("Substr", S(b"hello", b"a", "\u00e9".encode(), b"x\x80y"), V(_pos, "int64"), V(_len, "int64"),
                        label=f"{_pos}-{_len}-{_unit}", unit=_unit))  # fmt: skip
for _sep in (b"", b",", b",,", b" "):
    for _most in (-1, 0, 1, 2):
        ROWS.append(
            one("StringSplitV2", LISTS, V(_sep, "string"), label=f"{_sep.decode()}-{_most}", maxsplit=_most)
        )
    for _skip in (True, False):
        ROWS.append(
            one("StringSplit", LISTS, V(_sep, "string"), label=f"{_sep.decode()}-{_skip}", skip_empty=_skip)
        )
for _text in (b"YQ=", b"Y", b"//79", b"YW J", b"====", b"Y===", b"YWJj="):
    ROWS.append(one("DecodeBase64", S(_text), label=_text.decode(), error=BAD))
for _type in [
    "uint8",
    "int8",
    "int16",
    "uint16",
    "int32",
    "int64",
    "half",
    "float",
    "double",
    "complex64",
    "complex128",
    "bfloat16",
]:
    for _little in (True, False):
        _bytes = S(bytes(range(16)), bytes(range(40, 56)))
        ROWS.append(
            one("DecodeRaw", _bytes, label=f"{_type}-{_little}", out_type=_type, little_endian=_little)
        )

_NGRAMS = [
    ([0, 3, 5], [2, 3], -1, False),
    ([0, 3, 5], [3], 0, True),
    ([0, 3, 3, 5], [4, 2], 1, True),
    ([0, 3, 3, 5], [4, 5], 0, True),
    ([0, 5], [9], 2, False),
]
for _splits, _widths, _pad, _short in _NGRAMS:
    ROWS.append(one("StringNGrams", S(b"a", b"b", b"c", b"d", b"e"), V(_splits, "int64"), label=f"{_splits}-{_widths}-{_pad}",
                    separator="-", ngram_widths=_widths, left_pad="L", right_pad="R", pad_width=_pad,
                    preserve_short_sequences=_short))  # fmt: skip
ROWS.append(one("StringNGrams", S(b"a", b"b"), ints([0, 3]), label="splits", error=BAD, separator="-", ngram_widths=[1],
                left_pad="", right_pad="", pad_width=0, preserve_short_sequences=False))  # fmt: skip

# Numbers.
_HARD = [1.5, -2.25, 0.0, float("inf"), -float("inf"), float("nan"), 1e4, 1e-4, 12345.678, -0.0]
_FORMATS: list[dict[str, object]] = [
    {},
    {"precision": 2},
    {"scientific": True},
    {"shortest": True},
    {"shortest": True, "precision": 3},
    {"scientific": True, "precision": 1},
    {"width": 8},
    {"width": 8, "fill": "-"},
    {"fill": "0"},
    {"width": 12, "precision": 2, "fill": "0"},
    {"width": 8, "fill": "+"},
    {"width": 8, "fill": " "},
]
for _number, _format in enumerate(_FORMATS):
    ROWS += rows("AsString", V(_HARD), dtypes=FLOATS, label=f"format-{_number}", **_format)
    ROWS += rows("AsString", A(3), dtypes=COMPLEX, label=f"format-{_number}", **_format)
for _number, _format in enumerate(
    [{}, {"width": 8}, {"width": 8, "fill": "0"}, {"width": 6, "fill": "-"}, {"width": 4, "fill": "+"}]
):
    ROWS += rows("AsString", A(5), dtypes=f"{INTS} bool", label=f"format-{_number}", **_format)
ROWS += rows("AsString", V([1e300, 1e20, 0.1]), dtypes="float64", label="long")
ROWS += rows("AsString", V([2**63 + 1]), dtypes="uint64", label="big")
for _number, _format in enumerate(
    [{"width": 8, "fill": "x"}, {"fill": "00"}, {"scientific": True, "shortest": True}]
):
    ROWS += rows("AsString", A(2), label=f"bad-{_number}", error=BAD, **_format)
ROWS += rows("AsString", A(2), dtypes="int32", label="precision", error=BAD, precision=2)
ROWS += rows("AsString", A(2), dtypes="bool", label="shortest", error=BAD, shortest=True)

_FLOAT_TEXT = S(b" 12 ", b"+12", b"-12", b"1e3", b"0x10", b"inf", b"-Infinity", b"NaN", b"1e400", b".5", b"5.", b"0x1p3",
                b"\x0b7\n", b"-0", b"0.1", b"3.4028236e38", b"1.00000006")  # fmt: skip
_INT_TEXT = S(b" 12 ", b"+12", b"\t7\n", b"0", b"000000000000000000000000012", b"2147483647")
ROWS += rows("StringToNumber", _FLOAT_TEXT, dtypes="float32 float64", grad=False, out_type="ROW")
ROWS += rows("StringToNumber", _INT_TEXT, dtypes="int32 int64 uint32 uint64", out_type="ROW")
ROWS += rows("StringToNumber", S(b"-12", b"-0"), dtypes="int32 int64", label="negative", out_type="ROW")
for _number, _text in enumerate(
    (b"", b" ", b"1 2", b"12a", b"1_000", b"1.5f", b"infinit", b"--1", b"12\x00", b"1e")
):
    ROWS += rows(
        "StringToNumber", S(_text), dtypes="float32 int32", label=f"bad-{_number}", error=BAD, out_type="ROW"
    )
ROWS += rows("StringToNumber", S(b"-0"), dtypes="uint32", label="sign", error=BAD, out_type="ROW")
ROWS += rows("StringToNumber", S(b"3000000000"), dtypes="int32", label="range", error=BAD, out_type="ROW")
ROWS += rows(
    "StringToNumber", S(b"18446744073709551616"), dtypes="uint64", label="range", error=BAD, out_type="ROW"
)

ROWS += rows("StringFormat", [A(10)], dtypes=f"{INTS} bool", label="vector", template="x=%s")
ROWS += rows("StringFormat", [V([0.1, 1 / 3, 1e4, 1e-4])], dtypes=FLOATS, label="floats", grad=False)
ROWS += rows("StringFormat", [V([1e10, 1e-7, 123456789.0, float("inf"), float("nan"), 1e6])], dtypes="float32 float64",
             label="more", summarize=-1, grad=False)  # fmt: skip
ROWS += rows("StringFormat", [A(2, 3, 4)], dtypes="int32", label="cube")
ROWS += rows("StringFormat", [A(10, 10)], dtypes="int32", label="matrix", summarize=2)
ROWS += rows("StringFormat", [A(10)], dtypes="int32", label="none", summarize=0)
ROWS += rows("StringFormat", [A(0)], dtypes="int32", label="empty")
ROWS += rows("StringFormat", [A(2, 0)], dtypes="int32", label="empty-rows")

# Regular expressions: (text, pattern, rewrite).
_REPLACE: list[tuple[bytes, bytes, bytes]] = [
    (b"abxd", b"x*", b"-"), (b"abc", b"(b)", rb"[\1\0\\]"), (b"abc", b"b", rb"\1"), (b"abc", b"b", rb"\x"),
    (b"abc", b"b", b"x\\"), (b"a\nb", b"^b", b"x"), (b"a\nb", b"(?m)^b", b"x"), (b"ab\n", b"b$", b"x"),
    (b"ab\n", b"(?m)b$", b"x"), (b"h\xc3\xa9\xff", b".", b"x"), (b"h\xc3\xa9\xff", b"[^a]", b"x"),
    (b"h\xc3\xa9\xff", rb"\W", b"x"), (b"", b"", b"x"), (b"\xc3\xa9a", b"", b"-"), (b"aaa", b"a{,2}", b"x"),
    (b"a{,2}", b"a{,2}", b"x"), (b"a\x0bb \t", rb"\s", b"x"), (b"straSSe", b"(?i)SS", b"x"), (b"ab-cd", rb"\b", b"|"),
    (b"ab-cd", rb"\B", b"|"), (b"ab", b"(?P<n>a)", rb"<\1>"), (b"a.b", rb"\Q.\E", b"x"), (b"ab", b"a|", b"x"),
    (b"ab1", b"[[:alpha:]]+", b"x"), (b"ab1", b"[[:^alpha:]]+", b"x"), (b"\xc3\xa9\xc3\x89z", rb"\p{Lu}", b"x"),
    (b"\xc3\xa9-", rb"\pL", b"x"), (b"\xc3\xa9-", rb"\PL", b"x"), (b"ab\x01", b"[[:cntrl:]]", b"x"),
    (b"aXbX", b"(?i:x)b|A", b"-"), (b"aaab", b"(?U)a+", b"x"), (b"aaab", b"(?U)a+?", b"x"), (b"aaab", b"a+?", b"x"),
    (b"a\nb", b"a.b", b"x"), (b"a\nb", b"(?s)a.b", b"x"), (b"A", rb"\x41", b"x"), (b"A", rb"\x{41}", b"x"),
    (b"A", rb"\101", b"x"), (b"\x00", rb"\0", b"x"), (b"a]", b"[]]", b"x"), (b"a]", b"[^]]", b"x"),
    (b"a-b", b"[a-]", b"x"), (b"a-b", b"[-a]", b"x"), (b"a-b-c z", b"[a-b-c]", b"x"), (b"a&&b", b"[a&&b]", b"x"),
    (b"[a", b"[[a]", b"x"), (rb"\d1", rb"[\d]", b"x"), (b"\\d1\xc3\xa9", rb"[^\d\W]", b"x"), (b"a ", rb"\ ", b"x"),
    (b"ab", rb"b\z", b"x"), (b"ab", b"(?:)", b"x"), (b"ab", b"^*", b"x"), (b"{a}", b"{a}", b"x"),
    (b"ab", b"(?i)a(?-i)B", b"x"), (b"a\n", b"(?m)^", b"x"), (b"a\nb\n", b"(?m)$", b"x"),
    (b"ab", b"(a)(b)?(c)?", rb"[\3]"), (b"aabb", b"(a|b)*", rb"<\1>"), (b"K\xe2\x84\xaaks\xc5\xbf", b"(?i)[^k]", b"x"),
    (b"K\xe2\x84\xaaks\xc5\xbf-", rb"(?i)\w", b"x"), (b"K\xe2\x84\xaaks\xc5\xbf-", rb"(?i)\W", b"x"),
    (b"K\xe2\x84\xaaks\xc5\xbf-", rb"(?i)[^\W]", b"x"), (b"Kks1", rb"(?i)\p{Lu}", b"x"),
    (b"\xc4\xb0\xc4\xb1iI", b"(?i)i", b"x"), (b"\xc4\xb0\xc4\xb1iIz", b"(?i)[a-j]", b"x"),
    (b"\xc4\xb0\xc4\xb1iIz", b"(?i)[^a-j]", b"x"), (b"\xcf\x82\xce\xa3\xcf\x83", b"(?i)\xcf\x83", b"x"),
    (b"abc", b"(?)b", b"x"), (b"2024-01-31", rb"(\d{4})-(\d\d)-(\d\d)", rb"\3.\2.\1"), (b"a  b   c", b" +", b" "),
]  # fmt: skip
_WRONG = [b"(b", b"a**", b"a*+", b"a{1001}", b"a{2}{3}", b"(?=a)", rb"(a)\1", b"[[:foo:]]+", b"[c-a]", rb"\y", rb"\Z",
          b"*a", b"(?x)a b", b"a)", b"x{2,1}", b"[]", b"[a-", b"\\", rb"[\b]", b"(?-)a", rb"\8",
          rb"\18", b"(a{1000}){1000}", b"(?<n>a)"]  # fmt: skip
for _number, (_text, _pattern, _rewrite) in enumerate(_REPLACE):
    for _every in (True, False):
        ROWS.append(one("RegexReplace", S(_text), V(_pattern, "string"), V(_rewrite, "string"),
                        label=f"{_number}-{_every}", replace_global=_every))  # fmt: skip
for _number, _pattern in enumerate(_WRONG):
    ROWS.append(one("RegexFullMatch", S(b"a"), V(_pattern, "string"), label=f"bad-{_number}", error=BAD))
ROWS += [
    one("RegexReplace", S(b"ab"), S(b"b"), V(b"x", "string"), label="vector", error=BAD),
    one("StaticRegexReplace", GRID, pattern="([a-c])", rewrite="<\\1>"),
    one("StaticRegexReplace", GRID, label="bad", pattern="(", rewrite="", error=BAD),
    one("RegexFullMatch", S(b"abc", b"ab", b"abcd", b"abc\n"), V(b"a|ab|abc", "string")),
    one("StaticRegexFullMatch", S(b"abc\n", b"abc", b""), pattern="abc"),
    one("StaticRegexFullMatch", S(b"\xc3\xa9", b"\xff", b"ab"), label="dot", pattern="."),
]
