"""Loops that make kernels fast on large arrays: tiles that stay in the cache, work shared by threads, blocked products.

`ops/` says what an op computes; where its arrays are large and their shapes known, it asks here.
"""
