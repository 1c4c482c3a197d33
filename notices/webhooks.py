"""Send one event to one address: signed, to a public place alone, and nowhere else from there.

The scheme is that of Standard Webhooks (https://www.standardwebhooks.com): headers webhook-id,
webhook-timestamp and webhook-signature, HMAC-SHA-256 over "id.timestamp.body".
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from providers.actions import is_public_address

TIMEOUT_SECONDS = 10
DEADLINE_SECONDS = 20
ANSWER_KEPT = 500


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one attempt: the status, or why there is none; how the answer began."""

    status: int | None
    problem: str
    answer: str
    took_ms: int

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver asks for no more of it (410)."""
        return self.status == 410


def signed_headers(
    *, number: str, at: datetime, body: str, secrets: Sequence[str]
) -> dict[str, str]:
    """Return the headers that sign a body: one signature for each secret in force."""
    signatures = [Webhook(secret).sign(number, at, body) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "Tessera-Webhooks/1",
        "webhook-id": number,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def send(url: str, headers: dict[str, str], body: str) -> Sent:
    """Post a body once; no redirect is followed. Never raises: what went wrong is told."""
    began = time.perf_counter()
    status, problem, answer = None, "", ""
    try:
        status, answer = _post(url, headers, body.encode())
    except _Private:
        problem = "private_address"
    except ssl.SSLError:
        problem = "tls"
    except TimeoutError:
        problem = "timeout"
    except (OSError, http.client.HTTPException, ValueError):
        problem = "unreachable"
    return Sent(status, problem, answer, int((time.perf_counter() - began) * 1000))


class _Private(Exception):
    """The host's name leads into a network of somebody's own."""


def _post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    # Connected to the very address that was checked: a second look-up could lead elsewhere.
    plain = socket.create_connection((_address_of(host, port), port), TIMEOUT_SECONDS)
    # A receiver that answers a byte at a time is cut off as well.
    end = threading.Timer(DEADLINE_SECONDS, _cut, [connection])
    end.start()
    try:
        if parts.scheme == "https":
            secured = ssl.create_default_context().wrap_socket(
                plain, server_hostname=host, do_handshake_on_connect=False
            )
            # Known before the handshake, which may take its time as well.
            connection.sock = secured
            secured.do_handshake()
        else:
            connection.sock = plain
        path = parts.path or "/"
        connection.request(
            "POST", f"{path}?{parts.query}" if parts.query else path, body, headers
        )
        response = connection.getresponse()
        begun = response.read(ANSWER_KEPT).decode("utf-8", "replace").replace("\0", "�")
        return response.status, begun
    finally:
        end.cancel()
        connection.close()
        plain.close()


def _cut(connection: http.client.HTTPConnection) -> None:
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _address_of(host: str, port: int) -> str:
    """Return the first address of a host.

    :raises _Private: if any of its addresses is not public.
    """
    found = [
        str(place[0])
        for *_kind, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ]
    if not found or not all(is_public_address(address) for address in found):
        raise _Private
    return found[0]
