"""The structured reference (ISO 11649) of a payment, and how to find one in a bank's text."""

import re

from stdnum import iso11649

_RF = re.compile(r"\bRF\d\d(?: ?[A-Z0-9]){1,21}", re.ASCII)
_NOT_CHARACTER = re.compile(r"[^A-Z0-9]", re.ASCII)


def reference_body(end_to_end_id: str) -> str:
    """Return what of an end-to-end id a structured reference has room for: letters and digits."""
    return _NOT_CHARACTER.sub("", end_to_end_id.upper())[:21]


def rf_reference(end_to_end_id: str) -> str:
    """Return the ISO 11649 reference of a payment: RF, two check digits, and its id's body.

    The check digits are those of ISO 7064, modulus 97-10, over the body and `RF00`.
    """
    body = reference_body(end_to_end_id)
    digits = "".join(str(int(character, 36)) for character in f"{body}RF00")
    return f"RF{98 - int(digits) % 97:02}{body}"


def body_of(reference: str | None) -> str | None:
    """Return the body of a structured reference whose check digits agree, or None."""
    compact = iso11649.compact(reference or "")
    return compact[4:] if iso11649.is_valid(compact) else None


def rf_reference_in(text: str) -> str | None:
    """Return the first valid structured reference in a free text, without blanks, or None."""
    for found in _RF.finditer(text):
        # Blanks may stand within a reference and after it: the longest valid one is meant.
        words = found[0].split(" ")
        for count in range(len(words), 0, -1):
            compact = "".join(words[:count])
            if iso11649.is_valid(compact):
                return compact
    return None
