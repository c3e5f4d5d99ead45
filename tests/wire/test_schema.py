"""The compiled schema against TensorFlow's own descriptors and files, and what damaged files give."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.internal import api_implementation
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import given, settings
from hypothesis import strategies as st

from calque_runtime import errors
from calque_runtime.wire import schema
from wire.listing import listing

GOLDEN = Path(__file__).with_name("golden")
ROOT = Path(__file__).resolve().parents[2]
MESSAGES = json.loads((GOLDEN / "messages.json").read_text())["messages"]
MODELS = sorted(GOLDEN.glob("*.saved_model.pb"))
CORPUS = sorted(Path(os.environ.get("CALQUE_CORPUS", GOLDEN / "absent")).rglob("saved_model.pb"))[:20]


def files():
    data = (ROOT / "runtime/calque_runtime/wire/schema.binpb").read_bytes()
    return descriptor_pb2.FileDescriptorSet.FromString(data).file


def test_every_message_field_and_enum_is_as_in_tensorflow():
    ours = listing(files())
    text = "".join(f"{line}\n" for name in sorted(ours) for line in [name, *ours[name]])
    assert text == (GOLDEN / "schema.txt").read_text()


def test_the_compiled_schema_is_what_proto_compiles_to():
    pytest.importorskip(
        "grpc_tools", reason="grpcio-tools, which holds the protobuf compiler, is not installed"
    )
    from calque_tools.dev import compile_schema

    compiled = descriptor_pb2.FileDescriptorSet.FromString(compile_schema.compile_schema())
    assert list(compiled.file) == list(files())


def test_every_message_is_found_by_name():
    names = [name for name, lines in listing(files()).items() if not any("(" in line for line in lines)]
    enums = [name for name in names if not _is_message(name)]
    assert len(enums) > 10
    for name in names:
        if name in enums:
            assert 0 in schema.enum(name).values()
        else:
            cls = schema.message(name)
            assert cls.DESCRIPTOR.full_name == name
            assert schema.message(name.removeprefix("tensorflow.")) is cls


def _is_message(name):
    try:
        schema.pool().FindMessageTypeByName(name)
    except KeyError:
        return False
    return True


def test_short_names():
    assert schema.SavedObject.DESCRIPTOR.full_name == "tensorflow.SavedObject"
    assert schema.SavedMetadata.DESCRIPTOR.fields_by_name["nodes"].message_type.full_name.startswith(
        "third_party."
    )
    assert schema.message("serving.PredictRequest")().DESCRIPTOR.file.package == "tensorflow.serving"
    assert schema.message("google.protobuf.BoolValue")(value=True).value
    assert schema.enum("error.Code")["DATA_LOSS"] == errors.DATA_LOSS
    assert schema.enum("DataType")["DT_FLOAT"] == 1


def test_unknown_names():
    with pytest.raises(errors.InternalError, match="NoSuchMessage"):
        schema.message("NoSuchMessage")
    with pytest.raises(errors.InternalError, match="NoSuchEnum"):
        schema.enum("NoSuchEnum")
    assert not hasattr(schema, "NoSuchMessage")
    assert not hasattr(schema, "no_such_thing")


def test_threads_share_the_classes():
    code = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
sys.setswitchinterval(1e-6)
from calque_runtime.wire import schema
gate = threading.Barrier(8)
def build(_):
    gate.wait()
    return schema.pool(), schema.message("SavedModel"), schema.message("GraphDef")
with ThreadPoolExecutor(8) as pool:
    results = set(pool.map(build, range(8)))
print(len(results))
"""
    assert _python(code) == "1"
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(schema.message, ["NodeDef"] * 50))) == 1


def _python(code, **env):
    env = {**os.environ, "PYTHONPATH": str(ROOT / "runtime"), **env}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_protobuf_is_imported_only_when_a_message_is_asked_for():
    code = """
import sys
from calque_runtime.wire import schema, structured, tensors
assert "google.protobuf" not in sys.modules
schema.parse(schema.SavedModel, b"", "nothing")
from google.protobuf.internal import api_implementation
slow = {"json_format"}
if api_implementation.Type() == "upb":  # pure Python protobuf imports more
    slow |= {"text_format", "message_factory", "internal.python_message"}
assert not {f"google.protobuf.{name}" for name in slow} & set(sys.modules)
print("lazy")
"""
    assert _python(code) == "lazy"


def test_the_public_interface_of_protobuf_does_as_well(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(api_implementation, "Type", lambda: "python")
        pool, message_class = schema._protobuf.__wrapped__()
    assert message_class.__module__ == "google.protobuf.message_factory"
    built = pool()
    for file in files():
        built.AddSerializedFile(file.SerializeToString())
    cls = message_class(built.FindMessageTypeByName("tensorflow.SavedModel"))
    data = MODELS[-1].read_bytes()
    ours = schema.parse(schema.SavedModel, data, "model")
    assert cls.FromString(data).SerializeToString(deterministic=True) == schema.serialize(ours, "model")


def test_pure_python_protobuf_reads_and_writes_the_same():
    code = f"""
from google.protobuf.internal import api_implementation
assert api_implementation.Type() == "python"
from calque_runtime.errors import DataLossError
from calque_runtime.wire import schema
data = open({str(MODELS[-1])!r}, "rb").read()
model = schema.parse(schema.SavedModel, data, "model")
print(schema.serialize(model, "model").hex())
for damaged in data[:-1], b"\\xff" * 20, b"\\x12\\x02\\x2a\\x05", data[:100] + b"\\xff" + data[101:]:
    try:
        schema.parse(schema.SavedModel, damaged, "model")
    except DataLossError:
        pass
"""
    model = schema.parse(schema.SavedModel, MODELS[-1].read_bytes(), "model")
    written = bytes.fromhex(_python(code, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION="python"))
    assert len(written) == len(MODELS[-1].read_bytes())
    assert schema.parse(schema.SavedModel, written, "model") == model


def _assert_no_unknown(message, where):
    assert len(UnknownFieldSet(message)) == 0, where
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            values = value.values() if field.message_type.fields_by_name["value"].message_type else []
        elif hasattr(value, "ListFields"):
            values = [value]
        else:
            values = value
        for each in values:
            _assert_no_unknown(each, f"{where}.{field.name}")


@pytest.mark.parametrize("path", [*MODELS, *CORPUS], ids=str)
def test_saved_models_survive_reading_and_writing(path):
    data = path.read_bytes()
    model = schema.parse(schema.SavedModel, data, str(path))
    _assert_no_unknown(model, "SavedModel")
    again = schema.serialize(model, str(path))
    assert len(again) == len(data)
    assert schema.parse(schema.SavedModel, again, str(path)) == model


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.name)
def test_text_and_json(path):
    model = schema.parse(schema.SavedModel, path.read_bytes(), str(path))
    text = schema.to_text(model)
    assert text.startswith("saved_model_schema_version: 1\nmeta_graphs {\n  meta_info_def {\n")
    assert schema.from_text(schema.SavedModel, text, "text") == model
    assert schema.from_text(schema.SavedModel, text.encode(), "text") == model
    fields = json.loads(schema.to_json(model))
    assert fields["meta_graphs"][0]["meta_info_def"]["tags"] == ["serve"]


def test_fingerprint():
    data = (GOLDEN / "v2.fingerprint.pb").read_bytes()
    fingerprint = schema.parse(schema.FingerprintDef, data, "fingerprint.pb")
    assert fingerprint.version.producer > 0
    assert len(fingerprint.uuid) > 10
    assert schema.serialize(fingerprint, "fingerprint.pb") == data


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_keep_every_byte(name):
    data = bytes.fromhex(MESSAGES[name])
    message = schema.parse(schema.message(name), data, name)
    _assert_no_unknown(message, name)
    assert schema.serialize(message, name) == data
    assert schema.from_text(schema.message(name), schema.to_text(message), name) == message


def test_any_in_text_and_json():
    holder = schema.SavedObject(registered_name="pk.R")
    holder.serialized_user_proto.Pack(schema.VersionDef(producer=7))
    assert "[type.googleapis.com/tensorflow.VersionDef]" in schema.to_text(holder)
    again = schema.from_text(schema.SavedObject, schema.to_text(holder), "text")
    assert schema.serialize(again, "again") == schema.serialize(holder, "holder")
    assert json.loads(schema.to_json(holder))["serialized_user_proto"]["producer"] == 7
    holder.serialized_user_proto.type_url = "type.googleapis.com/user.Unknown"
    with pytest.raises(errors.UnimplementedError, match=r"user\.Unknown"):
        schema.to_json(holder)
    assert "user.Unknown" in schema.to_text(holder)


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",  # cut inside a varint
        b"\x12\x7f\x00",  # a length past the end
        b"\x12\x06\x0a\x04\x22\x02\xff\xfe",  # a tag that is not UTF-8
        b"\xff" * 11,
        b"\x0b\x08\x01",  # a group that does not end
    ],
)
def test_damaged_bytes(data):
    with pytest.raises(errors.DataLossError, match=r"models/m/saved_model\.pb.*tensorflow\.SavedModel"):
        schema.parse(schema.SavedModel, data, "models/m/saved_model.pb")


def test_nesting_over_the_limit():
    value = schema.StructuredValue(bool_value=True)
    data = value.SerializeToString()
    for _ in range(200):
        inner = b"\x0a" + _varint(len(data)) + data
        data = b"\x9a\x03" + _varint(len(inner)) + inner
    with pytest.raises(errors.DataLossError, match="deep"):
        schema.parse(schema.StructuredValue, data, "deep")


def _varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


@pytest.mark.parametrize(
    "text",
    [
        "meta_graphs {",
        "no_such_field: 1",
        "saved_model_schema_version: x",
        "\x00",
        b"\xff\xfe",
        "meta_graphs {" * 2000,
    ],
    ids=["open", "unknown", "not a number", "zero", "not text", "deep"],
)
def test_damaged_text(text):
    with pytest.raises(errors.DataLossError, match=r"model\.pbtxt"):
        schema.from_text(schema.SavedModel, text, "model.pbtxt")


def test_memoryview_is_taken():
    data = MODELS[0].read_bytes()
    assert schema.parse(schema.SavedModel, memoryview(data), "view") == schema.parse(
        schema.SavedModel, data, "bytes"
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_models_parse_or_raise_data_loss(data):
    original = (GOLDEN / "v1.saved_model.pb").read_bytes()
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(1, len(damaged))) :]
    try:
        model = schema.parse(schema.SavedModel, bytes(damaged), "damaged")
    except errors.DataLossError as error:
        said = error.message
    else:
        said = f"damaged, but still a {model.DESCRIPTOR.name}"
    assert said.startswith("damaged")
    assert "SavedModel" in said
