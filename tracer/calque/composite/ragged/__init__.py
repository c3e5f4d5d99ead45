"""Ragged tensors: the class (`ragged_tensor`), how it is made, indexed and converted, and the ops that take it."""
