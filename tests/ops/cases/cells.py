"""Rows of ops/cells.py, ops/ctc.py and ops/audio.py."""

from __future__ import annotations

import struct

import numpy as np

from ops.rows import A, Row, V, rows

CELL = [A(2, 4), A(2, 4), A(7, 16), A(4), A(4), A(4), A(16)]  # cs_prev, h_prev, w, wci, wcf, wco, b
GRU = [A(2, 3), A(2, 4), A(7, 8), A(7, 4), A(8), A(4)]


def wave(samples: int, channels: int = 1) -> bytes:
    """A 16-bit wave file, with a chunk that nobody needs."""
    values = (np.sin(np.arange(samples * channels) * 0.3) * 20000).astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, 8000, 16000 * channels, 2 * channels, 16)
    rest = struct.pack("<4sI4s", b"LIST", 4, b"abcd")
    body = b"WAVE" + form + rest + struct.pack("<4sI", b"data", len(values)) + values
    return struct.pack("<4sI", b"RIFF", len(body)) + body


STEPS, LENGTHS = A(6, 2, 4), V([6, 4], "int32")
LABELS = [V([[0, 0], [0, 1], [1, 0], [1, 1]], "int64"), V([1, 1, 2, 0], "int32")]
SPARSE = [V([[0, 0], [0, 1], [1, 0]], "int64"), V([1, 2, 3], "int64"), V([2, 2], "int64")]
TRUTH = [V([[0, 0], [1, 0], [1, 1]], "int64"), V([2, 3, 4], "int64"), V([3, 2], "int64")]
BEAM = {"beam_width": 4, "top_paths": 2}

ROWS: list[Row] = [
    *rows("LSTMBlockCell", A(2, 3), *CELL),
    *rows("LSTMBlockCell", A(2, 3), *CELL, label="peephole", use_peephole=True, cell_clip=0.5, forget_bias=0.5),
    *rows("LSTMBlockCell", A(2, 3), *CELL, label="no-clip", cell_clip=-1.0, dtypes="float16"),
    *rows("LSTMBlockCell", A(2, 2), *CELL, label="wrong-size", error="InvalidArgumentError"),
    *rows("BlockLSTM", V(5, "int64"), A(5, 2, 3), *CELL),
    *rows("BlockLSTM", V(5, "int64"), A(5, 2, 3), *CELL, label="peephole", use_peephole=True, cell_clip=0.0),
    *rows("BlockLSTMV2", V(5, "int64"), A(5, 2, 3), *CELL, dtypes="float32 float16"),
    *rows("BlockLSTMV2", V(5, "int64"), A(5, 2, 3), *CELL, label="peephole", use_peephole=True, cell_clip=0.4),
    *rows("GRUBlockCell", *GRU),
    *rows("GRUBlockCell", A(2, 2), *GRU[1:], label="wrong-size", error="InvalidArgumentError"),
    *rows("CTCBeamSearchDecoder", STEPS, LENGTHS, merge_repeated=False, dtypes="float32 float64", rtol=1e-6, **BEAM),
    *rows("CTCBeamSearchDecoder", A(9, 3, 3), V([9, 1, 5], "int32"), label="merged", merge_repeated=True, **BEAM),
    *rows("CTCBeamSearchDecoder", A(12, 1, 6), V([12], "int32"), label="wide", beam_width=20, top_paths=5),
    *rows("CTCLoss", STEPS, *LABELS, LENGTHS, dtypes="float32 float64", grad=False, rtol=1e-5),
    *rows("CTCLoss", STEPS, *LABELS, LENGTHS, label="collapsed", preprocess_collapse_repeated=True),
    *rows("CTCLoss", STEPS, *LABELS, V([2, 4], "int32"), label="ignored", ignore_longer_outputs_than_inputs=True),
    *rows("EditDistance", *SPARSE, *TRUTH),
    *rows("EditDistance", *SPARSE, *TRUTH, label="not-normalized", normalize=False),
    *rows("DecodeWav", V(wave(40), "string")),
    *rows("DecodeWav", V(wave(40, 2), "string"), label="fitted", desired_channels=1, desired_samples=50),
    *rows("DecodeWav", V(wave(9), "string"), label="more-channels", desired_channels=2, desired_samples=5),
    *rows("DecodeWav", V(b"RIFFnot a wave", "string"), label="damaged", error="InvalidArgumentError"),
    *rows("EncodeWav", A(30, 2, low=-1.2, high=1.2), V(16000, "int32")),
    *rows("AudioSpectrogram", A(200, 2), window_size=50, stride=25),
    *rows("AudioSpectrogram", A(200, 1), label="squared", window_size=64, stride=10, magnitude_squared=True),
    *rows("AudioSpectrogram", A(20, 1), label="short", window_size=64, stride=10),
    *rows("Mfcc", A(1, 4, 129, low=0, high=9), V(8000, "int32")),
    *rows(
        "Mfcc", A(2, 3, 257, low=0, high=9), V(16000, "int32"), label="fewer", dct_coefficient_count=8,
        filterbank_channel_count=20, upper_frequency_limit=6000.0, lower_frequency_limit=100.0,
    ),
]  # fmt: skip
