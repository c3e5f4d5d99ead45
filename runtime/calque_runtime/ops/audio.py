"""Sound: wave files, spectrograms, and the cepstral coefficients that speech models take."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..op import Array, Kernel, Site, op
from ..shapes import Shape
from .common import as_strings, check_size, scalar

__all__: list[str] = []

_PCM, _BITS = 1, 16


def _chunks(s: Site, data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a RIFF file: their names and contents."""
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise s.error("Header mismatch: Expected RIFF and WAVE at the start of the file")
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


@op(
    "DecodeWav(contents: string) -> (audio: float, sample_rate: int32) | desired_channels: int=-1; "
    "desired_samples: int=-1"
)
def decode_wav(s: Site) -> Kernel:
    """The samples of a 16-bit PCM wave file in [-1, 1), a column a channel, and how many there are in a second."""
    channels, samples = s["desired_channels"], s["desired_samples"]

    def run(contents: Array) -> list[Array]:
        if np.ndim(contents):
            raise s.error(f"contents must be scalar, but has shape {list(np.shape(contents))}")
        form: tuple[Any, ...] | None = None
        sound: bytes | None = None
        for name, chunk in _chunks(s, np.asarray(contents, object).item()):
            if name == b"fmt " and len(chunk) >= 16:
                form = struct.unpack_from("<HHIIHH", chunk)
            elif name == b"data" and sound is None:
                sound = chunk
        if form is None or sound is None:
            raise s.error("the wave file has no format or no data")
        kind, there, rate, _, _, bits = form
        if kind != _PCM or bits != _BITS or there < 1:
            raise s.error(
                f"Can only read 16-bit WAV files of PCM samples, but this has {bits} bits in form {kind}"
            )
        values = np.frombuffer(sound[: len(sound) // (2 * there) * 2 * there], "<i2").reshape(-1, there)
        audio = values.astype(np.float32) / np.float32(1 << 15)
        if samples >= 0:
            fitted = np.zeros(check_size(s, (samples, there), s.out_dtypes[0]), np.float32)
            fitted[: len(audio)] = audio[:samples]
            audio = fitted
        if channels > 0:
            # Channels that are not there repeat the last one.
            audio = audio[:, np.minimum(np.arange(channels), there - 1)]
        return [audio, np.array(rate, np.int32)]

    return run


@decode_wav.shape
def _(s: Site) -> list[Shape]:
    samples, channels = s["desired_samples"], s["desired_channels"]
    return [(samples if samples >= 0 else None, channels if channels >= 0 else None), ()]


@op("EncodeWav(audio: float, sample_rate: int32) -> (contents: string)")
def encode_wav(s: Site) -> Kernel:
    """A 16-bit PCM wave file of samples in [-1, 1], a column a channel."""

    def run(audio: Array, sample_rate: Array) -> Array:
        if audio.ndim != 2 or not audio.shape[1]:
            raise s.error(f"audio must be [samples, channels], but has shape {list(audio.shape)}")
        rate, channels = int(sample_rate), audio.shape[1]
        scaled = audio * np.float32(1 << 15)
        scaled = np.clip(np.trunc(scaled + np.copysign(np.float32(0.5), scaled)), -(1 << 15), (1 << 15) - 1)
        data = scaled.astype("<i2").tobytes()
        head = struct.pack(
            "<4sIHHIIHH", b"fmt ", 16, _PCM, channels, rate, rate * channels * 2, channels * 2, _BITS
        )
        body = b"WAVE" + head + struct.pack("<4sI", b"data", len(data)) + data
        return as_strings(struct.pack("<4sI", b"RIFF", len(body)) + body, ())

    return run


encode_wav.shape_rule = scalar


@op(
    "AudioSpectrogram(input: float) -> (spectrogram: float) | window_size: int; stride: int; "
    "magnitude_squared: bool=false"
)
def audio_spectrogram(s: Site) -> Kernel:
    """Magnitudes of the Fourier transforms of windows over time: [channels, windows, frequencies]."""
    size, stride, squared = s["window_size"], s["stride"], s["magnitude_squared"]
    if size < 2 or stride < 1:
        raise s.error(f"window_size must be at least 2 and stride positive, but they are {size} and {stride}")
    length = 1 << (size - 1).bit_length()
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)  # Hann's, periodic

    def run(audio: Array) -> Array:
        if audio.ndim != 2:
            raise s.error(f"input must be [samples, channels], but has shape {list(audio.shape)}")
        count = max(0, 1 + (len(audio) - size) // stride)
        check_size(s, (audio.shape[1], count, max(size, length // 2 + 1)), s.out_dtypes[0])
        out = np.empty((audio.shape[1], count, length // 2 + 1), np.float32)
        starts = np.arange(count)[:, None] * stride + np.arange(size)
        for channel in range(audio.shape[1]):
            frames = audio[:, channel].astype(np.float64)[starts] * window
            spectrum = np.fft.rfft(frames, length)
            power = spectrum.real**2 + spectrum.imag**2
            out[channel] = power if squared else np.sqrt(power)
        return out

    return run


@audio_spectrogram.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    if known is None or len(known) != 2:
        return [None]
    size = s["window_size"]
    count = None if known[0] is None else max(0, 1 + (known[0] - size) // max(1, s["stride"]))
    return [(known[1], count, (1 << max(0, size - 1).bit_length()) // 2 + 1)]


_FLOOR = 1e-12  # of a band's energy, before its logarithm


def _mel(frequency: Any) -> Any:
    return 1127.0 * np.log1p(frequency / 700.0)


@op(
    "Mfcc(spectrogram: float, sample_rate: int32) -> (output: float) | upper_frequency_limit: float=4000.0; "
    "lower_frequency_limit: float=20.0; filterbank_channel_count: int=40; dct_coefficient_count: int=13"
)
def mfcc(s: Site) -> Kernel:
    """Mel-frequency cepstral coefficients: the cosine transform of the logarithms of a spectrogram's mel bands."""
    upper, lower = s["upper_frequency_limit"], s["lower_frequency_limit"]
    bands, coefficients = s["filterbank_channel_count"], s["dct_coefficient_count"]
    if bands < 1 or not 1 <= coefficients <= bands or not 0 <= lower < upper:
        raise s.error(
            f"{bands} bands and {coefficients} coefficients from {lower} to {upper} Hz: there must be at least as many "
            "bands as coefficients, and the frequencies must be in order"
        )

    def run(spectrogram: Array, sample_rate: Array) -> Array:
        if spectrogram.ndim != 3:
            raise s.error(
                f"spectrogram must be [channels, windows, bins], but has shape {list(spectrogram.shape)}"
            )
        rate = float(np.asarray(sample_rate).item())
        if rate <= 0:
            raise s.error(f"sample_rate must be positive, but is {rate:g}")
        bins = spectrogram.shape[2]
        check_size(s, (*spectrogram.shape[:2], bands), s.out_dtypes[0])
        weights = _bands(bins, rate, lower, upper, bands)
        energy = np.sqrt(spectrogram.astype(np.float64)) @ weights
        logs = np.log(np.maximum(energy, _FLOOR))
        n = np.arange(coefficients)[:, None]
        cosines = np.sqrt(2.0 / bands) * np.cos(np.pi / bands * n * (np.arange(bands) + 0.5))
        return (logs @ cosines.T).astype(np.float32)

    return run


def _bands(bins: int, rate: float, lower: float, upper: float, bands: int) -> Array:
    """Weights [bins, bands]: triangles with equal distances on the mel scale."""
    low, high = _mel(lower), _mel(upper)
    spacing = (high - low) / (bands + 1)
    centers = low + spacing * np.arange(1, bands + 2)
    step = 0.5 * rate / (bins - 1) if bins > 1 else rate
    first = int(1.5 + lower / step)
    last = min(int(upper / step), bins - 1)
    weights = np.zeros((bins, bands))
    for i in range(first, last + 1):
        mel = _mel(i * step)
        band = int(np.searchsorted(centers, mel, "left")) - 1  # the last band whose center is below
        edges = (low if band < 0 else centers[band]), centers[min(band + 1, bands)]
        falling = (edges[1] - mel) / (edges[1] - edges[0])
        if band >= 0:
            weights[i, band] += falling
        if band + 1 < bands:
            weights[i, band + 1] += 1 - falling
    return weights


@mfcc.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    return [None if known is None or len(known) != 3 else (known[0], known[1], s["dct_coefficient_count"])]
