"""The formats on disk as protobuf messages, and their translation to calque's own values.

This package is the only one that imports protobuf: nothing outside it sees a message.
"""
