"""The command as a whole: help, exit statuses, bad input, terminals and pipes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import calque_runtime
from calque_runtime.wire import schema

COMMANDS = ["show", "dump", "ckpt"]
ROOT = Path(__file__).parents[2]
PACKAGES = os.pathsep.join(str(ROOT / name) for name in ("runtime", "tracer", "tools"))


def test_version(run: Callable[..., Any]) -> None:
    assert run("--version").stdout == f"calque {calque_runtime.__version__}\n"


def test_help(run: Callable[..., Any]) -> None:
    text = run("--help").stdout
    assert all(name in text for name in COMMANDS)
    assert "Exit status" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(run: Callable[..., Any], command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example:\n  calque {command} " in result.stdout.replace("    calque", "  calque")
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("arguments", [["frob"], ["show"], ["show", "--frob", "x"], ["ckpt", "a", "b"]])
def test_wrong_usage(run: Callable[..., Any], arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


def failed(result: Any, *says: str) -> None:
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr
    assert "calque itself" not in result.stderr
    for text in says:
        assert text in result.stderr


@pytest.mark.parametrize("command", ["show", "dump"])
def test_bad_directories(run: Callable[..., Any], tmp_path: Path, command: str) -> None:
    missing = tmp_path / "missing"
    failed(run(command, missing), str(missing), "does not exist")
    failed(run(command, tmp_path), str(tmp_path), "saved_model.pb")
    (tmp_path / "file").write_bytes(b"")
    failed(run(command, tmp_path / "file"), "file")
    (tmp_path / "saved_model.pb").write_bytes(b"")
    failed(run(command, tmp_path), "saved_model.pb", "no meta graph")
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 100)
    failed(run(command, tmp_path), "saved_model.pb")


@pytest.mark.parametrize("command", ["show", "dump"])
def test_truncated_anywhere(run: Callable[..., Any], golden: Path, tmp_path: Path, command: str) -> None:
    data = (golden / "two_layer" / "saved_model.pb").read_bytes()
    for length in range(1, len(data), len(data) // 23):
        (tmp_path / "saved_model.pb").write_bytes(data[:length])
        failed(run(command, tmp_path), "saved_model.pb")


@pytest.mark.parametrize("command", COMMANDS)
def test_flipped_bytes_never_crash_it(
    run: Callable[..., Any], golden: Path, tmp_path: Path, command: str
) -> None:
    model = shutil.copytree(golden / "two_layer", tmp_path / "copy")
    file = model / ("variables/variables.index" if command == "ckpt" else "saved_model.pb")
    data = file.read_bytes()
    for place in range(0, len(data), len(data) // 29 or 1):
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        file.write_bytes(damaged)
        result = run(command, model)
        if result.exit_code:
            failed(result)


def test_damaged_messages_that_dump_still_shows(
    run: Callable[..., Any], golden: Path, tmp_path: Path
) -> None:
    proto = schema.SavedModel.FromString((golden / "two_layer" / "saved_model.pb").read_bytes())
    proto.meta_graphs[0].object_graph_def.nodes[0].children[0].node_id = 10**6
    (tmp_path / "saved_model.pb").write_bytes(proto.SerializeToString())
    failed(run("show", tmp_path), "saved_model.pb", "1000000")
    assert "1000000" in run("dump", tmp_path, "--object-graph").stdout


def test_traceback_is_for_debugging(run: Callable[..., Any], tmp_path: Path) -> None:
    assert isinstance(run("--traceback", "show", tmp_path).exception, calque_runtime.errors.NotFoundError)


def test_as_a_process(process: Callable[..., Any], golden: Path) -> None:
    done = process("show", golden / "two_layer")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    done = process("show", golden / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"Error: .*none.*\n", done.stderr)
    assert process("show").returncode == 2


def test_terminals_that_cannot_show_a_name(
    process: Callable[..., Any], tmp_path: Path, make_graph_model: Callable[..., Path]
) -> None:
    model = make_graph_model(tmp_path / "model", signature="zwölf")
    done = process("show", model, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert r"zw\xf6lf" in done.stdout


def test_a_reader_that_leaves_early(golden: Path) -> None:
    for arguments in (["dump", "nested", "--full"], ["show", "nested"]):
        with subprocess.Popen(
            [sys.executable, "-m", "calque_tools", *arguments],
            cwd=golden,
            env={**os.environ, "PYTHONPATH": PACKAGES},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as reader:
            assert reader.stdout is not None
            assert reader.stderr is not None
            reader.stdout.close()
            assert reader.stderr.read() == b""
            reader.wait(60)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_color_on_a_terminal(golden: Path, no_color: str) -> None:
    ours, theirs = os.openpty()
    environment = {
        name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")
    }
    with open(ours, "rb", buffering=0) as terminal:
        with subprocess.Popen(
            [sys.executable, "-m", "calque_tools", "show", str(golden / "two_layer")],
            stdout=theirs,
            env={**environment, "TERM": "xterm-256color", "NO_COLOR": no_color, "PYTHONPATH": PACKAGES},
        ) as command:
            os.close(theirs)
            output = b""
            try:
                while part := terminal.read(65536):
                    output += part
            except OSError:  # how Linux says that the other end is closed
                pass
        assert command.returncode == 0
    assert b"serving_default" in output
    assert (b"\x1b[" in output) is not bool(no_color)
