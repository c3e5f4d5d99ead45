"""Values made of several tensors: the protocol that makes a class one, and TensorFlow's own such classes.

`trace_type` and `type_spec` say what a type of values is, `composite` what a value of such a type has. The rest are the
classes: sparse and ragged tensors, and those that users declare (`extension_type`).
"""
