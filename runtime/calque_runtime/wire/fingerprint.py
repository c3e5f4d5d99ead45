"""fingerprint.pb: hashes by which a serving system tells models apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from calque_runtime.farmhash import fingerprint64, fingerprint_cat64
from calque_runtime.savedmodel.metagraph import SignatureDef

from . import schema
from .metagraphs import encode_signature

__all__ = ["encode_fingerprint"]

FINGERPRINT_VERSION = 4  # versions.producer of TensorFlow 2.21


def encode_fingerprint(saved_model: bytes, signatures: Mapping[str, SignatureDef], index: bytes) -> bytes:
    """The bytes of fingerprint.pb.

    Two of TensorFlow's five hashes are written, those of the signatures and of the checkpoint's index; the formulas of
    the others are not published. Instead of TensorFlow's random number, `uuid` is derived from the model's bytes, so
    that the same model has the same fingerprint.

    Args:
        saved_model: the bytes of saved_model.pb.
        signatures: its signatures by name.
        index: the bytes of variables.index.
    """
    total = 0
    for name in sorted(signatures):
        total = fingerprint_cat64(total, fingerprint64(name.encode()))
        proto = schema.SignatureDef()
        encode_signature(signatures[name], proto)
        total = fingerprint_cat64(total, fingerprint64(schema.serialize(proto, "a signature")))
    out = schema.FingerprintDef(signature_def_hash=total, checkpoint_hash=fingerprint64(index))
    out.version.producer = FINGERPRINT_VERSION
    out.uuid = str(int.from_bytes(hashlib.sha256(saved_model).digest()[:16], "little"))
    return schema.serialize(out, "fingerprint.pb")
