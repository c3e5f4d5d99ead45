"""`tf.signal`: signals in frames, and short-time transforms."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ..function.graph_mode import get_static_value
from ..tensor import constant
from .arguments import static_rank, tensor
from .array_ops import concat, expand_dims, pad, range, reshape, shape, stack
from .fft_ops import dct, irfft, rfft
from .indexing_ops import gather
from .math_ops import cast, log, maximum, rsqrt
from .raw import raw
from .reduce_ops import reduce_sum, unsorted_segment_sum
from .window_ops import hann_window

__all__ = [
    "frame",
    "inverse_stft",
    "inverse_stft_window_fn",
    "linear_to_mel_weight_matrix",
    "mfccs_from_log_mel_spectrograms",
    "overlap_and_add",
    "stft",
]


def frame(
    signal: Any,
    frame_length: Any,
    frame_step: Any,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: int = -1,
    name: str | None = None,
) -> Any:
    """Windows of a signal along an axis, which becomes two: frames, and what is in one.

    Args:
        signal: the signal.
        frame_length: how long a frame is.
        frame_step: how far apart frames begin.
        pad_end: does the signal go on behind its end, so that every step begins a frame?
        pad_value: how it goes on.
        axis: the axis.
        name: the node's name.
    """
    x = tensor(signal)
    rank = static_rank(x)
    if rank is None:
        raise ValueError("tf.signal.frame needs a signal of known rank.")
    at = axis % rank
    length, step = cast(tensor(frame_length), dtypes.int32), cast(tensor(frame_step), dtypes.int32)
    size = shape(x)[at]
    if pad_end:
        count = maximum(0, -(-size // step))
        missing = maximum(0, length + step * (count - 1) - size)
        widths = stack([[0, missing if i == at else 0] for i in builtins.range(rank)])
        x = pad(x, widths, constant_values=tensor(pad_value, x.dtype))
    else:
        count = maximum(0, 1 + (size - length) // step)
    places = expand_dims(range(count) * step, 1) + expand_dims(range(length), 0)
    return gather(x, places, axis=at, name=name)


def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Any:
    """Frames, [..., frames, length], put one over the other `frame_step` apart and added up.

    Raises:
        ValueError: there are less than two axes.
    """
    x = tensor(signal)
    if x.shape.rank is not None and x.shape.rank < 2:
        raise ValueError("frames must be at least rank 2.")
    step = cast(tensor(frame_step), dtypes.int32)
    sizes = shape(x)
    count, length = sizes[-2], sizes[-1]
    places = expand_dims(range(count) * step, 1) + expand_dims(range(length), 0)
    flat = raw("Transpose")(reshape(x, stack([-1, count * length])), tensor([1, 0]))
    summed = unsorted_segment_sum(flat, reshape(places, [-1]), (count - 1) * step + length)
    outer = concat([sizes[:-2], stack([(count - 1) * step + length])], 0)
    return reshape(raw("Transpose")(summed, tensor([1, 0])), outer, name=name)


def _enclosing_power_of_two(value: Any) -> Any:
    """The smallest power of two that is not below a length."""
    known = get_static_value(value)
    if known is not None:
        return constant(1 << max(0, (int(known) - 1).bit_length()), dtypes.int32)
    from .math_ops import ceil, pow

    exponent = ceil(log(cast(value, dtypes.float32)) / math.log(2.0))
    return cast(pow(2.0, exponent), dtypes.int32)


def stft(
    signals: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Callable[..., Any] | None = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Any:
    """The short-time Fourier transform: [..., frames, fft_length // 2 + 1], complex.

    Args:
        signals: [..., samples] of floats.
        frame_length: how long a frame is.
        frame_step: how far apart frames begin.
        fft_length: the length of a transform; None: the next power of two.
        window_fn: makes a window of a length and a dtype; None: there is none.
        pad_end: does the signal go on with zeros?
        name: accepted, and of no effect.
    """
    x = tensor(signals, hint=dtypes.float32)
    length = cast(tensor(frame_length), dtypes.int32)
    lengths = _enclosing_power_of_two(length) if fft_length is None else tensor(fft_length, dtypes.int32)
    frames = frame(x, length, frame_step, pad_end)
    if window_fn is not None:
        frames = frames * window_fn(length, dtype=frames.dtype)
    return rfft(frames, [lengths])


def inverse_stft_window_fn(
    frame_step: Any, forward_window_fn: Callable[..., Any] = hann_window, name: str | None = None
) -> Callable[..., Any]:
    """The window with which `inverse_stft` undoes `stft` exactly.

    Args:
        frame_step: how far apart frames begin.
        forward_window_fn: the window that `stft` had.
        name: accepted, and of no effect.

    Returns:
        A function of a frame's length and a dtype.
    """

    def window(frame_length: Any, dtype: Any) -> Any:
        step = cast(tensor(frame_step), dtypes.int32)
        length = cast(tensor(frame_length), dtypes.int32)
        forward = forward_window_fn(length, dtype=as_dtype(dtype))
        count = -(-length // step)
        energy = pad(forward * forward, [[0, count * step - length]])
        total = reduce_sum(reshape(energy, stack([count, step])), 0, keepdims=True)
        whole = reshape(raw("Tile")(total, stack([count, 1])), [-1])
        return forward / whole[:length]

    return window


def inverse_stft(
    stfts: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Callable[..., Any] | None = hann_window,
    name: str | None = None,
) -> Any:
    """The signal whose short-time Fourier transform this is, as far as `window_fn` fits: see `inverse_stft_window_fn`.

    Args: as for `stft`.
    """
    x = tensor(stfts, hint=dtypes.complex64)
    length = cast(tensor(frame_length), dtypes.int32)
    lengths = _enclosing_power_of_two(length) if fft_length is None else tensor(fft_length, dtypes.int32)
    frames = irfft(x, [lengths])[..., :length]
    missing = maximum(0, length - shape(frames)[-1])
    widths = [[0, 0]] * ((x.shape.rank or 2) - 1) + [[0, missing]]
    frames = pad(frames, stack(widths))
    if window_fn is not None:
        frames = frames * window_fn(length, dtype=frames.dtype)
    return overlap_and_add(frames, frame_step)


def linear_to_mel_weight_matrix(
    num_mel_bins: int = 20,
    num_spectrogram_bins: Any = 129,
    sample_rate: Any = 8000,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """The matrix, [num_spectrogram_bins, num_mel_bins], that sums a spectrogram into bands of the mel scale.

    Args:
        num_mel_bins: how many bands there are.
        num_spectrogram_bins: how many frequencies the spectrogram has.
        sample_rate: samples in a second.
        lower_edge_hertz: where the first band begins.
        upper_edge_hertz: where the last one ends.
        dtype: of the matrix.
        name: the node's name.

    Raises:
        ValueError: a number is out of range.
    """
    rate = float(sample_rate)
    for wrong, message in (
        (num_mel_bins <= 0, f"num_mel_bins must be positive. Got: {num_mel_bins}"),
        (lower_edge_hertz < 0.0, f"lower_edge_hertz must be non-negative. Got: {lower_edge_hertz}"),
        (
            lower_edge_hertz >= upper_edge_hertz,
            f"lower_edge_hertz {lower_edge_hertz:.1f} >= upper_edge_hertz {upper_edge_hertz:.1f}",
        ),
        (rate <= 0.0, f"sample_rate must be positive. Got: {sample_rate}"),
        (
            upper_edge_hertz > rate / 2,
            f"upper_edge_hertz must not be larger than the Nyquist frequency (sample_rate / 2). Got {upper_edge_hertz} "
            f"for sample_rate: {sample_rate}",
        ),
        (not as_dtype(dtype).is_floating, f"dtype must be a floating point type. Got: {as_dtype(dtype)!r}"),
    ):
        if wrong:
            raise ValueError(message)

    def mel(hertz: Any) -> Any:
        return 1127.0 * np.log(1.0 + hertz / 700.0)

    bins = mel(np.linspace(0.0, rate / 2, int(num_spectrogram_bins))[1:, np.newaxis])
    edges = np.linspace(mel(lower_edge_hertz), mel(upper_edge_hertz), num_mel_bins + 2)
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    weights = np.maximum(
        0.0, np.minimum((bins - lower) / (center - lower), (upper - bins) / (upper - center))
    )
    whole = np.pad(weights, [[1, 0], [0, 0]])
    return constant(whole.astype(as_dtype(dtype).np), as_dtype(dtype), name=name)


def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Any:
    """Mel-frequency cepstral coefficients of log-magnitude mel spectrograms, [..., num_mel_bins].

    Raises:
        ValueError: there are no bands.
    """
    x = tensor(log_mel_spectrograms, hint=dtypes.float32)
    known = x.shape.as_list()[-1]
    if known == 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {x}")
    count = cast(shape(x)[-1], x.dtype)
    return raw("Mul")(dct(x, type=2), rsqrt(count * 2.0), name=name)
