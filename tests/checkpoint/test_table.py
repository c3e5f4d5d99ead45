"""The index's parts: checksums, ordered code, varints, blocks, snappy."""

from __future__ import annotations

import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calque_runtime.checkpoint.crc import crc32c, extend, mask, unmask
from calque_runtime.checkpoint.ordered_code import (
    encode_number,
    encode_signed,
    encode_slice_key,
    encode_string,
)
from calque_runtime.checkpoint.snappy import decompress
from calque_runtime.checkpoint.table import read_table, write_table
from calque_runtime.checkpoint.varint import encode_varint, read_varint
from calque_runtime.errors import DataLossError

MAGIC = bytes.fromhex("57fb808b247547db")


# Checksums: the vectors of RFC 3720, appendix B.4.
@pytest.mark.parametrize(
    ("data", "want"),
    [
        (b"", 0),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda b: np.frombuffer(b, np.uint8)])
def test_crc32c(data, want, kind):
    assert crc32c(kind(data)) == want
    assert extend(extend(0, kind(data[:5])), kind(data[5:])) == want


def test_mask_of_nothing():
    assert mask(0) == 0xA282EAD8  # what files hold for an empty tensor


@given(st.integers(0, 2**32 - 1))
def test_unmask_takes_mask_back(crc):
    assert unmask(mask(crc)) == crc


@given(st.integers(0, 2**64 - 1))
def test_varint_round_trip(value):
    code = encode_varint(value)
    assert read_varint(b"x" + code + b"\x80", 1, len(code) + 2, "here") == (value, len(code) + 1)
    with pytest.raises(DataLossError, match="here: the number at byte 0"):
        read_varint(code, 0, len(code) - 1, "here")


@pytest.mark.parametrize("code", [b"\x80" * 10 + b"\x01", b"\xff" * 9 + b"\x02", b""])
def test_varint_over_64_bits(code):
    with pytest.raises(DataLossError):
        read_varint(code, 0, len(code), "here")


# Codes seen in TensorFlow's files.
@pytest.mark.parametrize(
    ("value", "want"),
    [
        (0, "80"),
        (3, "83"),
        (63, "bf"),
        (130, "c082"),
        (270, "c10e"),
        (30000, "e07530"),
        (70000, "e11170"),
        (-1, "7f"),
    ],
)
def test_signed_numbers(value, want):
    assert encode_signed(value).hex() == want


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=2))
def test_signed_numbers_sort(pair):
    a, b = pair
    assert (encode_signed(a) < encode_signed(b)) == (a < b)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=2))
def test_numbers_sort(pair):
    a, b = pair
    assert (encode_number(a) < encode_number(b)) == (a < b)


@given(
    st.lists(
        st.binary(max_size=6) | st.text("\x00\xff", max_size=5).map(lambda s: s.encode("latin-1")),
        min_size=2,
        max_size=2,
    )
)
def test_strings_sort(pair):
    a, b = pair
    assert (encode_string(a) < encode_string(b)) == (a < b)
    assert encode_string(b"a\x00\xffb") == b"a\x00\xff\xff\x00b\x00\x01"


def test_slice_key():
    assert encode_slice_key("p/w", [(0, 3), (0, 2)]).hex() == "00702f7700010102" + "80838082"
    assert encode_slice_key("p/w", [(0, 3), (0, -1)]).hex() == "00702f7700010102" + "8083807f"


# Tables

KEYS = st.lists(st.binary(max_size=12), unique=True, max_size=60).map(sorted)


@given(KEYS, st.binary(max_size=40))
def test_table_round_trip(keys, value):
    items = [(key, value[: len(key)]) for key in keys]
    assert list(read_table(write_table(items), "t").items()) == items


def block(entries: bytes, restarts: tuple[int, ...] = (0,), kind: int = 0, crc: int | None = None) -> bytes:
    contents = entries + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))
    return trailer(contents, kind, crc)


def trailer(contents: bytes, kind: int, crc: int | None = None) -> bytes:
    contents += bytes([kind])
    return contents + struct.pack("<I", mask(crc32c(contents)) if crc is None else crc)


def entry(key: bytes, value: bytes, shared: int = 0) -> bytes:
    return encode_varint(shared) + encode_varint(len(key)) + encode_varint(len(value)) + key + value


def table(*data_blocks: tuple[bytes, bytes]) -> bytes:
    """A table of finished data blocks, each with its key in the index."""
    out = index = b""
    restarts = []
    for data, key in data_blocks:
        restarts.append(len(index))
        index += entry(key, encode_varint(len(out)) + encode_varint(len(data) - 5))
        out += data
    return finish(out, block(index, tuple(restarts) or (0,)))


def finish(out: bytes, index_block: bytes) -> bytes:
    footer = b""
    for part in (block(b""), index_block):
        footer += encode_varint(len(out)) + encode_varint(len(part) - 5)
        out += part
    return out + footer.ljust(40, b"\0") + MAGIC


def test_crafted_table():
    data = table((block(entry(b"ab", b"1") + entry(b"c", b"2", 1)), b"b"), (block(entry(b"x", b"")), b"x"))
    assert read_table(data, "t") == {b"ab": b"1", b"ac": b"2", b"x": b""}


def literal(data: bytes) -> bytes:
    return bytes([(len(data) - 1) << 2]) + data


def test_snappy_table():
    plain = block(entry(b"a", b"v" * 30))[:-5]
    # 30 bytes of "v": one as a literal, the rest as an overlapping copy from one byte back
    packed = (
        encode_varint(len(plain))
        + literal(plain[:5])
        + bytes([(29 - 1) << 2 | 2, 1, 0])
        + literal(plain[34:])
    )
    assert len(packed) < len(plain)
    assert read_table(table((trailer(packed, 1), b"b")), "t") == {b"a": b"v" * 30}


def test_snappy_in_every_block():
    def pack(finished: bytes) -> bytes:
        plain = finished[:-5]
        return trailer(encode_varint(len(plain)) + literal(plain), 1)

    data = pack(block(entry(b"k", b"value")))
    index = pack(block(entry(b"l", encode_varint(0) + encode_varint(len(data) - 5))))
    assert read_table(finish(data, index), "t") == {b"k": b"value"}


@pytest.mark.parametrize(
    ("packed", "want"),
    [
        ("00", b""),
        ("03 08 616263", b"abc"),
        ("06 08 616263 05 03", None),  # a copy of 5 into 3
        ("07 08 616263 01 03", b"abcabca"),  # one-byte offset, four bytes, overlapping
        ("09 08 616263 16 0300", b"abcabcabc"),
        ("06 08 616263 0b 03000000", b"abcabc"),
        ("41 f0 40" + "61" * 65, b"a" * 65),
        ("41 f4 4000" + "61" * 65, b"a" * 65),
        ("03 08 6162", None),  # cut literal
        ("03 f4 40", None),  # cut length
        ("05 08 616263", None),  # too little comes out
        ("02 08 616263", None),  # too much
        ("07 08 616263 01 04", None),  # before the start
        ("07 08 616263 01 00", None),  # distance 0
        ("07 08 616263 02", None),  # cut copy
        ("ffffff7f 08 616263", None),  # 268 MB claimed
        ("", None),
        ("ff", None),
    ],
)
def test_snappy(packed, want):
    data = bytes.fromhex(packed.replace(" ", ""))
    if want is None:
        with pytest.raises(DataLossError, match="^place"):
            decompress(data, "place")
    else:
        assert decompress(data, "place") == want


@given(st.binary(max_size=60))
def test_snappy_never_fails_otherwise(data):
    try:
        assert len(decompress(data, "place")) <= 22 * len(data)
    except DataLossError as error:
        assert error.message.startswith("place")


GOOD = block(entry(b"a", b"1") + entry(b"b", b"2"))
LONG_KEY = b"k" * 4000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "too few"),
        (b"\0" * 48, "magic number"),
        (finish(b"", block(b""))[:-1], "too few|magic number"),
        (b"\xff" * 40 + MAGIC, "footer at byte 0"),
        (encode_varint(0) + encode_varint(2**63) + b"\0" * 30 + MAGIC, "footer|run past the end"),
        (table((GOOD, b"a")), "pass the one in the index"),
        (table((GOOD, b"b"), (GOOD, b"c")), "out of order"),
        (table((block(entry(b"b", b"") + entry(b"a", b"")), b"c")), "not after the one before"),
        (table((block(entry(b"a", b"") + entry(b"a", b"")), b"c")), "not after the one before"),
        (table((block(entry(b"a", b""), kind=2), b"c")), "2 is no known kind"),
        (table((block(entry(b"a", b""), crc=1), b"c")), "checksum of the block of 12 bytes at byte 0"),
        (table((block(entry(b"a", b"", shared=1)), b"c")), "restart point at byte 0"),
        (
            table((block(entry(b"a", b"") + entry(b"b", b"", shared=2)), b"c")),
            "entry at byte 4 reaches outside",
        ),
        (table((block(b"\x00\x05\x05ab"), b"c")), "reaches outside"),
        (table((block(entry(b"a", b""), restarts=()), b"c")), "restart points"),
        (table((block(entry(b"a", b""), restarts=(0, 1)), b"c")), "not at the start of an entry"),
        (table((block(entry(b"a", b""), restarts=(4,)), b"c")), "not in order"),
        (table((trailer(b"\0\0\0", 0), b"c")), "too short"),
        (table((trailer(b"\xff\xff\xff\xff", 0), b"c")), "do not fit"),
        (finish(b"", block(entry(b"a", b"\x00"))), "cut off"),
        (finish(b"", block(entry(b"a", b"\x00\x00\x00"))), "junk"),
        (finish(GOOD, block(entry(b"a", encode_varint(0) + encode_varint(1 << 60)))), "run past the end"),
    ],
)
def test_damaged_table(data, message):
    with pytest.raises(DataLossError, match=message) as caught:
        read_table(data, "some.index")
    assert "some.index" in caught.value.message


def test_shared_keys_cannot_fill_memory():
    entries = entry(LONG_KEY, b"") + b"".join(
        encode_varint(4000 + i) + b"\x01\x00k" for i in range(20000)
    )  # 80 kB that spell out 280 MB of keys
    started = time.perf_counter()
    with pytest.raises(DataLossError, match="spell out keys"):
        read_table(table((block(entries), b"l")), "some.index")
    assert time.perf_counter() - started < 2
