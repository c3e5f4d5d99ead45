"""The examples run to their end, and say what they should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / script), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_guides_way_ends_with_pictures(tmp_path: Path) -> None:
    said = run("guide.py", str(tmp_path / "pictures"))
    (share,) = re.findall(r"([\d.]+)% of the test digits right", said)
    assert float(share) > 80
    assert "the same predictions: True" in said
    pictures = sorted(p.name for p in (tmp_path / "pictures").glob("*.svg"))
    assert pictures == ["model.svg", "summary.svg", "training.svg"]
    assert list((tmp_path / "pictures" / "logs" / "train").glob("events.*"))


def test_digits_are_learned_saved_and_learned_on() -> None:
    said = run("digits.py")
    shares = [float(share) for share in re.findall(r"([\d.]+)% (?:of the test digits )?right", said)]
    trained, loaded, more, again = shares
    assert trained > 80
    assert loaded == trained
    assert again == more > 85
