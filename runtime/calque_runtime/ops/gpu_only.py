"""Ops that TensorFlow itself runs on GPUs only: graphs that hold them can be traced, shown and saved."""

from __future__ import annotations

from ..op import Kernel, Op, Site, register
from ..shapes import Shape

__all__ = ["cudnn_rnn"]


def _refused(s: Site) -> Kernel:
    raise s.unsupported("it runs on GPUs only")


cudnn_rnn = register(
    Op(
        "CudnnRNN(input: T, input_h: T, input_c: T, params: T) -> (output: T, output_h: T, output_c: T, "
        "reserve_space: T) | T: type in [bfloat16, half, float, double]; rnn_mode: string='lstm' in ['rnn_relu', "
        "'rnn_tanh', 'lstm', 'gru']; input_mode: string='linear_input' in ['linear_input', 'skip_input', "
        "'auto_select']; direction: string='unidirectional' in ['unidirectional', 'bidirectional']; dropout: "
        "float=0.0; seed: int=0; seed2: int=0; is_training: bool=true | stateful",
        _refused,
        "The outputs of a recurrent network, by cuDNN, and its last state.",
    )
)
cudnn_rnn.not_differentiable()


@cudnn_rnn.shape
def _(s: Site) -> list[Shape]:
    x, h = s.shapes[:2]
    cell = s.shapes[2] if s["rnn_mode"] == b"lstm" else (0,)
    if x is None or h is None or len(x) != 3 or len(h) != 3:
        return [None, h, cell, None]
    both = 2 if s["direction"] == b"bidirectional" else 1
    units = None if h[2] is None else h[2] * both
    return [(x[0], x[1], units), h, cell, None]
