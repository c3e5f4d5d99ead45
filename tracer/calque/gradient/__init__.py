"""Automatic differentiation: tapes, gradients of graphs and of the functions they call, custom gradients.

`recording` is what op calls and graphs see of it, and stands alone; everything else builds on the whole library.
"""
