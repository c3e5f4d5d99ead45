"""`calque opt` shows what the passes do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from calque_runtime import passes
from calque_runtime.text import parse_function


def test_graph_as_the_passes_leave_it(run: Callable[..., Any], golden: Path) -> None:
    result = run("opt", golden / "two_layer", "--shape", "x=5,3")
    assert result.exit_code == 0, result.output
    function = parse_function(result.stdout)
    assert [node.op.name for node in function.nodes].count("MatMul") == 2
    assert not any("Call" in node.op.name or node.op.name == "Identity" for node in function.nodes)
    assert function.inputs[0].shape == (5, 3)
    assert function.outputs[0].shape == (5, 2)


def test_after_each_pass(run: Callable[..., Any], golden: Path) -> None:
    result = run("opt", golden / "two_layer", "-p", "clean_up,merge_equal", "--print-after-all")
    assert result.exit_code == 0, result.output
    assert "# after inlining" in result.stdout
    assert "# after clean_up" in result.stdout
    assert "# after fold_constants" not in result.stdout


def test_times(run: Callable[..., Any], golden: Path) -> None:
    result = run("opt", golden / "two_layer", "--time-passes")
    assert result.exit_code == 0, result.output
    assert all(name in result.stdout for name in passes.PIPELINE)


def test_source(run: Callable[..., Any], golden: Path) -> None:
    result = run("opt", golden / "two_layer", "--source")
    assert result.exit_code == 0, result.output
    compile(result.stdout, "source", "exec")


def test_wrong_usage(run: Callable[..., Any], golden: Path) -> None:
    directory = golden / "two_layer"
    for arguments, code, words in (
        (["-p", "magic"], 2, "there is no pass 'magic'"),
        (["--shape", "x"], 2, "NAME=SIZES"),
        (["--shape", "z=1"], 1, "there is no input 'z'; there are: x"),
        (["--shape", "x=1,7"], 1, "which cannot be [1, 7]"),
        (["--signature", "nothing"], 1, "nothing"),
    ):
        result = run("opt", directory, *arguments)
        assert result.exit_code == code, result.output
        assert words in result.stderr
    assert run("opt", directory, "--list").stdout.split() == list(passes.PIPELINE)
