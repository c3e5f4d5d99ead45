"""What rows cannot say about sparse and ragged ops and text: TensorFlow Text's ops, limits, properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calque_runtime import errors, ops
from calque_runtime.op import Call


def strings(*values):
    out = np.empty(len(values), object)
    out[:] = values
    return out


def ints(*values):
    return np.array(values, np.int64)


def scalar(value):
    return np.array(value, object)


# TensorFlow Text's normal forms.


@pytest.mark.parametrize(
    ("form", "want"),
    [
        # The examples of Unicode Standard Annex 15, figures 3 to 6.
        ("NFC", "\u00c5 \u00f4 \ufb01 \u00b2"),
        ("NFD", "A\u030a o\u0302 \ufb01 \u00b2"),
        ("NFKC", "\u00c5 \u00f4 fi 2"),
        ("nfkd", "A\u030a o\u0302 fi 2"),
    ],
)
def test_normal_forms(form, want):
    text = strings("\u212b \u00f4 \ufb01 \u00b2".encode())
    assert ops.require("NormalizeUTF8")(text, normalization_form=form).tolist() == [want.encode()]


def test_normal_form_that_does_not_exist():
    with pytest.raises(errors.InvalidArgumentError, match="NFKC.*NormalizeUTF8"):
        ops.require("NormalizeUTF8")(strings(b"a"), normalization_form="NFX")


def test_malformed_bytes_are_replaced():
    for name in ("NormalizeUTF8", "CaseFoldUTF8"):
        assert ops.require(name)(scalar(b"a\xffb")).item() == "a\ufffdb".encode()


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("The Quick-Brown", "the quick-brown"),
        ("Stra\u00dfe", "strasse"),
        ("\uff21\u00ad\u200b\u03a3\u03c2", "a\u03c3\u03c3"),
        ("\u2168\ufe0f", "ix"),
    ],
)
def test_case_folding(text, want):
    assert ops.require("CaseFoldUTF8")(strings(text.encode())).tolist() == [want.encode()]


# Sparse tensors.


@st.composite
def matrices(draw):
    height, width = draw(st.integers(0, 5)), draw(st.integers(1, 5))
    cells = draw(st.lists(st.integers(0, 3), min_size=height * width, max_size=height * width))
    return np.array(cells, np.float64).reshape(height, width)


def sparse(dense):
    indices = np.argwhere(dense).astype(np.int64)
    return indices, dense[tuple(indices.T)], np.array(dense.shape, np.int64)


def dense(indices, values, shape):
    return ops.require("SparseToDense")(indices, shape, values, np.zeros((), values.dtype))


@given(matrices(), matrices())
def test_sparse_arithmetic_is_that_of_dense_matrices(a, b):
    assert dense(*sparse(a)).tolist() == a.tolist()
    product = (
        ops.require("SparseTensorDenseMatMul")(*sparse(a), b, adjoint_a=len(a) == len(b))
        if (a.shape[1] == len(b) or len(a) == len(b))
        else None
    )
    if product is not None:
        assert product.tolist() == ((a.T if len(a) == len(b) else a) @ b).tolist()
    if a.shape == b.shape:
        total = ops.require("SparseAdd")(*sparse(a), *sparse(b), np.float64(0))
        assert dense(*total).tolist() == (a + b).tolist()
        larger = ops.require("SparseSparseMaximum")(*sparse(a), *sparse(b))
        assert dense(*larger, np.array(a.shape, np.int64)).tolist() == np.maximum(a, b).tolist()
    joined = ops.require("SparseReshape")(sparse(a)[0], ints(*a.shape), ints(a.size))
    assert dense(joined[0], sparse(a)[1], joined[1]).tolist() == a.reshape(-1).tolist()
    for axis in (0, 1):
        total = ops.require("SparseReduceSum")(*sparse(a), np.array([axis], np.int32))
        assert total.tolist() == a.sum(axis).tolist()


@given(matrices(), st.integers(0, 1), st.integers(1, 3))
def test_parts_joined_are_the_whole(a, axis, count):
    if a.shape[axis] < count or count < 2:
        return
    parts = ops.require("SparseSplit")(np.int64(axis), *sparse(a), num_split=count)
    indices, values, shape = ops.require("SparseConcat")(*parts, concat_dim=axis)
    assert shape.tolist() == list(a.shape)
    assert dense(indices, values, shape).tolist() == a.tolist()


def test_gradient_of_one_value_for_all_indices():
    op = ops.require("SparseToDense")
    inputs = (ints([0, 1], [2, 0]), ints(3, 2), np.float64(5), np.float64(0))
    g = np.arange(6.0).reshape(3, 2)
    got = op.gradient(Call(op, inputs, [op(*inputs)]), g)
    assert got[0] is None
    assert got[1] is None
    assert [float(x) for x in got[2:]] == [g[0, 1] + g[2, 0], g.sum() - g[0, 1] - g[2, 0]]


def test_a_strong_hash_of_numbers_is_refused():
    with pytest.raises(errors.UnimplementedError, match="SparseCrossHashed"):
        ops.require("SparseCrossHashed")([], [], [], [ints([1, 2])], np.int64(10), np.bool_(True), ints(1, 2))


HUGE = 1 << 60


@pytest.mark.parametrize(
    ("name", "inputs", "attrs"),
    [
        ("SparseToDense", (ints([0, 0]), ints(HUGE, 2), np.ones(1), np.float64(0)), {}),
        ("SparseFillEmptyRows", (ints([0, 0]), np.ones(1), ints(HUGE, 2), np.float64(0)), {}),
        ("SparseReduceSum", (ints([0, 0]), np.ones(1), ints(HUGE, 2), np.array([1], np.int32)), {}),
        ("RaggedRange", (np.int64(0), np.int64(HUGE), np.int64(1)), {}),
        ("RaggedBincount", (ints(0, 1), ints(1), np.int64(HUGE), np.zeros(0)), {}),
        (
            "RaggedTensorToTensor",
            (ints(HUGE, 3), np.ones(1), np.float64(0), [ints(0, 1)]),
            {"row_partition_types": (b"ROW_SPLITS",)},
        ),
        (
            "SparseSegmentSumWithNumSegments",
            (np.ones(1), ints(0), ints(0), np.int64(HUGE)),
            {},
        ),
    ],
)
def test_sizes_are_limited(name, inputs, attrs):
    with pytest.raises(errors.ResourceExhaustedError, match=name):
        ops.require(name)(*inputs, **attrs)
