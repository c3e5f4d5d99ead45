"""TensorBoard itself shows what calque logs: runs, tags, values, and graphs grouped by module."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
from calque_runtime.wire import schema
from interop.tf_process import TensorFlow

# Serves a directory on a port of its own, which it prints, until its input ends.
SERVER = """
import sys
from tensorboard import program

server = program.TensorBoard()
server.configure(
    argv=[None, "--logdir", sys.argv[1], "--host", "127.0.0.1", "--port", "0", "--load_fast", "false",
          "--reload_interval", "1"]
)
print(server.launch(), flush=True)
sys.stdin.read()
"""
PATIENCE = 90  # seconds


class Dense(calque.Module):
    def __init__(self, width: int, name: str) -> None:
        super().__init__(name=name)
        self.w = calque.Variable(calque.ones([3, width]), name="w")
        self.b = calque.Variable(calque.zeros([width]), name="b")

    @calque.Module.with_name_scope
    def __call__(self, x: Any) -> Any:
        return calque.nn.relu(calque.matmul(x, self.w) + self.b)


class Model(calque.Module):
    def __init__(self) -> None:
        super().__init__(name="model")
        with self.name_scope:
            self.hidden, self.out = Dense(3, "hidden"), Dense(2, "out")

    @calque.function
    def __call__(self, x: Any) -> Any:
        return self.out(self.hidden(x))


def log(logdir: Path) -> None:
    """What a training run logs: in the run ``train`` every kind of summary, in ``graph`` a graph alone."""
    model, summary = Model(), calque.summary
    x = calque.ones([4, 3])
    with summary.create_file_writer(logdir / "train").as_default():
        summary.trace_on(graph=True)
        model(x)
        summary.trace_export("model_trace", step=0)
        for step in range(3):
            summary.scalar("loss", 1 / (step + 1), step=step, description="the *loss*")
        summary.histogram("weights", model.hidden.w, step=1, buckets=5)
        summary.image("picture", np.full([1, 2, 3, 1], 0.5, np.float32), step=1)
        summary.text("notes", "hello **there**", step=2)
        summary.audio("sound", np.zeros([1, 8, 1], np.float32), 8000, step=2)
    with summary.create_file_writer(logdir / "graph").as_default():
        summary.graph(model.__call__.get_concrete_function(x).graph)


class TensorBoard:
    """A server, asked through its HTTP API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **query: Any) -> bytes:
        """What it answers, as bytes."""
        with urllib.request.urlopen(
            f"{self.url}data/{path}?{urllib.parse.urlencode(query)}", timeout=30
        ) as answer:
            found: bytes = answer.read()
        return found

    def json(self, path: str, **query: Any) -> Any:
        """What it answers, from JSON."""
        return json.loads(self.get(path, **query))

    def wait_for(self, found: Callable[[], Any]) -> Any:
        """What `found` gives, once it is something: the server reads files while it answers already."""
        end = time.monotonic() + PATIENCE
        while not found() and time.monotonic() < end:
            time.sleep(0.2)
        return found()

    def plugin(self, name: str) -> Any:
        """The tags of a plugin by run."""
        return self.wait_for(
            lambda: self.json(f"plugin/{name}/tags").get("train") and self.json(f"plugin/{name}/tags")
        )

    def graph(self, run: str, **tag: str) -> dict[str, Any]:
        """A graph's nodes by name."""
        text = self.get("plugin/graphs/graph", run=run, conceptual="false", **tag)
        graph = schema.from_text(schema.GraphDef, text, "the graph that TensorBoard shows")
        return {node.name: node for node in graph.node}


@pytest.fixture(scope="module")
def board(tf: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TensorBoard]:
    logdir = tmp_path_factory.mktemp("logs")
    log(logdir)
    arguments = [tf.python, "-c", SERVER, str(logdir)]
    with (
        open(logdir.parent / "tensorboard.log", "w+b") as errors,
        subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            url = server.stdout.readline().decode().strip()
            errors.seek(0)
            assert url.startswith("http://127.0.0.1:"), errors.read().decode(errors="replace")
            yield TensorBoard(url)
        finally:
            server.stdin.close()
            server.terminate()
            server.wait(30)


def test_runs(board: TensorBoard) -> None:
    runs = board.wait_for(lambda: len(board.json("runs")) == 2 and board.json("runs"))
    assert sorted(runs) == ["graph", "train"]


def test_scalars(board: TensorBoard) -> None:
    tags = board.plugin("scalars")["train"]
    assert tags == {"loss": {"displayName": "", "description": "<p>the <em>loss</em></p>"}}
    points = board.json("plugin/scalars/scalars", run="train", tag="loss")
    assert [step for _, step, _ in points] == [0, 1, 2]
    np.testing.assert_allclose([value for _, _, value in points], [1, 1 / 2, 1 / 3], rtol=1e-6)


def test_histograms(board: TensorBoard) -> None:
    assert list(board.plugin("histograms")["train"]) == ["weights"]
    ((_, step, buckets),) = board.json("plugin/histograms/histograms", run="train", tag="weights")
    assert step == 1
    assert buckets[-1] == [1, 1, 9]


def test_images(board: TensorBoard) -> None:
    image = pytest.importorskip("PIL.Image")
    assert list(board.plugin("images")["train"]) == ["picture"]
    (found,) = board.json("plugin/images/images", run="train", tag="picture", sample=0)
    assert found["step"] == 1
    query = dict(urllib.parse.parse_qsl(found["query"]))
    shown = image.open(io.BytesIO(board.get("plugin/images/individualImage", **query)))
    np.testing.assert_array_equal(np.asarray(shown), np.full([2, 3], 127))


def test_text(board: TensorBoard) -> None:
    assert list(board.plugin("text")["train"]) == ["notes"]
    (found,) = board.json("plugin/text/text", run="train", tag="notes")
    assert (found["step"], found["text"]) == (2, "<p>hello <strong>there</strong></p>")


def test_audio(board: TensorBoard) -> None:
    assert list(board.plugin("audio")["train"]) == ["sound"]
    (found,) = board.json("plugin/audio/audio", run="train", tag="sound", sample=0)
    assert (found["step"], found["contentType"]) == (2, "audio/wav")


def test_the_graph_reads_like_the_code(board: TensorBoard) -> None:
    info = board.wait_for(
        lambda: len(board.json("plugin/graphs/info")) == 2 and board.json("plugin/graphs/info")
    )
    assert info["train"]["tags"]["model_trace"]["op_graph"]
    assert not info["train"]["run_graph"]
    assert info["graph"]["run_graph"]
    for nodes in (board.graph("train", tag="model_trace"), board.graph("graph")):
        scopes = {name.rpartition("/")[0] for name in nodes}
        assert scopes == {"", "model/hidden", "model/out"}
        edges = {(source.partition(":")[0], name) for name, node in nodes.items() for source in node.input}
        for layer, given in (("model/hidden", "x"), ("model/out", "model/hidden/Relu")):
            assert nodes[f"{layer}/Relu"].op == "Relu"
            (product,) = (n for n, node in nodes.items() if n.startswith(layer) and node.op == "MatMul")
            (total,) = (n for n, node in nodes.items() if n.startswith(layer) and node.op == "AddV2")
            assert edges >= {(given, product), (product, total), (total, f"{layer}/Relu")}


def test_the_page_opens_in_a_browser(board: TensorBoard, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no chromium or google-chrome on the PATH")
    picture = tmp_path / "graphs.png"
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--window-size=1400,900", "--virtual-time-budget=20000", f"--screenshot={picture}",
         f"{board.url}#graphs"],
        check=True, timeout=120, capture_output=True,
    )  # fmt: skip
    image = pytest.importorskip("PIL.Image")
    canvas = np.asarray(image.open(picture).convert("L"))[110:600, 360:]  # where the graph is drawn
    assert (canvas < 200).sum() > 500, "the page shows no graph"
    kept = os.environ.get("CALQUE_KEEP_SCREENSHOT")
    if kept:
        shutil.copyfile(picture, kept)
