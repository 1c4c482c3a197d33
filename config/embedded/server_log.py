"""What PostgreSQL's log tells of a start."""

_SAID_BY_SESSIONS = (
    b"terminating connection",
    b"connection to client lost",
    b"the database system is",
)


def has_given_up(new: bytes) -> bool:
    """Whether what was logged since a start tells that the server won't come up.

    Sessions of a server that was killed take a moment to notice: they hold its memory, and say
    FATAL as they end; so does a server that is up to whoever comes too early.
    """
    if b"shared memory block" in new:
        return False
    return any(
        b"FATAL" in line and not any(words in line for words in _SAID_BY_SESSIONS)
        for line in new.splitlines()
    )
