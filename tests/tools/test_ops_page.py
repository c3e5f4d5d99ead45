"""docs/ops.md says what the code has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = os.pathsep.join(str(ROOT / name) for name in ("runtime", "tracer", "tools"))


def test_the_page_is_current() -> None:
    command = [sys.executable, "-m", "calque_tools.dev.list_ops", "--check"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": PACKAGES},
    )
    assert done.returncode == 0, done.stderr
