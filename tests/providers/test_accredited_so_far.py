"""Who was accredited or suspended before batches were kept still is, by the acts of then."""

from datetime import date

import pytest
from django.apps import apps as now
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from ledger import actions as ledger
from ledger.kinds import ActKind
from tests import cast
from tests.conftest import _point_django_at

BEFORE = [("providers", "0002_insert_only")]


@pytest.mark.slow
def test_every_provider_of_before_keeps_what_it_may(committed_db):
    authority = cast.make_authority()
    sellers = [cast.a_newcomer("Plain Compute")[0], cast.a_newcomer("Stopped Compute")[0]]
    _point_django_at(committed_db.owner_url)
    MigrationExecutor(connection).migrate(BEFORE)
    then = MigrationExecutor(connection).loader.project_state(BEFORE).apps

    with transaction.atomic():
        acts = [
            ledger.begin(
                kind=kind,
                key=f"{kind}-{one.code}",
                actor=authority.officer.address,
                about=one.address,
                at=cast.NOON,
                payload={},
                reason="An audit." if kind == ActKind.SUSPEND_PROVIDER else "",
            )
            for one in sellers
            for kind in (ActKind.ACCREDIT_PROVIDER, ActKind.SUSPEND_PROVIDER)
        ]
        for one, status, act in zip(
            sellers, ("ACCREDITED", "SUSPENDED"), acts[::2], strict=True
        ):
            then.get_model("providers", "Provider").objects.create(
                organisation_id=one.pk, status=status, accredited_at=cast.NOON, act_id=act.id
            )

    call_command("migrate", verbosity=0)

    found = now.get_model("providers", "Accreditation").objects.order_by("pk")
    kept = {(one.provider.organisation.name, one.item, one.from_on) for one in found}
    assert kept == {
        (name, item, date(2025, 6, 2))
        for name in ("Plain Compute", "Stopped Compute")
        for item in ("AI_COMPUTE", "GENERAL_COMPUTE", "SUPERCOMPUTE")
    }
    suspension = now.get_model("providers", "Suspension").objects.get()
    assert suspension.provider.organisation.name == "Stopped Compute"
    assert (suspension.reason, suspension.act_id) == ("An audit.", acts[3].id)
