"""Writes golden/events, what TensorFlow logs: `python tests/summary/make_golden.py`.

To be run with an interpreter that has tensorflow-cpu and tensorboard (see `make interop`), never by the test suite.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import tensorflow as tf

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from logging_program import log  # noqa: E402

with tempfile.TemporaryDirectory() as logdir:
    log(tf, logdir)
    (written,) = Path(logdir).iterdir()
    (HERE / "golden" / "events").write_bytes(written.read_bytes())
