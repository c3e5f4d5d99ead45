"""Bundles that TensorFlow wrote: every value is read exactly, and written again byte for byte."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from calque_runtime import dtypes
from calque_runtime.checkpoint import (
    OBJECT_GRAPH_KEY,
    BundleReader,
    BundleWriter,
    SlotVariable,
    attribute_key,
    decode_object_graph,
    encode_object_graph,
    merge_bundles,
    object_path,
    slot_variable_path,
)
from calque_runtime.errors import DataLossError
from calque_runtime.wire import schema
from checkpoint.bundles import GOLDEN, GOLDEN_NAMES, assert_same, data_path, index_path, write_bundle
from checkpoint.golden.cases import BUNDLES, LONG, MATRIX, SHARDS, SLICED, apply_slice, many

PLAIN = [(bundle, *case) for bundle, cases in BUNDLES.items() for case in cases]


@pytest.mark.parametrize(("bundle", "key", "dtype", "want"), PLAIN, ids=[f"{b}-{k}" for b, k, *_ in PLAIN])
def test_values(bundle, key, dtype, want):
    reader = BundleReader(GOLDEN / bundle)
    assert_same(reader.get_tensor(key), want)
    assert_same(reader.map_tensor(key), want)
    assert_same(reader.map_tensor(key, verify=False), want)
    entry = reader.entries[key]
    assert entry.dtype is dtypes.as_dtype(dtype)
    assert entry.shape == np.shape(want)


@pytest.mark.parametrize("bundle", BUNDLES)
def test_writes_the_same_bytes(bundle, tmp_path):
    with BundleWriter(tmp_path / "out") as writer:
        for key, dtype, value in BUNDLES[bundle]:
            writer.add(key, value, dtype)
    assert index_path(tmp_path / "out").read_bytes() == index_path(GOLDEN / bundle).read_bytes()
    assert data_path(tmp_path / "out").read_bytes() == data_path(GOLDEN / bundle).read_bytes()


@pytest.mark.parametrize(("key", "full", "texts"), SLICED, ids=[case[0] for case in SLICED])
def test_sliced_values(key, full, texts):
    reader = BundleReader(GOLDEN / "sliced")
    stored = [tuple(slice(*b) for b in _bounds(text, full.shape)) for text in texts]
    covered = np.zeros(full.shape, bool)
    for part in stored:
        covered[part] = True
    if covered.all():
        assert_same(reader.get_tensor(key), full)
        assert_same(reader.get_slice(key, ""), full)
        assert_same(reader.map_tensor(key), full)
    for text in texts:
        assert_same(reader.get_slice(key, text), apply_slice(full, text))
        assert_same(reader.get_slice(key, text.split(" ")[-1]), apply_slice(full, text))


def _bounds(text, shape):
    places = text.split(" ")[-1].split(":")
    for place, size in zip(places, shape, strict=True):
        start, length = (0, size) if place == "-" else map(int, place.split(","))
        yield start, start + length


@pytest.mark.parametrize("key", ["rows", "columns", "blocks", "whole"])
@pytest.mark.parametrize(
    "spec", ["2,3:-", "0,1:0,1", "1,6:3,3", "-:5,1", ((2, 3), (0, -1)), ((6, 1), (5, 1))]
)
def test_slices_that_span_parts(key, spec):
    text = spec if isinstance(spec, str) else ":".join("-" if n < 0 else f"{a},{n}" for a, n in spec)
    assert_same(BundleReader(GOLDEN / "sliced").get_slice(key, spec), apply_slice(MATRIX, text))


def test_long_slice_spans_parts():
    got = BundleReader(GOLDEN / "sliced").get_slice("long", "400 2 100,100:-")
    assert_same(got, LONG[100:200])


def test_writes_the_same_slices(tmp_path):
    with BundleWriter(tmp_path / "out") as writer:
        for key, full, texts in SLICED:
            for text in texts:
                writer.add_slice(key, full.shape, text, apply_slice(full, text))
    assert index_path(tmp_path / "out").read_bytes() == index_path(GOLDEN / "sliced").read_bytes()
    assert data_path(tmp_path / "out").read_bytes() == data_path(GOLDEN / "sliced").read_bytes()


def test_merged_shards(tmp_path):
    reader = BundleReader(GOLDEN / "merged")
    assert reader.num_shards == 3
    assert reader.keys() == ["a", "b", "w", "z"]
    assert_same(reader.get_tensor("w"), MATRIX)
    assert_same(reader.get_tensor("a"), np.array([b"one", b""], object))
    assert_same(reader.get_tensor("b"), np.float32(1.5))
    assert_same(reader.get_tensor("z"), np.arange(3))

    parts = []
    for number, shard in enumerate(SHARDS):
        parts.append(tmp_path / f"part-{number}")
        with BundleWriter(parts[-1]) as writer:
            for key, value, text in shard:
                if text:
                    writer.add_slice(key, MATRIX.shape, text, value)
                else:
                    writer.add(key, value)
    merge_bundles(parts, tmp_path / "merged")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in GOLDEN.glob("merged.*")
    )
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (GOLDEN / path.name).read_bytes(), path.name


def test_index_of_many_blocks_has_the_same_bytes(tmp_path):
    sums = json.loads((GOLDEN / "many.json").read_text())
    write_bundle(tmp_path / "many", dict(many()))
    for suffix, want in sums.items():
        assert hashlib.sha256((tmp_path / f"many{suffix}").read_bytes()).hexdigest() == want
    reader = BundleReader(tmp_path / "many")
    assert len(reader.keys()) == 6000
    for key, value in many()[::500]:
        assert_same(reader.get_tensor(key), value)


def test_name_based_checkpoint_of_a_partitioned_variable():
    reader = BundleReader(GOLDEN / "partitioned")
    assert reader.keys() == ["b", "scope/w"]
    assert_same(reader.get_tensor("scope/w"), np.arange(14, dtype=np.float32).reshape(7, 2))
    assert len(reader.entries["scope/w"].slices) == 3
    assert reader.get_variable_to_shape_map() == {"b": [2], "scope/w": [7, 2]}
    assert reader.get_variable_to_dtype_map() == {"b": dtypes.float32, "scope/w": dtypes.float32}


def test_object_based_checkpoint():
    reader = BundleReader(GOLDEN / "objects")
    slot = attribute_key(slot_variable_path("list/0", "optimizer", "momentum"))
    want = {
        attribute_key(object_path(["list", "0"])): np.array([0.8, 1.6], np.float32),
        attribute_key(object_path(["list", "1"])): np.int32(3),
        attribute_key(object_path(["dict", "a/b"])): np.float32(4),
        attribute_key(object_path(["dict", "c.d"])): np.array(b"text", object),
        attribute_key("step"): np.int64(5),
        slot: np.array([2.0, 4.0], np.float32),
    }
    for key, value in want.items():
        assert_same(reader.get_tensor(key), value)
    iterator = attribute_key("iterator", "ITERATOR_STATE")
    assert set(reader.keys()) == {*want, iterator, OBJECT_GRAPH_KEY}
    assert reader.entries[iterator].dtype is dtypes.variant
    states = reader.get_tensor(iterator).ravel().tolist()
    assert len(states) == 3
    for state in states:
        message = schema.parse(schema.message("VariantTensorDataProto"), state, iterator)
        assert message.type_name == "tensorflow::Iterator"


def test_object_graph():
    data = BundleReader(GOLDEN / "objects").get_tensor(OBJECT_GRAPH_KEY).item()
    graph = decode_object_graph(data)
    root = dict(graph.nodes[0].children)
    assert set(root) >= {"list", "dict", "step", "optimizer", "iterator"}
    entries = dict(graph.nodes[root["dict"]].children)
    assert set(entries) == {"a/b", "c.d"}
    assert graph.nodes[entries["a/b"]].attributes == [
        ("VARIABLE_VALUE", "Variable", "dict/a.Sb/.ATTRIBUTES/VARIABLE_VALUE")
    ]
    assert graph.nodes[entries["a/b"]].has_values is True
    first = dict(graph.nodes[root["list"]].children)["0"]
    (slot,) = graph.nodes[root["optimizer"]].slot_variables
    assert slot == SlotVariable(first, "momentum", slot.slot)
    assert (
        graph.nodes[slot.slot].attributes[0][2]
        == "list/0/.OPTIMIZER_SLOT/optimizer/momentum/.ATTRIBUTES/VARIABLE_VALUE"
    )
    assert encode_object_graph(graph) == data


@pytest.mark.parametrize(
    "name", [name for name in GOLDEN_NAMES if name not in ("sliced", "merged", "partitioned")]
)
def test_read_and_written_again(name, tmp_path):
    reader = BundleReader(GOLDEN / name)
    with BundleWriter(tmp_path / "out") as writer:
        for key, entry in sorted(reader.entries.items(), key=lambda item: (item[1].offset, item[1].size)):
            writer.add(key, reader.get_tensor(key), entry.dtype)
    assert data_path(tmp_path / "out").read_bytes() == data_path(GOLDEN / name).read_bytes()
    assert index_path(tmp_path / "out").read_bytes() == index_path(GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", GOLDEN_NAMES)
def test_verify(name):
    reader = BundleReader(GOLDEN / name)
    if name == "sliced":  # of its "strings" only two parts of three were saved
        with pytest.raises(DataLossError, match="'strings': its 2 parts do not cover it"):
            reader.verify()
    else:
        reader.verify()
