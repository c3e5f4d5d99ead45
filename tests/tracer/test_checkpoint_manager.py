"""CheckpointManager: what it keeps, and what it notes, as measured with TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calque.train import Checkpoint, CheckpointManager, get_checkpoint_state, manager
from calque.variable import Variable


def names(paths: Any) -> list[str]:
    return [Path(path).name for path in paths]


def on_disk(directory: Path) -> list[str]:
    return sorted(path.stem for path in directory.glob("*.index"))


def test_the_oldest_go(tmp_path: Path) -> None:
    checkpoint = Checkpoint(v=Variable(1.0))
    one = CheckpointManager(checkpoint, tmp_path / "a", max_to_keep=2)
    assert (one.latest_checkpoint, one.checkpoints, one.directory) == (None, [], str(tmp_path / "a"))
    assert one.checkpoint is checkpoint
    assert one.restore_or_initialize() is None
    saved = [one.save() for _ in range(3)]
    assert saved == [str(tmp_path / "a" / f"ckpt-{n}") for n in (1, 2, 3)]
    assert one.checkpoints == saved[1:]
    assert on_disk(tmp_path / "a") == ["ckpt-2", "ckpt-3"]
    assert len(list((tmp_path / "a").iterdir())) == 5
    state = get_checkpoint_state(tmp_path / "a")
    assert state is not None
    assert (state.model_checkpoint_path, state.all_model_checkpoint_paths) == (saved[2], saved[1:])
    assert len(state.all_model_checkpoint_timestamps) == 2
    assert 0 < state.last_preserved_timestamp <= state.all_model_checkpoint_timestamps[0]


def test_another_manager_goes_on(tmp_path: Path) -> None:
    first = CheckpointManager(Checkpoint(v=Variable(1.0)), tmp_path, max_to_keep=2)
    for _ in range(3):
        first.save()
    assert first.save(checkpoint_number=10) == str(tmp_path / "ckpt-10")
    v = Variable(0.0)
    checkpoint = Checkpoint(v=v)
    second = CheckpointManager(checkpoint, tmp_path, max_to_keep=2)
    assert names(second.checkpoints) == ["ckpt-3", "ckpt-10"]
    assert second.restore_or_initialize() == second.latest_checkpoint == str(tmp_path / "ckpt-10")
    assert (v.numpy(), checkpoint.save_counter.numpy()) == (1.0, 4)
    second.save()
    assert names(second.checkpoints) == ["ckpt-10", "ckpt-5"]
    assert on_disk(tmp_path) == ["ckpt-10", "ckpt-5"]


def test_taking_over_what_checkpoint_save_left(tmp_path: Path) -> None:
    checkpoint = Checkpoint(v=Variable(1.0))
    checkpoint.save(tmp_path / "ckpt")
    one = CheckpointManager(checkpoint, tmp_path, max_to_keep=1)
    assert names(one.checkpoints) == ["ckpt-1"]
    one.save()
    assert on_disk(tmp_path) == ["ckpt-2"]


def test_intervals(tmp_path: Path) -> None:
    step = Variable(np.int64(0))
    initialized: list[bool] = []
    checkpoint = Checkpoint(v=Variable(1.0), step=step)
    one = CheckpointManager(
        checkpoint,
        tmp_path,
        max_to_keep=3,
        checkpoint_name="model",
        step_counter=step,
        checkpoint_interval=3,
        init_fn=lambda: initialized.append(True),
    )
    assert one.restore_or_initialize() is None
    assert initialized == [True]
    assert one.checkpoint_interval == 3
    saved_at = []
    for i in range(8):
        step.assign_add(1)
        if one.save() is not None:
            saved_at.append(i + 1)
    assert saved_at == [1, 4, 7]
    assert one.save(checkpoint_number=step) is None
    assert one.save(check_interval=False) == str(tmp_path / "model-4")
    assert names(one.checkpoints) == ["model-2", "model-3", "model-4"]
    again = CheckpointManager(checkpoint, tmp_path, 3, step_counter=step, checkpoint_interval=3)
    again.restore_or_initialize()
    assert again.save() is None  # the step of the checkpoint restored counts as the last one


def test_some_are_kept_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(manager.time, "time", lambda: now)
    one = CheckpointManager(Checkpoint(v=Variable(1.0)), tmp_path, 1, keep_checkpoint_every_n_hours=2)
    for _ in range(8):
        now += 3600
        one.save()
    assert names(one.checkpoints) == ["ckpt-8"]
    assert on_disk(tmp_path) == ["ckpt-2", "ckpt-4", "ckpt-6", "ckpt-8"]
    state = get_checkpoint_state(tmp_path)
    assert state is not None
    assert state.last_preserved_timestamp == 1000.0 + 6 * 3600


def test_keeping_all_and_names_with_directories(tmp_path: Path) -> None:
    one = CheckpointManager(Checkpoint(v=Variable(1.0)), tmp_path, None, checkpoint_name="sub/ck")
    for _ in range(4):
        one.save()
    assert on_disk(tmp_path / "sub") == ["ck-1", "ck-2", "ck-3", "ck-4"]
    assert 'model_checkpoint_path: "sub/ck-4"' in (tmp_path / "checkpoint").read_text()
    assert CheckpointManager(one.checkpoint, tmp_path, None).checkpoints == one.checkpoints


def test_a_checkpoint_deleted_by_hand_is_no_error(tmp_path: Path) -> None:
    one = CheckpointManager(Checkpoint(v=Variable(1.0)), tmp_path, max_to_keep=1)
    one.save()
    (tmp_path / "ckpt-1.index").unlink()
    one.save()
    assert on_disk(tmp_path) == ["ckpt-2"]
    assert not list(tmp_path.glob("ckpt-1*"))


@pytest.mark.parametrize("number", [0, -1])
def test_max_to_keep_must_be_positive(tmp_path: Path, number: int) -> None:
    with pytest.raises(ValueError, match="Expected a positive integer or `None` for `max_to_keep`"):
        CheckpointManager(Checkpoint(), tmp_path, max_to_keep=number)


def test_an_interval_needs_a_step_counter(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`step_counter` should be passed"):
        CheckpointManager(Checkpoint(), tmp_path, max_to_keep=1, checkpoint_interval=3)
