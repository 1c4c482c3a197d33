"""The demo's world: made by actions alone, proven, the same for the same seed, and telling."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import translation

from billing.models import Batch, Bill, BillLine, Payment, UsageLine
from billing.queries import line_verdict
from billing.reasons import sentence
from config.demo.people import DEMO_PASSWORD
from config.demo.programmes import CLAIMS, HOURS, OFFSET
from config.demo.summary import counts_by_state, equal_applicants, figures
from config.demo.year import live_through
from ledger.models import Act, Transfer
from ledger.queries import accounts_out_of_step
from parties.models import BankDetail, Organisation, User
from parties.queries import bank_detail_state
from providers.models import (
    AccreditationApplication,
    AccreditationDecision,
    Provider,
    SuspensionLift,
)
from providers.queries import (
    accreditations_listed,
    agreements_to_accept,
    capacity_in_force,
    provider_status,
    providers_known,
)
from providers.queries.capacity import steps_of
from vouchers.models import Application, Order, Voucher
from vouchers.queries import rounds_open

pytestmark = pytest.mark.slow

UNTIL = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def accounts_file(settings, tmp_path, quick_passwords, committed_db):
    settings.VAR_DIR = tmp_path
    settings.REGISTERS_FOLDER = str(tmp_path / "registers")
    call_command("load_demo", "--small", seed=7, until=UNTIL)
    return tmp_path / "demo-accounts.txt"


def states(field):
    """Every value that a field with choices can have."""
    return {str(value) for value in field.field.choices and dict(field.field.choices)}


def test_the_small_demo_is_a_proven_world_in_every_state(accounts_file):
    # The ledger is proven, and everything happened within the time that was asked for, in order.
    assert accounts_out_of_step() == []
    instants = list(
        Act.objects.exclude(kind="seal").order_by("id").values_list("at", flat=True)
    )
    assert instants == sorted(instants)
    assert instants[-1] <= UNTIL
    assert Transfer.objects.filter(at__gt=UNTIL).count() == 0

    # Eight applicants, three programmes with a round that is open.
    applicants = Organisation.objects.filter(kind__in=["SME", "LABORATORY", "UNIVERSITY"])
    assert applicants.count() == 8
    opened = {one.programme.code for one in rounds_open(UNTIL.date())}
    assert opened == {OFFSET, CLAIMS, HOURS}

    # Nothing has a state that nobody can see here.
    found = counts_by_state()
    # No shipped programme, so none of the demo, decides its rounds together and lets wait.
    assert set(found["applications"]) == states(Application.status) - {"WAITING"}
    assert set(found["vouchers"]) == states(Voucher.status) | {"ACTIVE, used up"}
    assert found["vouchers"]["ACTIVE, used up"] >= 1
    assert set(found["orders"]) == states(Order.status)
    assert set(found["bills and claims"]) == states(Bill.status)
    assert set(found["verdicts"]) == {"ACCEPTED", "REDUCED", "WITHHELD", "DECLINED"}
    # No shipped law asks for a fourth person; in the small world the bank has answered all that
    # it was given, and none of it in part, and the batch that was called off had lost its payment.
    assert set(found["batches"]) == states(Batch.status) - {"AUTHORISED", "SENT"}
    assert set(found["payments"]) == states(Payment.status) - {"CANCELLED", "PART"}
    assert set(found["bank lines"]) == {"PAID", "RETURNED", "UNMATCHED"}

    # What is withheld says why.
    assert withheld_words("billed_above_meter").startswith("Billed: ")
    assert withheld_words("line_billed_before").startswith("This usage is already on bill BL-")

    providers_are_in_every_state()
    nobody_metered_more_than_it_registered()

    # Every account of the list can sign in; nobody who can is missing from it.
    lines = accounts_file.read_text().splitlines()
    emails = [line.split()[1] for line in lines if line.split()[1].endswith("@demo.example")]
    people = {one.email: one for one in User.objects.all()}
    able = [one.email for one in people.values() if one.check_password(DEMO_PASSWORD)]
    assert sorted(emails) == sorted(able)
    assert {line.split()[0] for line in lines[1:-1]} == {
        "admin",
        "applicant",
        "finance",
        "investigator",
        "officer",
        "provider",
        "regulator",
        "reviewer",
    }

    # A second load would mix two worlds.
    acts = Act.objects.count()
    with pytest.raises(CommandError, match="empty database"):
        call_command("load_demo", "--small", seed=7, until=UNTIL)
    assert Act.objects.count() == acts


def providers_are_in_every_state():
    """Of accreditation, suspension, agreement and bank detail the pages show each case."""
    now = {one.organisation.name: provider_status(one, UNTIL) for one in providers_known()}
    assert set(now.values()) == {"ACCREDITED", "SUSPENDED"}
    applications = AccreditationApplication.objects
    assert applications.filter(decision=None).count() == 1
    assert AccreditationDecision.objects.filter(outcome="REFUSED").count() == 1
    assert {one.batch for one in accreditations_listed()} == {"2026-1", "2026-2"}
    assert SuspensionLift.objects.count() == 1
    lacking = [
        one for one in providers_known() if agreements_to_accept(one.organisation).exists()
    ]
    assert 0 < len(lacking) < len(now)
    approved = BankDetail.objects.filter(status="APPROVED").latest("approved_at")
    assert bank_detail_state(approved, UNTIL) == "COOLING_OFF"


def nobody_metered_more_than_it_registered():
    """At each instant a provider's jobs ran on no more GPUs than its register had."""
    first = UsageLine.objects.earliest("started_at").started_at
    metered = {}
    for provider, *span in UsageLine.objects.filter(resource="GPU").values_list(
        "provider", "started_at", "ended_at", "count_thousandths"
    ):
        metered.setdefault(provider, []).append(tuple(span))
    assert metered
    for pk, spans in metered.items():
        provider = Provider.objects.get(pk=pk)
        # Each provider's jobs run under its first offer, and its meters name no class.
        offer = provider.offers.earliest("pk")
        registered = capacity_in_force(provider, offer.resource_class, first, UNTIL)
        less = [(begins, ends, -1000 * gpus) for begins, ends, gpus in registered]
        assert max(one.gpus for one in steps_of([*spans, *less], first, UNTIL)) <= 0


def withheld_words(reason):
    """Return what is told about the first line of which something is still withheld so."""
    for line in BillLine.objects.filter(verdicts__reason=reason).order_by("pk"):
        verdict = line_verdict(line)
        if verdict.withheld and verdict.outcome != "DECLINED":
            assert verdict.reason == reason
            with translation.override("en"):
                return sentence(verdict.reason, verdict.reason_values)
    raise AssertionError(f"nothing is withheld for {reason}")


def test_the_same_seed_gives_the_same_figures_and_equal_applicants_get_what_they_earned(
    quick_passwords, committed_db
):
    worlds = []
    for _turn in range(2):
        with transaction.atomic():
            live_through(seed=7, until=UNTIL, is_small=True)
            worlds.append((figures(UNTIL), counts_by_state(), equal_applicants()))
            transaction.set_rollback(True)
    assert worlds[0] == worlds[1]
    assert User.objects.count() == 0

    reported, _states, (jasmine, lychee) = worlds[0]
    assert all(values["unexplained"] == 0 for values in reported.values())
    assert jasmine.first_awarded == lychee.first_awarded == 12_000_00
    assert jasmine.line("fee") == lychee.line("fee") == "20000.0000 CNY"
    assert (jasmine.awarded, jasmine.validity_days) == (12_075_60, 26)
    assert (lychee.awarded, lychee.validity_days) == (11_199_60, 24)
    # 12,000.00 × 1.0063 and × 0.9333, by what each had delivered with the vouchers before.
    assert (jasmine.score, jasmine.z) == (Decimal("0.7606"), Decimal("0.0158"))
    assert (lychee.score, lychee.z) == (Decimal("0.6894"), Decimal("-0.6687"))
    assert [one.line("standing") for one in (jasmine, lychee)] == ["0.0158", "-0.6687"]
    assert [one.line("round") for one in (jasmine, lychee)] == [
        "12075.6000 CNY",
        "11199.6000 CNY",
    ]
