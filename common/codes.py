"""Short codes that people read aloud, without letters that look alike."""

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_code(prefix: str, length: int = 6) -> str:
    """Return a fresh random code such as `V-7K2QX9`, from the system's secure source."""
    return f"{prefix}-{random_letters(length)}"


def random_letters(count: int) -> str:
    """Return so many letters of the alphabet, each as likely as any other."""
    letters = ""
    # A byte beyond the last whole turn of the alphabet would make its first letters likelier.
    fair = 256 - 256 % len(ALPHABET)
    while len(letters) < count:
        drawn = secrets.token_bytes((count - len(letters)) * 5 // 4 + 8)
        letters += "".join([ALPHABET[byte % len(ALPHABET)] for byte in drawn if byte < fair])
    return letters[:count]
