"""`tf.io`'s files and `tf.io.gfile`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import calque as tf

gfile = tf.io.gfile


def test_files_are_written_read_and_found(tmp_path: Path) -> None:
    path = str(tmp_path / "deep" / "a.txt")
    tf.io.write_file(path, "some text")
    assert tf.io.read_file(path).numpy() == b"some text"
    tf.io.write_file(str(tmp_path / "deep" / "b.txt"), b"\x00")
    found = tf.io.matching_files([str(tmp_path / "deep" / "*.txt")])
    assert found.numpy().tolist() == [path.encode(), str(tmp_path / "deep" / "b.txt").encode()]
    assert tf.io.matching_files("/no/such/*").shape == [0]
    with pytest.raises(tf.errors.NotFoundError, match="none"):
        tf.io.read_file(str(tmp_path / "none"))


def test_writing_is_eager() -> None:
    with pytest.raises(NotImplementedError, match="outside of tf.function"):
        tf.function(lambda: tf.io.write_file("x", tf.strings.join(["a", "b"])))()


def test_gfile(tmp_path: Path) -> None:
    folder = str(tmp_path / "a")
    gfile.makedirs(f"{folder}/b")
    with gfile.GFile(f"{folder}/one.txt", "w") as file:
        file.write("first\nsecond\n")
    with gfile.GFile(f"{folder}/one.txt") as file:
        assert (file.readline(), file.readlines(), file.size()) == ("first\n", ["second\n"], 13)
    with gfile.GFile(f"{folder}/one.txt", "rb") as file:
        assert file.read(3) == b"fir"
    gfile.copy(f"{folder}/one.txt", f"{folder}/two.txt")
    gfile.rename(f"{folder}/two.txt", f"{folder}/b/three.txt")
    assert sorted(gfile.listdir(folder)) == ["b", "one.txt"]
    assert gfile.glob(f"{folder}/*.txt") == [f"{folder}/one.txt"]
    assert gfile.isdir(folder)
    assert [files for _, _, files in gfile.walk(folder)] == [["one.txt"], ["three.txt"]]
    with pytest.raises(tf.errors.AlreadyExistsError):
        gfile.copy(f"{folder}/one.txt", f"{folder}/b/three.txt")
    with pytest.raises(tf.errors.AlreadyExistsError):
        gfile.mkdir(folder)
    gfile.remove(f"{folder}/one.txt")
    gfile.rmtree(folder)
    assert not gfile.exists(folder)
    for refused in (gfile.remove, gfile.rmtree, gfile.listdir):
        with pytest.raises(tf.errors.NotFoundError):
            refused(folder)
    with pytest.raises(tf.errors.NotFoundError):
        gfile.GFile(folder).read()


def test_the_window_that_undoes_a_transform() -> None:
    signal = np.sin(np.arange(64)).astype(np.float32)
    there = tf.signal.stft(signal, 16, 4)
    back = tf.signal.inverse_stft(there, 16, 4, window_fn=tf.signal.inverse_stft_window_fn(4))
    np.testing.assert_allclose(back[16:48], signal[16:48], atol=1e-5)
