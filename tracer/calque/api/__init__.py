"""The public ops, a file for each of TensorFlow's namespaces: thin wrappers that convert arguments and call an op."""
