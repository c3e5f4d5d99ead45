"""Streams: sequences of stateful ops, resets, generators, and Philox itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calque_runtime import dtypes, errors, ops
from calque_runtime.environment import Environment, Limits
from calque_runtime.ir import Function, Node
from calque_runtime.ops import philox, streams
from calque_runtime.ops.philox import Philox
from calque_runtime.plan import compile_function
from calque_runtime.resources import Variable

# What TensorFlow 2.21 gave on two successive eager calls with these attributes.
SEQUENCES = {
    "RandomUniform": (
        (np.array([3], np.int32),),
        {"seed": 1, "seed2": 2, "dtype": "float32"},
        [[0.40639675, 0.8575996, 0.05539584], [0.16840732, 0.88910615, 0.53549695]],
    ),
    "RandomShuffle": (
        (np.arange(10),),
        {"seed": 3, "seed2": 4},
        [[1, 5, 3, 8, 0, 4, 7, 6, 9, 2], [6, 5, 9, 3, 2, 7, 8, 1, 4, 0]],
    ),
    "Multinomial": (
        (np.log([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]), np.int32(5)),
        {"seed": 3, "seed2": 4},
        [[[2, 2, 2, 2, 0], [0, 1, 2, 2, 0]], [[0, 0, 2, 1, 2], [0, 2, 1, 2, 2]]],
    ),
    "RandomGamma": (
        (np.array([3], np.int32), np.array([1.0, 2.0])),
        {"seed": 3, "seed2": 4},
        [
            [[0.88089485, 1.85130861], [1.35477095, 0.40484103], [1.36815218, 2.01814075]],
        ],
    ),
    "RandomPoissonV2": (
        (np.array([3], np.int32), np.array([2.0, 2.0], np.float32)),
        {"seed": 3, "seed2": 4, "dtype": "int32"},
        [
            [[3, 2], [1, 1], [2, 2]],
        ],
    ),
}


@pytest.fixture(autouse=True)
def fresh_streams():
    streams.reset_eager()


def function_of(name, inputs, attrs):
    op = ops.require(name)
    full = op.signature.complete([dtypes.from_numpy(x.dtype) for x in inputs], attrs)
    function = Function("f")
    values = [
        function.add_input(function.unique_name(f"x{i}"), dtypes.from_numpy(x.dtype), x.shape)
        for i, x in enumerate(inputs)
    ]
    node = function.add(
        Node(op, function.unique_name("draw"), values, full, op.signature.output_dtypes(full))
    )
    function.outputs = list(node.outputs)
    return function


@pytest.mark.parametrize("name", SEQUENCES)
def test_eager_calls_continue_the_sequence(name):
    inputs, attrs, wants = SEQUENCES[name]
    for want in wants:
        np.testing.assert_allclose(ops.require(name)(*inputs, **attrs), want, rtol=1e-6)
    streams.reset_eager()
    np.testing.assert_allclose(ops.require(name)(*inputs, **attrs), wants[0], rtol=1e-6)


@pytest.mark.parametrize("name", SEQUENCES)
def test_each_plan_has_its_own_sequence(name):
    inputs, attrs, wants = SEQUENCES[name]
    for _ in range(2):
        plan = compile_function(function_of(name, inputs, attrs), Environment())
        for want in wants:
            np.testing.assert_allclose(plan(*inputs)[0], want, rtol=1e-6)


def test_eager_calls_with_other_attributes_have_other_streams():
    uniform, shape = ops.require("RandomUniform"), np.array([4], np.int32)
    first = uniform(shape, seed=1, seed2=2, dtype="float32")
    assert not np.array_equal(first, uniform(shape, seed=1, seed2=3, dtype="float32"))
    assert not np.array_equal(first, uniform(shape, seed=1, seed2=2, dtype="float32"))


def test_without_seeds_nothing_repeats():
    uniform, shape = ops.require("RandomUniform"), np.array([4], np.int32)
    first = uniform(shape, dtype="float64")
    streams.reset_eager()
    assert not np.array_equal(first, uniform(shape, dtype="float64"))


@pytest.mark.parametrize("name", ["RandomUniform", "StatelessRandomUniform", "RandomGamma"])
def test_size_is_limited(name):
    op, env = ops.require(name), Environment(limits=Limits(max_bytes=1 << 10))
    inputs = {
        "RandomUniform": (np.array([100, 100], np.int32),),
        "StatelessRandomUniform": (np.array([100, 100], np.int32), np.array([1, 2])),
        "RandomGamma": (np.array([100], np.int32), np.ones(100)),
    }[name]
    plan = compile_function(
        function_of(name, inputs, {} if name != "RandomUniform" else {"dtype": "float32"}), env
    )
    with pytest.raises(errors.ResourceExhaustedError, match=op.name):
        plan(*inputs)


# Known answers of Philox 4x32-10 from its authors' distribution (Random123, kat_vectors).
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "want"), KNOWN)
def test_known_answers(counter, key, want):
    gen = Philox(key[0] | key[1] << 32, sum(c << 32 * i for i, c in enumerate(counter)))
    assert tuple(gen.words(4).tolist()) == want


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**128 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**70))
def test_skipping_is_drawing(counter, key, skip):
    gen = Philox(key, counter)
    offsets = np.array([0, 1, 5], np.uint64)
    there = gen.skip(skip).at(offsets)
    for row, offset in zip(there, offsets.tolist(), strict=True):
        assert gen.skip(skip + offset).words(4).tolist() == row.tolist()


def test_chunks_join():
    gen, count = Philox(3, (1 << 64) - 5), 4 * philox._CHUNK + 21
    words = gen.words(count)
    assert words[-21:].tolist() == gen.skip(philox._CHUNK).words(21).tolist()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_moments(dtype):
    kind, gen, n = dtypes.as_dtype(dtype), Philox.scrambled(5, 6), 40000
    uniform = philox.uniform(gen, n, kind).astype(np.float64)
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.01
    normal = philox.normal(gen, n, kind).astype(np.float64)
    assert abs(normal.mean()) < 0.02
    assert abs(normal.std() - 1) < 0.02
    truncated = philox.truncated_normal(gen, n, kind).astype(np.float64)
    assert np.abs(truncated).max() <= 2
    assert abs(truncated.std() - 0.8796) < 0.02


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.5])
def test_gamma_moments(alpha):
    got = ops.require("StatelessRandomGammaV2")(np.array([20000]), np.array([1, 2]), np.float64(alpha))
    assert abs(got.mean() - alpha) < 0.1
    assert abs(got.var() - alpha) < 0.3


def test_gamma_of_negative_alpha_is_nan():
    got = ops.require("StatelessRandomGammaV2")(np.array([4]), np.array([1, 2]), np.float64(-3))
    assert np.isnan(got).all()


def test_poisson_of_infinity():
    op, shape, seed = ops.require("StatelessRandomPoisson"), np.array([2]), np.array([1, 2])
    rate = np.array([np.inf, np.nan])
    np.testing.assert_array_equal(
        op(shape, seed, rate, dtype="float32"), np.array([np.inf, np.nan], np.float32)
    )
    with pytest.raises(errors.InvalidArgumentError, match="finite"):
        op(shape, seed, rate, dtype="int32")


def generator(counter=0, key=77):
    return Variable(dtypes.int64, (3,), "generator", np.array([counter, 0, key], np.int64))


def run_on(variable, name, *inputs, **attrs):
    """A generator op's outputs; resources cannot pass through the numpy interpreter."""
    from calque_runtime.op import Site

    op = ops.require(name)
    types = [dtypes.resource] + [dtypes.from_numpy(x.dtype) for x in inputs]
    return op.bind(Site(op, op.signature.complete(types, attrs), types))(variable, *inputs)


def test_generator_draws_what_a_stateless_op_draws_and_moves_on():
    variable, shape, alg = generator(), np.array([5]), np.int64(1)
    key, counter = np.array([77], np.uint64), np.array([0, 0], np.uint64)
    uniform = ops.require("StatelessRandomUniformV2")
    first = run_on(variable, "StatefulUniform", alg, shape, dtype="float32")
    np.testing.assert_array_equal(first, uniform(shape, key, counter, np.int32(1), dtype="float32"))
    second = run_on(variable, "StatefulUniform", alg, shape, dtype="float32")
    counter[0] = 5 * 256
    np.testing.assert_array_equal(second, uniform(shape, key, counter, np.int32(1), dtype="float32"))
    assert variable.value.tolist() == [2 * 5 * 256, 0, 77]


def test_generator_counter_carries():
    variable = generator(counter=-1)
    before = run_on(variable, "RngReadAndSkip", np.int32(1), np.uint64(1))
    assert before.tolist() == [-1, 0, 77]
    assert variable.value.tolist() == [255, 1, 77]
    run_on(variable, "RngSkip", np.int64(1), np.int64(1))
    assert variable.value.tolist() == [511, 1, 77]


@pytest.mark.parametrize("name", ["StatefulStandardNormalV2", "StatefulTruncatedNormal"])
def test_generator_normals(name):
    got = run_on(generator(), name, np.int64(3), np.array([20000]), dtype="float64")
    assert abs(got.mean()) < 0.05
    assert got.std() > 0.8


def test_generator_ints():
    got = run_on(generator(), "StatefulUniformInt", np.int64(1), np.array([1000]), np.int64(-3), np.int64(4))
    assert sorted(set(got.tolist())) == [-3, -2, -1, 0, 1, 2, 3]
    full = run_on(generator(), "StatefulUniformFullInt", np.int64(1), np.array([100]), dtype="uint64")
    assert full.dtype == np.uint64
    assert full.max() > 1 << 62


def test_generator_refuses_other_algorithms_and_states():
    with pytest.raises(errors.InvalidArgumentError, match="algorithm"):
        run_on(generator(), "StatefulUniform", np.int64(2), np.array([5]), dtype="float32")
    short = Variable(dtypes.int64, None, "short", np.array([1, 2], np.int64))
    with pytest.raises(errors.InvalidArgumentError, match="at least 3"):
        run_on(short, "StatefulUniform", np.int64(1), np.array([5]), dtype="float32")
