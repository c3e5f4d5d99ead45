"""Writes ``probes.json``: what TensorFlow makes of each probe. Run by TensorFlow's interpreter, from the root:

TENSORFLOW_PYTHON tests/tracer/golden/make_probes.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tensorflow as tf

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from support.probing import SUBJECTS, outcome, probes  # noqa: E402


def main() -> None:
    golden = {s: {name: outcome(code, tf) for name, code in probes(s).items()} for s in SUBJECTS}
    text = json.dumps(golden, indent=1, ensure_ascii=True)
    (HERE / "probes.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
