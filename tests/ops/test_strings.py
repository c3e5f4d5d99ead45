"""Hashes against known answers, and what rows cannot say about string ops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calque_runtime import errors, farmhash, ops
from calque_runtime.ops import re2


def strings(*values):
    out = np.empty(len(values), object)
    out[:] = values
    return out


def scalar(value):
    return np.array(value, object)


@given(st.lists(st.binary(max_size=200), max_size=40))
def test_fingerprints_of_many_are_those_of_each(texts):
    got = farmhash.fingerprint64_all(texts)
    assert got.tolist() == [farmhash.fingerprint64(t) for t in texts]


@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 16, 17, 32, 33, 64, 65, 127, 128, 129, 1000])
def test_fingerprint_lanes(length):
    texts = [bytes((i * j) % 256 for j in range(length)) for i in range(20)]
    assert farmhash.fingerprint64_all(texts).tolist() == [farmhash.fingerprint64(t) for t in texts]


def test_siphash_known_answer():
    # The example of the paper's appendix A.
    key = int.from_bytes(bytes(range(8)), "little"), int.from_bytes(bytes(range(8, 16)), "little")
    assert farmhash.siphash(bytes(range(15)), key) == 0xA129CA6149BE45E5


def test_fingerprint_cat_depends_on_order():
    assert farmhash.fingerprint_cat64(1, 2) != farmhash.fingerprint_cat64(2, 1)
    assert 0 <= farmhash.fingerprint_cat64(2**64 - 1, 2**64 - 1) < 2**64


@pytest.mark.parametrize("pattern", [rb"\C", rb"\p{Greek}", rb"(a*)+", rb"(|b){2,3}"])
def test_patterns_without_a_python_equivalent_are_refused(pattern):
    with pytest.raises(errors.UnimplementedError, match="RegexFullMatch"):
        ops.require("RegexFullMatch")(strings(b"a"), scalar(pattern))


def test_invalid_utf8_in_a_pattern():
    with pytest.raises(errors.InvalidArgumentError, match="invalid UTF-8"):
        ops.require("RegexFullMatch")(strings(b"a"), scalar(b"\xff"))


@given(st.text(max_size=20))
def test_quoted_text_matches_itself(text):
    if "\\E" not in text and not any(0xD800 <= ord(c) < 0xE000 for c in text):
        assert re2.compile_re2(b"\\Q" + text.encode() + b"\\E").fullmatch(text) is not None


@given(st.lists(st.binary(max_size=12), max_size=5))
def test_base64_round_trip(texts):
    encoded = ops.require("EncodeBase64")(strings(*texts))
    assert ops.require("DecodeBase64")(encoded).tolist() == texts


def test_scalars_stay_arrays():
    for name in ("StringLower", "StringUpper", "StringStrip", "EncodeBase64"):
        out = ops.require(name)(scalar(b" a"))
        assert isinstance(out, np.ndarray)
        assert out.shape == ()


def test_long_numbers_fail_fast():
    with pytest.raises(errors.InvalidArgumentError, match="StringToNumber"):
        ops.require("StringToNumber")(strings(b"1" * 1_000_000), out_type="int64")


def test_width_is_limited():
    with pytest.raises(errors.ResourceExhaustedError, match="AsString"):
        ops.require("AsString")(np.float32([1]), width=2**40)


def test_nan_with_a_sign():
    value = np.array([np.copysign(np.nan, -1)])
    assert ops.require("AsString")(value).tolist() == [b"-nan"]
