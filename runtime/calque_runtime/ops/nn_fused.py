"""Convolutions with what follows them in one node."""

from __future__ import annotations

from typing import Any

from ..op import Kernel, Op, Site, op, register
from ..shapes import Shape, fixed, is_static
from .fused import with_epilogue
from .nn_conv import conv_2d, depthwise_conv_2d
from .windows import windows_of

__all__: list[str] = []

_EPILOGUE = (
    "fused_ops: list(string)=[]; epsilon: float=9.999999747378752e-05; "
    "leakyrelu_alpha: float=0.20000000298023224"
)


def _convolution(s: Site, epilogue: Any) -> Kernel:
    from ..kernels.conv import convolution

    return convolution(windows_of(s), fixed(s.shapes[0]), fixed(s.shapes[1]), s.dtypes[0].np, epilogue)


def _depthwise(s: Site, epilogue: Any) -> Kernel:
    from ..kernels.depthwise import depthwise

    return depthwise(windows_of(s), fixed(s.shapes[0]), fixed(s.shapes[1]), s.dtypes[0].np, epilogue)


fused_conv_2d: Op = register(
    with_epilogue(
        "_FusedConv2D(input: T, filter: T, args: list(TArgs), host_args: num_host_args*float) -> (output: T) | "
        "T: type in [half, float, double, int8, qint8]; TArgs: list(type) >=1; num_args: int >=0; "
        "num_host_args: int=0 >=0; strides: list(int); padding: string in ['SAME', 'VALID', 'EXPLICIT']; "
        "explicit_paddings: list(int)=[]; data_format: string='NHWC' in ['NHWC', 'NCHW', 'NCHW_VECT_C']; "
        "filter_format: string='HWIO' in ['HWIO', 'OIHW', 'OIHW_VECT_I']; dilations: list(int)=[1, 1, 1, 1]; "
        f"use_cudnn_on_gpu: bool=true; {_EPILOGUE}",
        conv_2d,
        _convolution,
        "Conv2D, then what `fused_ops` names: BiasAdd, Add, an activation.",
    )
)
fused_depthwise: Op = register(
    with_epilogue(
        "_FusedDepthwiseConv2dNative(input: T, filter: T, args: num_args*T) -> (output: T) | "
        "T: type in [half, bfloat16, float, double]; num_args: int >=0; strides: list(int); "
        "padding: string in ['SAME', 'VALID']; data_format: string='NHWC' in ['NHWC', 'NCHW']; "
        f"dilations: list(int)=[1, 1, 1, 1]; {_EPILOGUE}",
        depthwise_conv_2d,
        _depthwise,
        "DepthwiseConv2dNative, then what `fused_ops` names: BiasAdd, Add, an activation.",
    )
)
explicit_depthwise: Op = register(
    with_epilogue(
        "_ExplicitDepthwise(input: T, filter: T, args: num_args*T) -> (output: T) | "
        "T: type in [half, bfloat16, float, double]; num_args: int >=0; strides: list(int); "
        "padding: string in ['EXPLICIT']; explicit_paddings: list(int)=[]; "
        f"data_format: string='NHWC' in ['NHWC']; dilations: list(int)=[1, 1, 1, 1]; {_EPILOGUE}",
        depthwise_conv_2d,
        _depthwise,
        "_FusedDepthwiseConv2dNative with the padding that its declaration leaves out.",
    )
)


@op("_WinogradFilter(filter: T) -> (output: T) | T: type in [float, double]")
def winograd_filter(s: Site) -> Kernel:
    """A filter of 3 x 3 pixels as `_WinogradConv2D` takes it: (16, channels, filters)."""
    from ..kernels.winograd import transform_filter

    return transform_filter


@winograd_filter.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    return [(16, None, None) if known is None else (16, *known[2:])]


@op(
    "_WinogradConv2D(input: T, filter: T, args: num_args*T) -> (output: T) | T: type in [float, double]; "
    "num_args: int >=0; padding: string in ['SAME', 'VALID', 'EXPLICIT']; explicit_paddings: list(int)=[]; "
    "strides: list(int)=[1, 1, 1, 1]; dilations: list(int)=[1, 1, 1, 1]; data_format: string='NHWC' in ['NHWC']; "
    f"{_EPILOGUE}"
)
def winograd_conv_2d(s: Site) -> Kernel:
    """_FusedConv2D with a filter of 3 x 3 pixels that `_WinogradFilter` has transformed, and strides of 1."""
    from ..kernels.epilogue import Epilogue
    from ..kernels.winograd import winograd

    dtype, windows = s.dtypes[0].np, windows_of(s)
    epilogue = Epilogue(s["fused_ops"], dtype, s["leakyrelu_alpha"])
    if all(is_static(shape) for shape in s.shapes[:2]):
        return winograd(windows, fixed(s.shapes[0]), fixed(s.shapes[1])[-1], dtype, epilogue)
    return lambda x, w, *args: winograd(windows, x.shape, w.shape[-1], dtype, epilogue)(x, w, *args)


@winograd_conv_2d.shape
def _(s: Site) -> list[Shape]:
    x, w = s.shapes[:2]
    known = (None,) * 4 if x is None else x
    return [(known[0], *windows_of(s).out(known[1:3], (3, 3)), None if w is None else w[-1])]
