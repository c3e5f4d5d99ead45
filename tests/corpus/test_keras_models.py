"""Real models of Keras come back through `keras.models.load_model`, and predict what TensorFlow's signatures gave."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
from corpus.run_corpus import decode, difference

CHECKOUT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("CALQUE_CORPUS") or CHECKOUT.parent / "shared" / "corpus")


def records() -> list[Any]:
    """The models of kind keras that TensorFlow runs; one stand-in that skips where there is no corpus."""
    if not (CORPUS / "manifest.json").exists():
        reason = f"no corpus at {CORPUS}; CALQUE_CORPUS names one"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="none")]
    found = json.loads((CORPUS / "manifest.json").read_text())
    return [
        pytest.param(one, id=one["id"])
        for one in found
        if one["kind"] == "keras" and any(s.get("runs") for s in (one.get("signatures") or {}).values())
    ]


@pytest.mark.parametrize("record", records())
def test_it_predicts_what_its_signature_gave(record: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that losses and metrics of somebody's own are not known
        model = calque.keras.models.load_model(CORPUS / "models" / record["id"])
    ran = {name: s for name, s in record["signatures"].items() if s.get("runs") and "golden" in s}
    name = getattr(model, "signature_name", None) or "serving_default"
    if name not in ran:
        pytest.skip(f"TensorFlow did not run the signature '{name}'")
    with np.load(CORPUS / "golden" / ran[name]["golden"], allow_pickle=False) as stored:
        inputs, wanted = decode(stored, "in/"), decode(stored, "out/")
    given: Any = next(iter(inputs.values())) if len(inputs) == 1 else inputs
    outputs = model.predict(given, verbose=0)
    flat = calque.nest.flatten(outputs)
    assert len(flat) == len(wanted)
    names = sorted(outputs) if isinstance(outputs, dict) else getattr(model, "output_names", None)
    if len(wanted) == 1:
        names = list(wanted)
    elif not names or not set(names) <= set(wanted):
        names = [f"output_{i + 1}" for i in range(len(flat))]
    for key, value in zip(names, flat, strict=True):
        problem, _ = difference(np.asarray(value), wanted[key], ran[name].get("deterministic") is not False)
        assert problem is None, f"{key}: {problem}"
