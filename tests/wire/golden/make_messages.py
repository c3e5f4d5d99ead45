"""Writes messages.json and *.saved_model.pb: what TensorFlow serializes. Run it with TensorFlow's Python.

    python tests/wire/golden/make_messages.py

"structured": StructuredValues from TensorFlow's own coder, by the name of the case. "messages": one message
for each thing of the wire format that is easily got wrong.
"""

import collections
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import graph_debug_info_pb2, tensor_slice_pb2
from tensorflow.core.protobuf import struct_pb2, tensor_bundle_pb2
from tensorflow.python.framework import tensor_spec
from tensorflow.python.saved_model import nested_structure_coder

HERE = Path(__file__).resolve().parent
Point = collections.namedtuple("Point", ["x", "y"])


def structured():
    spec = tf.TensorSpec([None, 3], tf.float32, name="images")
    return {
        "none": None,
        "bool": True,
        "int": -(2**40),
        "float": 0.1,
        "str": "gr\u00fc\u00dfe",
        "list": [1, [2.0, "a"], []],
        "tuple": (1, (), (None, False)),
        "dict": {"b": 1, "a": {"": (2,)}},
        "named tuple": Point(x=1, y=[spec]),
        "shape": tf.TensorShape([1, None]),
        "scalar shape": tf.TensorShape([]),
        "unknown shape": tf.TensorShape(None),
        "dtype": tf.bfloat16,
        "spec": spec,
        "nameless spec": tf.TensorSpec(None, tf.string),
        "bounded spec": tensor_spec.BoundedTensorSpec([2], tf.int32, [0, 1], 9, name="action"),
        "ragged spec": tf.RaggedTensorSpec([None, None], tf.int64, ragged_rank=1),
        "sparse spec": tf.SparseTensorSpec([None, 5], tf.float32),
        "dataset spec": tf.data.DatasetSpec(
            (tf.TensorSpec([], tf.int64), {"x": tf.TensorSpec([4], tf.float32)})
        ),
        "tensor": tf.constant([[1.5, 2.5]]),
        "numpy": np.array([1, 2, 3], np.int16),
        "signature": (([], {"inputs": spec}), {}),
    }


def messages():
    debug = graph_debug_info_pb2.GraphDebugInfo(files=["a.py"])
    debug.traces["node@f"].file_line_cols.add(file_index=0, line=0, col=3, func="f", code="")
    debug.traces_by_id[2**63].frame_id.extend([7, 2**64 - 1])
    slices = tensor_slice_pb2.TensorSliceProto()
    slices.extent.add(start=2, length=0)
    slices.extent.add()
    entry = tensor_bundle_pb2.BundleEntryProto(dtype=1, crc32c=2**32 - 1, offset=2**40, slices=[slices])
    entry.shape.dim.add(size=-1)
    zigzag = struct_pb2.StructuredValue(int64_value=-1)
    example = tf.train.Example()
    example.features.feature["f"].float_list.value.extend([1.5, -0.0])
    example.features.feature["i"].int64_list.value.extend([-1, 2**63 - 1])
    example.features.feature["b"].bytes_list.value.extend([b"\xff", b""])
    event = tf.compat.v1.Event(wall_time=1.5, step=-3)
    event.summary.value.add(tag="loss", simple_value=0.0).metadata.plugin_data.plugin_name = "scalars"
    return {
        "GraphDebugInfo": debug,
        "BundleEntryProto": entry,
        "StructuredValue": zigzag,
        "Example": example,
        "Event": event,
    }


class Model(tf.Module):
    """A variable, a loop, a branch, two signatures and a ragged result."""

    def __init__(self):
        super().__init__(name="model")
        self.w = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="w")
        self.parts = [tf.Variable(1, trainable=False, name="n"), {"k": tf.Variable(b"s", name="k")}]

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def __call__(self, x):
        y = tf.while_loop(lambda i, _: i < 2, lambda i, a: (i + 1, tf.matmul(a, self.w)), (0, x))[1]
        return {"y": y, "sign": tf.cond(tf.reduce_sum(y) > 0, lambda: 1, lambda: -1)}

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int64, 1)])
    def ragged(self, r, scale=2):
        return r * scale


def save_models():
    with tempfile.TemporaryDirectory() as scratch:
        model = Model()
        tf.saved_model.save(model, scratch + "/v2", signatures=model.__call__)
        shutil.copy(scratch + "/v2/saved_model.pb", HERE / "v2.saved_model.pb")
        shutil.copy(scratch + "/v2/fingerprint.pb", HERE / "v2.fingerprint.pb")
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            tf.compat.v1.disable_control_flow_v2()
            x = tf.compat.v1.placeholder(tf.float32, [None], name="x")
            w = tf.compat.v1.get_variable("w", [], initializer=tf.compat.v1.zeros_initializer())
            y = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a * w), (0, x))[1]
            session.run(tf.compat.v1.global_variables_initializer())
            tf.compat.v1.saved_model.simple_save(session, scratch + "/v1", {"x": x}, {"y": y})
        shutil.copy(scratch + "/v1/saved_model.pb", HERE / "v1.saved_model.pb")


def main():
    encode = nested_structure_coder.encode_structure
    rows = {
        "tensorflow": tf.__version__,
        "structured": {},
        "messages": {name: m.SerializeToString(deterministic=True).hex() for name, m in messages().items()},
    }
    for name, value in structured().items():
        rows["structured"][name] = encode(value).SerializeToString(deterministic=True).hex()
    (HERE / "messages.json").write_text(json.dumps(rows, indent=1) + "\n")
    save_models()


main()
