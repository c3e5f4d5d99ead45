"""`tf.bitwise`."""

from __future__ import annotations

from .raw import binary, unary

__all__ = ["bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift"]

bitwise_and = binary("BitwiseAnd", "bitwise_and", "The bits set in both.")
bitwise_or = binary("BitwiseOr", "bitwise_or", "The bits set in either.")
bitwise_xor = binary("BitwiseXor", "bitwise_xor", "The bits set in exactly one.")
invert = unary("Invert", "invert", "Every bit turned over.")
left_shift = binary("LeftShift", "left_shift", "x moved up by y bits.")
right_shift = binary("RightShift", "right_shift", "x moved down by y bits; the sign stays.")
