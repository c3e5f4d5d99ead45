"""Programs of quantized types: to a grid, and back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ops.programs import Program

RTOL = 1e-6
X = np.array([[-3.0, -1.0, -0.5], [0.0, 0.24, 0.26], [1.0, 2.9, 7.0]], np.float32)
LOW, HIGH = np.float32(-1.0), np.float32(3.0)


def there_and_back() -> Iterator[Program]:
    for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
        for kind in ("qint8", "quint8", "qint16", "quint16"):
            p = Program(f"{mode}-{kind}")
            q = p.QuantizeV2(X, LOW, HIGH, T=kind, mode=mode)
            p.fetch(p.Dequantize(q, q.out(1), q.out(2), mode=mode), q.out(1), q.out(2))
            yield p
    p = Program("narrow")
    q = p.QuantizeV2(X, LOW, HIGH, T="qint8", mode="SCALED", narrow_range=True)
    p.fetch(p.Dequantize(q, q.out(1), q.out(2), mode="SCALED", narrow_range=True))
    yield p


PROGRAMS = list(there_and_back())
