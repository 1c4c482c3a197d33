"""Secrets of a machine of one's own: made once, kept in var/ for its owner alone."""

import contextlib
import hmac
import os
import secrets
from pathlib import Path


def kept_secret(folder: Path, name: str) -> str:
    """Return the secret of that name, making it once; safe when many processes ask at once."""
    path = folder / name
    if not path.exists():
        fresh = _fresh(folder, name, secrets.token_urlsafe(48))
        # link() fails when another process was first: its secret then stands.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text()


def keep_secret(folder: Path, name: str, secret: str) -> None:
    """Keep a secret that is known already, in place of what was kept under that name."""
    _fresh(folder, name, secret).replace(folder / name)


def _fresh(folder: Path, name: str, secret: str) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = folder / f".{name}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
    return fresh


def sandbox_secret(secret: str) -> str:
    """Return the secret of a portal's sandbox: worked out of the portal's, and not the way back."""
    return hmac.new(secret.encode(), b"tessera.sandbox", "sha256").hexdigest()
