"""Rewrites of functions, one a file; the docstring of each shows a function before and after it."""
