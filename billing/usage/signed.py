"""What a meter signs: the words of a batch, and whether a signature over them is its own.

The signature is Ed25519 (RFC 8032) over five lines of UTF-8. The page stands in them by its
SHA-256, so that the signature can be proved later although the page itself is not kept.
"""

import base64
import binascii
import hashlib
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_VERSION = "tessera-telemetry-1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEY_BYTES, SIGNATURE_BYTES = 32, 64


def signed_words(
    source: str, sequence: int | None, taken_at: datetime, page_sha256: str
) -> bytes:
    """Return the bytes that stand for a batch, each part on a line of its own.

    The version, the meter's name, the batch's number (empty where it has none), the instant in
    whole milliseconds since 1970 (UTC), and the page's SHA-256 in small hexadecimal digits.
    """
    milliseconds = (taken_at - _EPOCH) // timedelta(milliseconds=1)
    number = "" if sequence is None else str(sequence)
    return "\n".join([_VERSION, source, number, str(milliseconds), page_sha256]).encode()


def digest_of(words: bytes) -> str:
    """Return the SHA-256 of a batch's words in hexadecimal digits."""
    return hashlib.sha256(words).hexdigest()


def bytes_of(text: str, length: int) -> bytes | None:
    """Return what a text in base64 stands for, or None if it isn't that of so many bytes."""
    try:
        found = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == length else None


def is_signed(public_key: str, signature: str, words: bytes) -> bool:
    """Return whether a signature (base64) over the words was made with a public key's secret."""
    key, signed = bytes_of(public_key, KEY_BYTES), bytes_of(signature, SIGNATURE_BYTES)
    if key is None or signed is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signed, words)
    except (InvalidSignature, ValueError):
        return False
    return True
