"""Our SavedModels under TensorFlow's tools: command line, checkpoints, C API; and TensorFlow's saved again by us."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import calque
from calque_runtime.record import replace
from calque_runtime.savedmodel import files
from calque_runtime.wire import schema
from calque_runtime.wire.fingerprint import encode_fingerprint
from interop.test_saved_models import NAMES, TESTS, same
from interop.tf_process import TensorFlow
from saved_model.calls import CALLS
from saved_model.test_load import expected
from support import driving

GOLDEN = TESTS / "saved_model" / "golden"
GOLDEN_MODELS = sorted({call.model for call in CALLS} - {"tables"})


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A model of several signatures, saved by us."""
    root, _ = driving.build(calque, "several_signatures", tmp_path / "files")
    driving.save(calque, root, "several_signatures", tmp_path / "model")
    return tmp_path / "model"


def test_command_line_shows_and_runs(tf: TensorFlow, several: Path, tmp_path: Path) -> None:
    shown = tf.command("saved_model_cli", "show", "--dir", str(several), "--all")
    for fact in (
        "MetaGraphDef with tag-set: 'serve'",
        "signature_def['serving_default']",
        "signature_def['named']",
        "inputs['B'] tensor_info:",
        "dtype: DT_STRING",
        "shape: (-1, 3)",
        "name: serving_default_x:0",
        "outputs['probabilities'] tensor_info:",
        "Method name is: tensorflow/serving/predict",
        "Concrete Functions:",
        "Function Name: 'serve'",
        "x: TensorSpec(shape=(None, 3), dtype=tf.float32, name='x')",
    ):
        assert fact in shown, shown
    out = tmp_path / "out"
    arguments = (
        "--tag_set",
        "serve",
        "--signature_def",
        "add",
        "--input_exprs",
        "a=[1., 2.];B=[3., 4.]",
    )
    tf.command("saved_model_cli", "run", "--dir", str(several), *arguments, "--outdir", str(out))
    assert np.load(out / "output_0.npy").tolist() == [7.0, 10.0]


def restore_all(tests, where):  # type: ignore[no-untyped-def]
    """In TensorFlow: every model built anew, its variables spoiled, and restored from the saved models in `where`."""
    import sys
    from pathlib import Path

    import tensorflow as tf

    sys.path.insert(0, tests)
    from support import driving, models

    found = {}
    for name in models.MODELS:
        root, _ = driving.build(tf, name, Path(where) / "there" / name)
        every = [v for _, v in driving._walk(root, "", tf.train.TrackableView.children, ())]
        for variable in every:
            variable.assign(tf.zeros_like(variable))
        prefix = str(Path(where) / name / "variables" / "variables")
        tf.train.Checkpoint(root).restore(prefix).expect_partial()
        found[name] = driving.variables(root, tf.train.TrackableView.children)
    return found


def test_checkpoints_of_ours_are_restored(tf: TensorFlow, tmp_path: Path) -> None:
    want = {}
    for name in NAMES:
        root, _ = driving.build(calque, name, tmp_path / "files" / name)
        driving.save(calque, root, name, tmp_path / name)
        want[name] = driving.variables(root, lambda one: one._trackable_children())
    got = tf.run(restore_all, tests=str(TESTS), where=str(tmp_path))
    assert len([name for name in NAMES if want[name]]) > 12
    same(
        {name: {k: v["value"] for k, v in by.items()} for name, by in got.items()},
        {name: {k: v["value"] for k, v in by.items()} for name, by in want.items()},
    )


def test_fingerprints_are_computed_alike(tf: TensorFlow, several: Path, tmp_path: Path) -> None:
    code = """
    fingerprint = tf.saved_model.experimental.read_fingerprint(where)
    result = fingerprint.signature_def_hash, fingerprint.checkpoint_hash
    """
    theirs = tmp_path / "theirs"
    tf.run(save_ragged, where=str(theirs))
    for directory in (several, theirs):
        index = (directory / "variables" / "variables.index").read_bytes()
        signatures = files.read_meta_graphs(directory)[0].signatures
        computed = schema.FingerprintDef.FromString(encode_fingerprint(b"", signatures, index))
        assert tf.run(code, where=str(directory)) == (computed.signature_def_hash, computed.checkpoint_hash)


# What TensorFlow saved, with what calque cannot trace, loaded and saved again by calque


def run_golden(tests, where):  # type: ignore[no-untyped-def]
    """In TensorFlow: the calls of the golden models, on what calque made of them."""
    import sys
    from pathlib import Path

    import tensorflow as tf

    sys.path.insert(0, tests)
    from saved_model.calls import CALLS, arguments, resolve
    from support import driving

    found = {}
    for directory in sorted(Path(where).iterdir()):
        loaded = tf.saved_model.load(str(directory))
        for call in CALLS:
            if call.model == directory.name:
                args, kwargs = arguments(call, tf)
                found[call.model, call.name] = driving.leaves(resolve(loaded, call)(*args, **kwargs))
        with tf.compat.v1.Session(graph=tf.Graph()) as session:
            meta = tf.compat.v1.saved_model.load(session, ["serve"], str(directory))
            for call in CALLS:
                if call.model == directory.name and call.target.startswith("signatures."):
                    signature = meta.signature_def[call.target.partition(".")[2]]
                    feed = {signature.inputs[k].name: v for k, v in call.kwargs.items()}
                    fetch = {k: info.name for k, info in signature.outputs.items()}
                    got = session.run(fetch, feed)
                    found[call.model, call.name, "session"] = {
                        f"out.{k}": driving.array(v) for k, v in got.items()
                    }
    return found


def test_what_we_cannot_trace_survives_saving_again(tf: TensorFlow, tmp_path: Path) -> None:
    for name in GOLDEN_MODELS:
        calque.saved_model.save(calque.saved_model.load(GOLDEN / name), tmp_path / name)
    found = tf.script(run_golden, tests=str(TESTS), where=str(tmp_path))
    calls = [call for call in CALLS if call.model in GOLDEN_MODELS]
    assert len(calls) > 30
    for call in calls:
        same(found[call.model, call.name], expected(call), f"{call.model} {call.name}")
        if call.target.startswith("signatures."):
            same(
                found[call.model, call.name, "session"],
                expected(call),
                f"{call.model} {call.name} in a session",
            )


def save_ragged(where):  # type: ignore[no-untyped-def]
    """In TensorFlow: a model whose signature returns ragged and sparse tensors, and a default may be left out."""
    import tensorflow as tf

    class Ragged(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([], tf.string)])
        def split(self, text, by=tf.constant(" ")):  # noqa: B008
            words = tf.strings.split(text, by)
            return {"words": words, "sparse": words.to_sparse(), "count": words.row_lengths()}

    model = Ragged()
    tf.saved_model.save(model, where, signatures=model.split)


def run_ragged(where):  # type: ignore[no-untyped-def]
    """In TensorFlow: what that model gives."""
    import tensorflow as tf

    loaded = tf.saved_model.load(where)
    text = tf.constant(["a bc", "", "d"])
    got = loaded.signatures["serving_default"](text=text, by=tf.constant(" "))
    found = {
        "words": got["words"].to_list(),
        "sparse": tf.sparse.to_dense(got["sparse"]),
        "count": got["count"],
    }
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], where)
        signature = meta.signature_def["serving_default"]
        parts = signature.outputs["words"].composite_tensor.components
        fetch = [part.name for part in parts], signature.outputs["count"].name
        found["session"] = session.run(fetch, {signature.inputs["text"].name: ["a bc", "", "d"]})
        found["defaults"] = {k: tf.make_ndarray(v).tolist() for k, v in signature.defaults.items()}
    return found


def test_signatures_of_ragged_tensors_survive_saving_again(tf: TensorFlow, tmp_path: Path) -> None:
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    tf.run(save_ragged, where=first)
    calque.saved_model.save(calque.saved_model.load(first), second)
    got, want = tf.script(run_ragged, where=second), tf.script(run_ragged, where=first)
    assert repr(got) == repr(want)
    infos = [
        files.read_meta_graphs(where)[0].signatures["serving_default"].outputs for where in (first, second)
    ]
    assert infos[0]["sparse"].coo_sparse
    assert all(
        replace(infos[1][name], name="", coo_sparse=None, composite=None)
        == replace(info, name="", coo_sparse=None, composite=None)
        for name, info in infos[0].items()
    )
    assert got["words"] == [[b"a", b"bc"], [b""], [b"d"]]


# The C API, on which TensorFlow Serving and the bindings of other languages stand

C_API = r"""
import ctypes, glob, os, numpy as np
folder = os.path.dirname(tf.__file__)
lib = ctypes.CDLL(glob.glob(os.path.join(folder, "libtensorflow_cc.so*"))[0])
p = ctypes.c_void_p
class Output(ctypes.Structure):
    _fields_ = [("operation", p), ("index", ctypes.c_int)]
for name in ("NewStatus", "NewGraph", "NewSessionOptions", "LoadSessionFromSavedModel", "AllocateTensor", "TensorData",
             "GraphOperationByName"):
    getattr(lib, "TF_" + name).restype = p
lib.TF_Message.restype = ctypes.c_char_p
lib.TF_TensorByteSize.restype = ctypes.c_size_t
status, graph = p(lib.TF_NewStatus()), p(lib.TF_NewGraph())
def checked():
    if lib.TF_GetCode(status):
        raise RuntimeError(lib.TF_Message(status).decode())
tags = (ctypes.c_char_p * 1)(b"serve")
session = p(lib.TF_LoadSessionFromSavedModel(
    p(lib.TF_NewSessionOptions()), None, where.encode(), tags, 1, graph, None, status))
checked()
def output(name):
    operation, _, index = name.partition(":")
    return Output(p(lib.TF_GraphOperationByName(graph, operation.encode())), int(index))
dims = (ctypes.c_int64 * x.ndim)(*x.shape)
given = p(lib.TF_AllocateTensor(1, dims, x.ndim, ctypes.c_size_t(x.nbytes)))  # 1: float32
ctypes.memmove(lib.TF_TensorData(given), x.ctypes.data, x.nbytes)
got = (p * 1)()
lib.TF_SessionRun(session, None, (Output * 1)(output(feed)), (p * 1)(given), 1, (Output * 1)(output(fetch)), got, 1,
                  None, 0, None, status)
checked()
size = lib.TF_TensorByteSize(p(got[0]))
result = np.frombuffer(ctypes.string_at(lib.TF_TensorData(p(got[0])), size), np.float32)
"""


def test_the_c_api_loads_and_runs(tf: TensorFlow, several: Path) -> None:
    signature = files.read_meta_graphs(several)[0].signatures["serving_default"]
    x = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    got = tf.script(
        C_API,
        where=str(several),
        x=x,
        feed=signature.inputs["x"].name,
        fetch=signature.outputs["logits"].name,
    )
    want = calque.saved_model.load(several).signatures["serving_default"](x=x)["logits"].numpy()
    np.testing.assert_allclose(got.reshape(want.shape), want, rtol=1e-6)
