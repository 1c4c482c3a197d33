"""The accounts that were there before persons get one each, and those of one mailbox one."""

import pytest
from django.apps import apps as now
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests import cast
from tests.conftest import _point_django_at

BEFORE = [("parties", "0002_identifier_scheme_known")]


@pytest.mark.slow
def test_every_account_of_before_has_a_person(committed_db):
    _point_django_at(committed_db.owner_url)
    # Forwards from nothing: what came since can't all be taken back.
    with connection.cursor() as cursor:
        cursor.execute("drop schema public cascade")
        cursor.execute("create schema public")
    MigrationExecutor(connection).migrate(BEFORE)
    user_then = (
        MigrationExecutor(connection)
        .loader.project_state(BEFORE)
        .apps.get_model("parties", "User")
    )
    for email in ("nora@example.org", "mina@example.org", "mina+2@example.org"):
        user_then.objects.create(email=email, name="A", password="x", joined_at=cast.NOON)

    call_command("migrate", verbosity=0)

    found = now.get_model("parties", "User").objects.order_by("email")
    nora, mina, second = (
        found.get(email="nora@example.org"),
        *found.filter(email__startswith="m"),
    )
    assert mina.person_id == second.person_id != nora.person_id
    assert second.mailbox == mina.mailbox
    assert nora.person.known_since == cast.NOON
