"""Recurrent layers: cells, what runs them over time, and wrappers."""

from __future__ import annotations

from .base import RNN
from .bidirectional import Bidirectional
from .cells import AbstractRNNCell
from .conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from .gru import GRU, GRUCell
from .lstm import LSTM, LSTMCell
from .simple_rnn import SimpleRNN, SimpleRNNCell
from .stacked import StackedRNNCells
from .time_distributed import TimeDistributed
from .wrapper import Wrapper

__all__ = [
    "AbstractRNNCell",
    "Bidirectional",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "GRU",
    "GRUCell",
    "LSTM",
    "LSTMCell",
    "RNN",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "TimeDistributed",
    "Wrapper",
]
