"""The examples run to their end, and say what they should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_digits_are_learned_saved_and_learned_on() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples/digits.py")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    shares = [float(share) for share in re.findall(r"([\d.]+)% (?:of the test digits )?right", done.stdout)]
    trained, loaded, more, again = shares
    assert trained > 80
    assert loaded == trained
    assert again == more > 85
