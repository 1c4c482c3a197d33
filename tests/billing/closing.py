"""Short ways to close a month of a scene's programme, with two people."""

from datetime import UTC, date, datetime

from billing import actions
from tests import cast

JUNE = date(2025, 6, 1)
AUGUST = datetime(2025, 8, 2, tzinfo=UTC)


def propose(scene, *, month=JUNE, at=AUGUST, actor=None, key=None, note=""):
    return actions.propose_period(
        programme=scene.scheme.programme,
        month=month,
        note=note,
        actor=actor or scene.authority.finance[1],
        at=at,
        key=key or cast.a_key("propose"),
    )


def close(scene, *, month=JUNE, at=AUGUST, actor=None, key=None):
    return actions.close_period(
        programme=scene.scheme.programme,
        month=month,
        actor=actor or scene.authority.finance[0],
        at=at,
        key=key or cast.a_key("close"),
    )


def closed(scene, *, month=JUNE, at=AUGUST, key=None):
    """Propose a month and close it by another person."""
    propose(scene, month=month, at=at)
    return close(scene, month=month, at=at, key=key)
