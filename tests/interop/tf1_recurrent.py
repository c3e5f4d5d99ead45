"""TF1 models with loops over time; see `tf1_models`."""

from __future__ import annotations

from typing import Any

import numpy as np

from interop.tf1_models import Feeds, case, normal, variable


@case()
def dynamic_lstm(tf: Any, feed: Feeds) -> dict[str, Any]:
    x = feed("x", normal(3, 5, 4))
    lengths = feed("lengths", np.array([5, 0, 2], np.int32))
    cell = tf.compat.v1.nn.rnn_cell.LSTMCell(6, use_peepholes=True, num_proj=5)
    outputs, state = tf.compat.v1.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32)
    return {"outputs": outputs, "c": state.c, "h": state.h}


@case()
def bidirectional_gru(tf: Any, feed: Feeds) -> dict[str, Any]:
    nn = tf.compat.v1.nn
    x = feed("x", normal(2, 6, 3), shape=(None, None, 3))
    lengths = feed("lengths", np.array([6, 3], np.int64))
    outputs, states = nn.bidirectional_dynamic_rnn(
        nn.rnn_cell.GRUCell(4), nn.rnn_cell.GRUCell(4), x, lengths, dtype=tf.float32
    )
    return {"both": tf.concat(outputs, 2), "forward": states[0], "backward": states[1]}


@case()
def stacked_with_dropout(tf: Any, feed: Feeds) -> dict[str, Any]:
    nn = tf.compat.v1.nn
    x = feed("x", normal(7, 2, 3), shape=(None, None, 3))
    keep = feed("keep", np.float32(1.0), default=1.0)
    cells = [
        nn.rnn_cell.DropoutWrapper(nn.rnn_cell.BasicLSTMCell(5), output_keep_prob=keep) for _ in range(2)
    ]
    cell = nn.rnn_cell.MultiRNNCell([cells[0], nn.rnn_cell.ResidualWrapper(cells[1])])
    outputs, state = nn.dynamic_rnn(cell, x, dtype=tf.float32, time_major=True)
    return {"last": outputs[-1], "top": state[1].h, "bottom": state[0].c}


@case()
def static_rnn(tf: Any, feed: Feeds) -> dict[str, Any]:
    nn = tf.compat.v1.nn
    x = feed("x", normal(2, 4, 3))
    outputs, state = nn.static_rnn(nn.rnn_cell.BasicRNNCell(5), tf.unstack(x, axis=1), dtype=tf.float32)
    return {"outputs": tf.stack(outputs, 1), "state": state}


@case()
def static_rnn_with_lengths(tf: Any, feed: Feeds) -> dict[str, Any]:
    nn = tf.compat.v1.nn
    x = feed("x", normal(2, 4, 3))
    lengths = feed("lengths", np.array([1, 4], np.int32))
    cell = nn.rnn_cell.BasicLSTMCell(5)
    outputs, state = nn.static_rnn(cell, tf.unstack(x, axis=1), dtype=tf.float32, sequence_length=lengths)
    return {"outputs": tf.stack(outputs, 1), "h": state.h}


@case()
def attention_decoder(tf: Any, feed: Feeds) -> dict[str, Any]:
    """An encoder, and a greedy decoder with attention that stops at an end token."""
    v1, nn = tf.compat.v1, tf.compat.v1.nn
    source = feed("source", np.array([[1, 4, 2, 0], [3, 3, 5, 6]], np.int32), shape=(None, None))
    table = variable(tf, "embedding", 8, 5)
    encoded, state = nn.dynamic_rnn(
        nn.rnn_cell.GRUCell(5), nn.embedding_lookup(table, source), dtype=tf.float32
    )
    with v1.variable_scope("decoder"):
        cell = nn.rnn_cell.GRUCell(5)
        w = variable(tf, "w", 10, 8, seed=1)
    batch = tf.shape(source)[0]
    ids = tf.TensorArray(tf.int32, size=0, dynamic_size=True, clear_after_read=False)

    def goes_on(step: Any, token: Any, state: Any, done: Any, ids: Any) -> Any:
        return tf.logical_and(step < 7, tf.logical_not(tf.reduce_all(done)))

    def one(step: Any, token: Any, state: Any, done: Any, ids: Any) -> Any:
        with v1.variable_scope("decoder", reuse=v1.AUTO_REUSE):
            output, state = cell(nn.embedding_lookup(table, token), state)
        weights = tf.nn.softmax(tf.reduce_sum(encoded * output[:, None], 2))
        context = tf.reduce_sum(encoded * weights[:, :, None], 1)
        token = tf.argmax(tf.matmul(tf.concat([output, context], 1), w), 1, output_type=tf.int32)
        return step + 1, token, state, done | tf.equal(token, 7), ids.write(step, token)

    start = (tf.constant(0), tf.zeros([batch], tf.int32), state, tf.zeros([batch], tf.bool), ids)
    shapes = (
        tf.TensorShape([]),
        tf.TensorShape([None]),
        tf.TensorShape([None, 5]),
        tf.TensorShape([None]),
        tf.TensorShape(None),
    )
    steps, _, state, _, ids = v1.while_loop(goes_on, one, start, shapes)
    return {"ids": tf.transpose(ids.stack()), "steps": steps, "state": state}


@case()
def beam_search(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Beam search in a loop: top_k, gather_nd, a growing tensor."""
    v1 = tf.compat.v1
    start = feed("start", np.array([1, 3], np.int32))
    logits = variable(tf, "logits", 6, 6)
    beams = 3
    batch = tf.shape(start)[0]
    tokens = tf.tile(start[:, None, None], [1, beams, 1])
    scores = tf.tile([[0.0] + [-1e9] * (beams - 1)], [batch, 1])

    def one(i: Any, tokens: Any, scores: Any) -> Any:
        last = tokens[:, :, -1]
        step = tf.nn.log_softmax(tf.gather(logits, last)) + scores[:, :, None]
        scores, where = tf.nn.top_k(tf.reshape(step, [batch, -1]), k=beams)
        parent, token = where // 6, where % 6
        rows = tf.tile(tf.range(batch)[:, None], [1, beams])
        tokens = tf.concat([tf.gather_nd(tokens, tf.stack([rows, parent], 2)), token[:, :, None]], 2)
        return i + 1, tokens, scores

    unknown = (tf.TensorShape([]), tf.TensorShape([None, None, None]), tf.TensorShape([None, None]))
    _, tokens, scores = v1.while_loop(
        lambda i, *_: tf.less(i, 4), one, (0, tokens, scores), unknown, parallel_iterations=1
    )
    return {"tokens": tokens, "scores": scores}


@case()
def raw_rnn(tf: Any, feed: Feeds) -> dict[str, Any]:
    nn = tf.compat.v1.nn
    x = feed("x", normal(5, 2, 3), shape=(None, None, 3))
    lengths = feed("lengths", np.array([5, 2], np.int32))
    cell = nn.rnn_cell.LSTMCell(4)
    inputs = tf.TensorArray(tf.float32, size=tf.shape(x)[0], clear_after_read=False).unstack(x)

    def loop(time: Any, output: Any, state: Any, _: Any) -> Any:
        state = cell.zero_state(tf.shape(x)[1], tf.float32) if output is None else state
        finished = time >= lengths
        done = tf.reduce_all(finished)
        following = tf.cond(done, lambda: tf.zeros([tf.shape(x)[1], 3]), lambda: inputs.read(time))
        following.set_shape([None, 3])
        return finished, following, state, output, None

    outputs, state, _ = nn.raw_rnn(cell, loop)
    return {"outputs": outputs.stack(), "h": state.h}


@case()
def scan_and_fold(tf: Any, feed: Feeds) -> dict[str, Any]:
    v1 = tf.compat.v1
    x = feed("x", normal(5, 3))
    sums = v1.scan(lambda a, b: a * 0.5 + b, x)
    backward = v1.scan(lambda a, b: (a[0] + b, a[1] * 2.0), x, (tf.zeros(3), tf.ones([])), reverse=True)
    return {
        "sums": sums,
        "backward": backward[0],
        "powers": backward[1],
        "folded": v1.foldl(lambda a, b: tf.maximum(a, b), x),
        "right": v1.foldr(lambda a, b: a - b, x),
        "mapped": v1.map_fn(
            lambda row: (tf.reduce_sum(row), tf.cast(row > 0, tf.int32)), x, (tf.float32, tf.int32)
        )[0],
    }


@case()
def crf_viterbi(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Sequence tagging: a loop forward for the scores, a loop backward for the path."""
    v1 = tf.compat.v1
    scores = feed("scores", normal(2, 5, 3))
    lengths = feed("lengths", np.array([5, 3], np.int32))
    transitions = variable(tf, "transitions", 3, 3)

    def forward(before: Any, now: Any) -> Any:
        trellis, _ = before
        both = trellis[:, :, None] + transitions[None]
        return now + tf.reduce_max(both, 1), tf.argmax(both, 1, output_type=tf.int32)

    times = tf.transpose(scores[:, 1:], [1, 0, 2])
    first = scores[:, 0]
    trellis, back = v1.scan(forward, times, (first, tf.zeros_like(first, tf.int32)))
    last = tf.concat([first[None], trellis], 0)
    at = tf.stack([lengths - 1, tf.range(tf.shape(lengths)[0])], 1)
    best = tf.argmax(tf.gather_nd(last, at), 1, output_type=tf.int32)
    back = tf.reverse_sequence(back, lengths - 1, seq_axis=0, batch_axis=1)

    def backward(tag: Any, pointers: Any) -> Any:
        found = tf.gather_nd(pointers, tf.stack([tf.range(tf.shape(tag)[0]), tag], 1))
        return tf.ensure_shape(found, [None])

    tags = v1.scan(backward, back, best)
    return {"tags": tf.concat([best[None], tags], 0), "score": tf.reduce_max(tf.gather_nd(last, at), 1)}


@case(tolerance=1e-3)
def gradients(tf: Any, feed: Feeds) -> dict[str, Any]:
    """An exported training graph: the gradients of a loop, with the stacks that they need."""
    x = feed("x", normal(3, 5, 4))
    cell = tf.compat.v1.nn.rnn_cell.LSTMCell(6)
    outputs, _ = tf.compat.v1.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    loss = tf.reduce_sum(outputs**2)
    (dx,) = tf.compat.v1.gradients(loss, [x])
    weights = tf.compat.v1.gradients(loss, cell.trainable_variables)
    return {"loss": loss, "dx": dx, "dw": weights[0], "db": weights[1]}


@case()
def block_lstm(tf: Any, feed: Feeds) -> dict[str, Any]:
    x = feed("x", normal(4, 2, 3))
    w, b = variable(tf, "w", 8, 20), variable(tf, "b", 20, seed=1)
    zeros = tf.zeros([2, 5])
    peep = variable(tf, "peep", 5, seed=2)
    one = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.constant(3, tf.int64), x=x, cs_prev=zeros, h_prev=zeros, w=w, wci=peep, wcf=peep, wco=peep,
        b=b, forget_bias=1.0, cell_clip=3.0, use_peephole=True,
    )  # fmt: skip
    two = tf.raw_ops.BlockLSTMV2(
        seq_len_max=tf.constant(4, tf.int64), x=x, cs_prev=zeros, h_prev=zeros, w=w, wci=peep, wcf=peep, wco=peep,
        b=b, cell_clip=0.0, use_peephole=False,
    )  # fmt: skip
    cell = tf.raw_ops.LSTMBlockCell(
        x=x[0], cs_prev=zeros, h_prev=zeros, w=w, wci=peep, wcf=peep, wco=peep, b=b, use_peephole=True
    )
    return {
        "h": one.h[:3], "cs": one.cs[:3], "h2": two.h, "i2": two.i, "co2": two.co,
        "cell_h": cell.h, "cell_f": cell.f, "cell_o": cell.o, "cell_ci": cell.ci,
    }  # fmt: skip


@case()
def gru_block(tf: Any, feed: Feeds) -> dict[str, Any]:
    x = feed("x", normal(2, 3))
    h = feed("h", normal(2, 4, seed=2))
    made = tf.raw_ops.GRUBlockCell(
        x=x, h_prev=h, w_ru=variable(tf, "w", 7, 8), w_c=variable(tf, "c", 7, 4, seed=1),
        b_ru=variable(tf, "b", 8, seed=2), b_c=variable(tf, "bc", 4, seed=3),
    )  # fmt: skip
    return {"r": made.r, "u": made.u, "c": made.c, "h": made.h}


@case("v2")
def keras_lstm(tf: Any, feed: Feeds) -> dict[str, Any]:
    k = tf.keras.layers
    x = feed("x", normal(2, 5, 3))
    h = k.Bidirectional(k.LSTM(4, return_sequences=True))(k.Masking()(x))
    return {"gru": k.GRU(3, reset_after=True)(h), "rnn": k.SimpleRNN(2, return_sequences=True)(h)}
