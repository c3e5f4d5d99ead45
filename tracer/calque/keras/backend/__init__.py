"""`keras.backend`: the functions that Keras layers used to be written with."""

from __future__ import annotations

from ..activations import elu as elu
from ..activations import hard_sigmoid as hard_sigmoid
from ..activations import relu as relu
from ..activations import sigmoid as sigmoid
from ..activations import softmax as softmax
from ..activations import softplus as softplus
from ..activations import softsign as softsign
from ..activations import tanh as tanh
from ..config import epsilon as epsilon
from ..config import floatx as floatx
from ..config import image_data_format as image_data_format
from ..config import set_epsilon as set_epsilon
from ..config import set_floatx as set_floatx
from ..config import set_image_data_format as set_image_data_format
from ..losses.crossentropies import binary_crossentropy as binary_crossentropy
from ..losses.crossentropies import binary_focal_crossentropy as binary_focal_crossentropy
from ..losses.crossentropies import categorical_crossentropy as categorical_crossentropy
from ..losses.crossentropies import categorical_focal_crossentropy as categorical_focal_crossentropy
from ..losses.crossentropies import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from ..naming import clear_session as clear_session
from ..naming import get_uid as get_uid
from ..naming import reset_uids as reset_uids
from . import ctc as _ctc
from . import experimental as experimental
from . import networks as _networks
from . import session as _session
from . import tensors as _tensors
from .ctc import *  # noqa: F403
from .networks import *  # noqa: F403
from .session import *  # noqa: F403
from .tensors import *  # noqa: F403

__all__ = sorted(
    {
        *_ctc.__all__,
        *_networks.__all__,
        *_session.__all__,
        *_tensors.__all__,
        "binary_crossentropy",
        "binary_focal_crossentropy",
        "categorical_crossentropy",
        "categorical_focal_crossentropy",
        "clear_session",
        "elu",
        "epsilon",
        "experimental",
        "floatx",
        "get_uid",
        "hard_sigmoid",
        "image_data_format",
        "relu",
        "reset_uids",
        "rnn",
        "set_epsilon",
        "set_floatx",
        "set_image_data_format",
        "sigmoid",
        "softmax",
        "softplus",
        "softsign",
        "sparse_categorical_crossentropy",
        "tanh",
    }
)


def __getattr__(name: str) -> object:
    if name == "rnn":  # layers are made with this package
        from ..layers.recurrent.loop import rnn

        return rnn
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
