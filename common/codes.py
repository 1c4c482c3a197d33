"""Short codes that people read aloud, without letters that look alike."""

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_code(prefix: str, length: int = 6) -> str:
    """Return a fresh random code such as `V-7K2QX9`, from the system's secure source."""
    return f"{prefix}-" + "".join(secrets.choice(ALPHABET) for _ in range(length))
