"""Writes schema.txt: what TensorFlow's own descriptors say of every message that calque's schema has.

Run it where tensorflow, tf_keras and tensorflow-serving-api can be imported:

    python tests/wire/golden/make_schema_listing.py
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import tensorflow as tf  # noqa: F401  (registers its messages)
import tensorflow_serving
import tf_keras.protobuf.saved_metadata_pb2  # noqa: F401
from google.protobuf import descriptor_pb2, descriptor_pool
from tensorflow.python.training import checkpoint_state_pb2  # noqa: F401

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from listing import listing  # noqa: E402

OURS = HERE.parents[2] / "runtime" / "calque_runtime" / "wire" / "schema.binpb"


def main():
    for module in pkgutil.walk_packages(tensorflow_serving.__path__, "tensorflow_serving."):
        if module.name.endswith("_pb2"):
            importlib.import_module(module.name)
    for name in [
        "named_tensor",
        "fingerprint",
        "tensor_bundle",
        "composite_tensor_variant",
        "queue_runner",
        "control_flow",
    ]:
        importlib.import_module(f"tensorflow.core.protobuf.{name}_pb2")
    importlib.import_module("tensorflow.core.util.saved_tensor_slice_pb2")
    pool = descriptor_pool.Default()
    ours = descriptor_pb2.FileDescriptorSet.FromString(OURS.read_bytes())
    lines = []
    for name in sorted(listing(ours.file)):
        file = descriptor_pb2.FileDescriptorProto()
        pool.FindFileContainingSymbol(name).CopyToProto(file)
        lines += [name, *listing([file])[name]]
    (HERE / "schema.txt").write_text("\n".join(lines) + "\n")


main()
