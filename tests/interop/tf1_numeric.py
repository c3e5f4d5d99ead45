"""TF1 models of numbers: recommenders, mixtures, gradients, odd types and shapes; see `tf1_models`."""

from __future__ import annotations

from typing import Any

import numpy as np

from interop.tf1_models import Feeds, case, f32, normal, strings, variable


@case()
def matrix_factorization(tf: Any, feed: Feeds) -> dict[str, Any]:
    v1 = tf.compat.v1
    user, item = feed("user", np.array([1, 4], np.int32)), feed("item", np.array([[0, 2, 3]], np.int64))
    u, i = variable(tf, "u", 6, 4), variable(tf, "i", 5, 4, seed=1)
    p, q = v1.nn.embedding_lookup(u, user), tf.gather(i, item[0])
    scores = tf.matmul(p, q, transpose_b=True)
    top, at = tf.nn.top_k(scores, k=2, sorted=True)
    hits = v1.nn.in_top_k(scores, [0, 1], 1)
    return {
        "scores": scores, "top": top, "items": tf.gather(item[0], at), "hits": hits,
        "norm": tf.nn.l2_normalize(p, 1), "cosine": tf.reduce_sum(tf.nn.l2_normalize(p, 1) * p, 1),
        "buckets": tf.strings.to_hash_bucket_strong(strings("a", "b"), 100, [1, 2]),
        "legacy": v1.string_to_hash_bucket(strings("a", "b"), 100),
    }  # fmt: skip


@case(tolerance=1e-3)
def mixture_density(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Densities and special functions of probability models."""
    x = feed("x", np.abs(normal(3, 2)) + 0.1)
    loc, scale = variable(tf, "loc", 2), tf.nn.softplus(variable(tf, "scale", 2, seed=1))
    z = (x - loc) / scale
    log_p = tf.reduce_logsumexp(-0.5 * z**2 - tf.math.log(scale) - 0.5 * np.log(2 * np.pi), 1)
    covariance = tf.matmul(x, x, transpose_a=True) + 3.0 * tf.eye(2)
    chol = tf.linalg.cholesky(covariance)
    return {
        "log_p": log_p, "gamma": tf.math.lgamma(x), "digamma": tf.math.digamma(x), "beta": tf.math.lbeta(x),
        "igamma": tf.math.igamma(x, x + 0.5), "betainc": tf.math.betainc(x, x + 1.0, tf.nn.sigmoid(x)),
        "erfinv": tf.math.erfinv(tf.tanh(x) * 0.9), "ndtri": tf.math.ndtri(tf.nn.sigmoid(x)),
        "chol": chol, "solved": tf.linalg.triangular_solve(chol, tf.transpose(x)),
        "det": tf.linalg.logdet(covariance), "inverse": tf.linalg.inv(covariance),
        "eig": tf.linalg.eigvalsh(covariance), "svd": tf.linalg.svd(covariance, compute_uv=False),
        "lstsq": tf.linalg.lstsq(covariance, tf.transpose(x)), "zeta": tf.math.zeta(x + 1.5, x),
        "expm1": tf.math.expm1(x), "log1p": tf.math.log1p(x), "xlogy": tf.math.xlogy(x, x),
        "bessel": tf.math.bessel_i0e(x), "norm": tf.norm(x, ord=1, axis=1), "trace": tf.linalg.trace(covariance),
    }  # fmt: skip


@case(tolerance=1e-3)
def input_gradients(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Saliency: gradients with respect to an input, built in the graph."""
    v1 = tf.compat.v1
    x = feed("x", normal(2, 8, 8, 3))
    h = v1.layers.conv2d(x, 4, 3, padding="same", activation=tf.nn.elu)
    h = v1.layers.batch_normalization(h, training=True)
    h = v1.layers.average_pooling2d(v1.layers.max_pooling2d(h, 2, 2), 2, 1)
    h = tf.nn.softmax(v1.layers.dense(v1.layers.flatten(h), 3, activation=tf.nn.selu))
    labels = tf.one_hot([0, 2], 3)
    loss = v1.losses.softmax_cross_entropy(labels, h) + v1.losses.huber_loss(labels, h)
    dx, dk = v1.gradients(loss, [x, v1.trainable_variables()[0]])
    sparse = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 2], logits=h)
    return {
        "loss": loss,
        "dx": dx,
        "dk": dk,
        "sparse": v1.gradients(sparse, h)[0],
        "best": tf.reduce_max(tf.abs(dx), 3),
    }


@case()
def odd_types(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Halves, bytes, complex numbers, unsigned integers, booleans."""
    h, b = feed("h", normal(3).astype(np.float16)), feed("b", np.array([1, 200, 7], np.uint8))
    c = feed("c", (normal(4) + 1j * normal(4, seed=1)).astype(np.complex64), shape=(4,))
    t = feed("t", np.array([True, False, True]))
    d = feed("d", np.array([1e300, -2.5, 0.1], np.float64))
    i = feed("i", np.array([-128, 5, 127], np.int8))
    w = tf.compat.v1.get_variable("w", initializer=normal(3).astype(np.float16))
    return {
        "half": h * w + tf.cast(b, tf.float16), "byte": b * 2, "fft": tf.signal.fft(c), "abs": tf.abs(c),
        "flag": tf.math.logical_xor(t, tf.greater(h, 0)), "double": tf.sqrt(tf.abs(d)), "int8": i + i,
        "bf": tf.cast(tf.cast(h, tf.bfloat16) * tf.constant(1.5, tf.bfloat16), tf.float32),
        "shift": tf.bitwise.left_shift(tf.cast(b, tf.int32), 3), "u16": tf.cast(b, tf.uint16) * 300,
        "round": tf.round(d), "mod": tf.cast(i, tf.int32) % 7, "div": tf.cast(i, tf.int32) // 7,
        "truncate": tf.compat.v1.truncatediv(tf.cast(i, tf.int32), 7), "rfft": tf.signal.rfft(tf.math.real(c)),
        "irfft": tf.signal.irfft(c), "saturated": tf.saturate_cast(d, tf.int16), "any": tf.reduce_any(t),
    }  # fmt: skip


@case()
def shape_puzzles(tf: Any, feed: Feeds) -> dict[str, Any]:
    v1 = tf.compat.v1
    x = feed("x", normal(2, 3, 4), shape=(None, None, 4))
    empty = feed("empty", np.zeros((0, 3), np.float32))
    scalar = feed("scalar", np.int32(2))
    where = tf.where(tf.greater(x, 0.5))
    unique, index, count = tf.unique_with_counts(tf.constant([3, 1, 3, 3, 2]))
    only, at = v1.setdiff1d([1, 2, 3, 4], [2, 4])
    return {
        "flat": tf.reshape(x, [tf.shape(x)[0], -1]), "t": tf.transpose(x, [2, 0, 1]), "where": where,
        "picked": tf.gather_nd(x, where), "mask": tf.boolean_mask(x, tf.greater(x[:, :, 0], 0)),
        "strided": x[:, ::-1, scalar:], "new": x[..., tf.newaxis, 1:-1], "sum_empty": tf.reduce_sum(empty, 0),
        "mean_empty": tf.reduce_mean(empty), "concat": tf.concat([empty, normal(2, 3)], 0),
        "split": tf.split(x, [1, -1], 2)[1], "tile": tf.tile(x[:, :1], [1, scalar, 2]), "one": tf.one_hot(scalar, 4),
        "seq": tf.sequence_mask([1, scalar], 4), "unique": unique, "index": index, "count": count, "only": only,
        "at": at, "pad": tf.pad(x[0], [[1, scalar], [0, 0]], constant_values=-1.0), "rank": tf.rank(x), "size": tf.size(x),
        "stitch": tf.dynamic_stitch([[0, 2], [1]], [[5.0, 6.0], [7.0]]), "diag": tf.linalg.diag(x[0, 0]),
        "part": tf.dynamic_partition(x[:, 0, 0], [1, 0], 2)[1], "cumsum": tf.cumsum(x, 1, exclusive=True, reverse=True),
        "seg": tf.math.segment_max(x[0], [0, 0, 2]), "useg": tf.math.unsorted_segment_mean(x[0], [1, 0, 1], 3),
        "hist": tf.histogram_fixed_width(x, [-1.0, 1.0], 5), "bin": tf.math.bincount([1, 1, 3]), "roll": tf.roll(x, 1, 2),
        "band": tf.linalg.band_part(x[0], 1, 0), "s2b": tf.space_to_batch(x[:, :2, :, None], [2, 2], [[0, 0], [0, 0]]),
        "rev": tf.reverse(x, [0, -1]), "meshgrid": tf.meshgrid(tf.range(3), tf.range(2))[0], "top": tf.math.top_k(x, 2)[1],
        "lin": tf.linspace(0.0, 1.0, 5), "range": tf.range(0.0, 1.0, 0.25), "cross": tf.linalg.cross(x[0, :, :3], x[1, :, 1:]),
        "scatter": tf.scatter_nd([[1], [1]], [2.0, 3.0], [3]), "broadcast": tf.broadcast_to(x[:1], tf.shape(x)),
        "nan": tf.math.is_nan(x / 0.0 * 0.0), "searched": tf.searchsorted([1.0, 2.0], [1.5]), "argmin": tf.argmin(x, 2),
        "einsum": tf.einsum("abc,abd->acd", x, x), "tensordot": tf.tensordot(x, x, [[2], [2]]), "quantile": tf.nn.moments(x, [0])[1],
    }  # fmt: skip


@case()
def audio(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Spectrograms, and the greedy and beam decoders of speech models."""
    v1 = tf.compat.v1
    samples = feed("samples", normal(2, 400))
    frames = tf.signal.frame(samples, 64, 32)
    stft = tf.signal.stft(samples, 64, 32)
    mel = tf.matmul(tf.abs(stft), tf.signal.linear_to_mel_weight_matrix(8, 33, 8000, 20.0, 4000.0)[None])
    logits = tf.nn.log_softmax(feed("logits", normal(7, 2, 5, seed=2)))
    lengths = tf.constant([7, 5])
    greedy, score = tf.nn.ctc_greedy_decoder(logits, lengths)
    beams, log_p = v1.nn.ctc_beam_search_decoder(
        logits, lengths, beam_width=4, top_paths=2, merge_repeated=False
    )
    return {
        "frames": frames, "stft": stft, "mfcc": tf.signal.mfccs_from_log_mel_spectrograms(tf.math.log(mel + 1e-3))[..., :5],
        "greedy": greedy[0], "score": score, "beam": beams[0], "second": beams[1].values, "log_p": log_p,
        "distance": tf.edit_distance(beams[0], beams[1], normalize=False), "istft": tf.signal.inverse_stft(stft, 64, 32),
        "loss": v1.nn.ctc_loss(tf.SparseTensor([[0, 0], [0, 1], [1, 0]], [1, 2, 3], [2, 2]), logits, lengths),
    }  # fmt: skip


@case()
def audio_ops(tf: Any, feed: Feeds) -> dict[str, Any]:
    """The commands recognition example: wave files, spectrogram and mfcc as ops."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        wave = session.run(
            tf.audio.encode_wav(np.sin(np.arange(800, dtype=np.float32) * 0.05)[:, None] * 0.5, 8000)
        )
    audio, rate = tf.audio.decode_wav(feed("wav_data", np.array(wave, object)), desired_channels=1)
    spectrogram = tf.raw_ops.AudioSpectrogram(input=audio, window_size=240, stride=80, magnitude_squared=True)
    mfcc = tf.raw_ops.Mfcc(spectrogram=spectrogram, sample_rate=rate, dct_coefficient_count=10)
    return {"audio": audio, "rate": rate, "spectrogram": spectrogram, "mfcc": mfcc}


@case(random=True)
def sampling(tf: Any, feed: Feeds) -> dict[str, Any]:
    """A policy that draws, a generator that makes its own noise."""
    v1 = tf.compat.v1
    n = feed("n", np.int32(3))
    logits = variable(tf, "logits", 4)
    z = v1.random_normal([n, 4], seed=1) @ variable(tf, "w", 4, 2)
    return {
        "z": z, "action": v1.multinomial(logits[None], 5), "u": v1.random_uniform([n], 2, 9, tf.int32),
        "gamma": v1.random_gamma([n], 2.0), "poisson": v1.random_poisson(3.0, [n]), "shuffled": v1.random_shuffle(logits),
        "candidates": v1.nn.log_uniform_candidate_sampler([[1], [2]], 1, 3, True, 10)[0],
    }  # fmt: skip


@case()
def queue_free_summaries(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Summaries and metrics that were left in a graph."""
    v1 = tf.compat.v1
    x, y = feed("x", f32(1, 0, 1)), feed("y", f32(1, 1, 1))
    v1.summary.scalar("mean", tf.reduce_mean(x))
    v1.summary.histogram("x", x)
    _, update = v1.metrics.accuracy(y, x)
    _, area_update = v1.metrics.auc(y, x * 0.5 + 0.1, num_thresholds=10)
    confusion = v1.confusion_matrix(tf.cast(y, tf.int32), tf.cast(x, tf.int32), 2)
    return {
        "update": update,
        "area": area_update,
        "confusion": confusion,
        "mse": v1.losses.mean_squared_error(y, x),
    }
