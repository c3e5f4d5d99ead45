"""Directories that are not quite SavedModels: which file is missing, and what stands in its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calque_runtime import errors
from hostile.base import edit
from hostile.crafting import refuses

INDEX, DATA = "variables/variables.index", "variables/variables.data-00000-of-00001"


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def only(directory: Path, *names: str) -> None:
    """Leaves nothing but the files and folders of these names."""
    for path in directory.iterdir():
        if path.name in names:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()


DIRECTORIES: dict[str, tuple[Callable[[Path], Any], type[Exception], tuple[str, ...]]] = {
    "empty": (only, errors.NotFoundError, ("holds no saved_model.pb", "it holds nothing")),
    "not there": (shutil.rmtree, errors.NotFoundError, ("does not exist",)),
    "half-written": (
        lambda d: only(d, "variables", "assets"),
        errors.NotFoundError,
        ("holds no saved_model.pb", "not written, or not copied, to its end"),
    ),
    "a temporary file only": (
        lambda d: (only(d), (d / "saved_model.pb.tmp-0123456789ab").write_bytes(b"x")),
        errors.NotFoundError,
        ("holds no saved_model.pb", "saved_model.pb.tmp-"),
    ),
    "a folder in the place of the file": (
        lambda d: folder(d / "saved_model.pb"),
        errors.NotFoundError,
        ("saved_model.pb",),
    ),
    "a pipe in the place of the file": (
        lambda d: pipe(d / "saved_model.pb"),
        errors.NotFoundError,
        ("saved_model.pb",),
    ),
    "text that is none": (
        lambda d: (only(d), (d / "saved_model.pbtxt").write_bytes(b"\x80\xff { meta")),
        errors.DataLossError,
        ("saved_model.pbtxt",),
    ),
    "an empty file": (
        lambda d: (d / "saved_model.pb").write_bytes(b""),
        errors.DataLossError,
        ("saved_model.pb (0 bytes)", "no meta graph"),
    ),
    "no meta graph": (
        lambda d: edit(d, lambda p: p.ClearField("meta_graphs")),
        errors.DataLossError,
        ("no meta graph",),
    ),
    "no variables": (
        lambda d: shutil.rmtree(d / "variables"),
        errors.NotFoundError,
        (INDEX, "does not exist"),
    ),
    "no index": (lambda d: (d / INDEX).unlink(), errors.NotFoundError, (INDEX, "does not exist")),
    "an empty index": (lambda d: (d / INDEX).write_bytes(b""), errors.DataLossError, (INDEX, "footer")),
    "a folder as index": (lambda d: folder(d / INDEX), errors.FailedPreconditionError, (INDEX,)),
    "a pipe as index": (
        lambda d: pipe(d / INDEX),
        errors.FailedPreconditionError,
        (INDEX, "not a regular file"),
    ),
    "no data": (lambda d: (d / DATA).unlink(), errors.NotFoundError, (DATA, "copied without its data files")),
    "empty data": (lambda d: (d / DATA).write_bytes(b""), errors.DataLossError, (DATA, "the file has 0")),
    "a pipe as data": (
        lambda d: pipe(d / DATA),
        errors.FailedPreconditionError,
        (DATA, "not a regular file"),
    ),
    "a pipe as asset": (
        lambda d: pipe(d / "assets" / "words.txt"),
        errors.FailedPreconditionError,
        ("assets/words.txt", "not a regular file"),
    ),
    "no assets": (
        lambda d: shutil.rmtree(d / "assets"),
        errors.NotFoundError,
        ("assets/words.txt", "vocabulary"),
    ),
}


@pytest.mark.parametrize("name", DIRECTORIES)
def test_directories(model: Path, name: str) -> None:
    spoil, error, texts = DIRECTORIES[name]
    spoil(model)
    refuses(model, error, *texts)


def test_wrong_tags(model: Path) -> None:
    refuses(model, errors.NotFoundError, "{gpu}", "There are: {serve}", tags="gpu")
    edit(model, lambda p: p.meta_graphs.add().meta_info_def.tags.extend(["serve", "tpu"]))
    refuses(model, errors.InvalidArgumentError, "2 meta graphs", "{serve}; {serve, tpu}")


@pytest.mark.parametrize("name", ["../words.txt", "/etc/passwd", "..", ".", "", "a/../../b", "a\\b", "a\0b"])
def test_asset_names_stay_in_their_folder(model: Path, name: str) -> None:
    edit(model, lambda p: setattr(p.meta_graphs[0].asset_file_def[0], "filename", name))
    refuses(model, errors.InvalidArgumentError, "no plain file name")


def test_text_form_nested_beyond_reason(tmp_path: Path) -> None:
    for depth in (60, 150, 10_000):
        deep = "list_value { values { " * depth + "none_value { }" + " } }" * depth
        text = f'meta_graphs {{ object_graph_def {{ concrete_functions {{ key: "f" value {{ output_signature {{ {deep} }} }} }} }} }}'
        (tmp_path / "saved_model.pbtxt").write_text(text)
        refuses(tmp_path, errors.DataLossError, "saved_model.pbtxt")


def test_strings_that_are_not_utf8(model: Path) -> None:
    path = model / "saved_model.pb"
    data = path.read_bytes()
    assert data.count(b"vocabulary") == 1
    path.write_bytes(data.replace(b"vocabulary", b"vocab\xff\xfe\x00\x80y"))
    refuses(model, errors.DataLossError, "saved_model.pb")
