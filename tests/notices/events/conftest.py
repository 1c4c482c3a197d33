"""A provider whose programs listen on the machine itself."""

import pytest

from tests.cast import M3, make_scene
from tests.notices.receiver import listening


@pytest.fixture(autouse=True)
def to_loopback(settings):
    settings.WEBHOOKS_TO_LOOPBACK = True


@pytest.fixture
def scene(db):
    return make_scene(M3)


@pytest.fixture
def receiver():
    with listening() as one:
        yield one
