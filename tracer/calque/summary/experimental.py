"""`tf.summary.experimental`: the default step, and what writes summaries of one's own."""

from .state import get_step, set_step
from .write import summary_scope, write_raw_pb

__all__ = ["get_step", "set_step", "summary_scope", "write_raw_pb"]
