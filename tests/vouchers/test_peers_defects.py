"""Defects that other systems had about programmes, decisions and vouchers, each as a promise here.

The list is at the end of `features.md`; what concerns money alone is in
`tests/ledger/test_failures_elsewhere.py`.
"""

import importlib
import inspect
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from common.codes import ALPHABET
from ledger.queries import extent
from tests import cast
from tests.cast import NOON, a_key
from tests.cast.committee import law
from tests.doors.pages import words
from vouchers import actions, queries
from vouchers.models import Application, Decision, Order, Voucher

pytestmark = pytest.mark.django_db

# What is promised elsewhere already: the defect, and the test that names the promise.
ELSEWHERE = (
    ("Help to Grow: two redemptions of one voucher", "tests.vouchers.test_voucher_races",
     "test_fifty_holds_race_for_one_voucher"),
    ("openIMIS: 2 of 3 approvals stopped at 1", "tests.vouchers.test_appeals",
     "test_two_of_four_are_not_four"),
    ("HOPE: one user approves, authorises and releases", "tests.parties.test_two_people",
     "test_one_person_does_not_do_both_steps"),
    ("NERC #194: expired allocations went on costing", "tests.vouchers.test_voucher_endings",
     "test_a_voucher_expires_after_its_last_day"),
    ("Forus #1386: the same list twice", "tests.doors.test_voucher_ending_pages",
     "test_only_the_listed_vouchers_are_issued_having_been_looked_at"),
    ("Forus #2297: a mistaken application withdrawn", "tests.vouchers.test_requests",
     "test_who_was_asked_may_withdraw_instead"),
    ("Forus #2127: a longer expiry", "tests.vouchers.test_extensions",
     "test_an_officer_gives_the_days_once"),
)  # fmt: skip


@pytest.mark.parametrize(("defect", "module", "name"), ELSEWHERE)
def test_what_is_promised_elsewhere_is_there(defect, module, name):
    assert inspect.isfunction(getattr(importlib.import_module(module), name)), defect


@pytest.fixture
def authority(db):
    return cast.make_authority()


def test_a_denied_applicant_holds_nothing_that_can_be_redeemed(authority, client):
    """A denied request still gave usable records, and so a voucher (Forus #1717)."""
    scheme, applicant = cast.make_programme(authority), cast.an_sme()
    sent = cast.a_sent_application(scheme, applicant)
    denied = actions.decide_application(
        application=sent,
        outcome="FAIL",
        awarded=None,
        note="No plan.",
        actor=authority.officer,
        at=NOON,
        key=a_key(),
    )
    before = extent()
    with pytest.raises(actions.NothingToAward):
        actions.issue_voucher(
            decision=denied, actor=authority.second_officer, at=NOON, key=a_key()
        )
    bulk = actions.issue_vouchers(
        round=scheme.round, actor=authority.second_officer, at=NOON, key=a_key()
    )
    assert bulk.vouchers == 0
    assert not Voucher.objects.exists()
    assert extent().transfers == before.transfers
    # The reason is kept, and shown to whom it concerns (Forus #1977, #217).
    client.force_login(applicant.person)
    page = words(client.get(reverse("application", args=[sent.reference])))
    assert "No plan." in page
    assert "You may appeal until" not in page or denied.note


@pytest.mark.parametrize("how", ["suspended", "revoked", "returned"])
def test_a_stopped_voucher_s_code_redeems_nothing(how):
    """A suspended holder must hold nothing redeemable either."""
    scene = cast.make_scene()
    facts = {"voucher": scene.voucher, "at": NOON, "key": a_key()}
    if how == "suspended":
        actions.suspend_voucher(note="Why.", actor=scene.authority.officer, **facts)
    elif how == "revoked":
        actions.revoke_voucher(
            note="Why.", may_apply_again=True, actor=scene.authority.officer, **facts
        )
    else:
        actions.return_voucher(amount=None, actor=scene.applicant.person, **facts)
    before = extent()
    with pytest.raises((actions.VoucherSuspended, actions.VoucherOver)):
        actions.redeem_code(
            redemption_code=scene.voucher.redemption_code,
            provider=scene.seller.provider,
            offer=scene.seller.offer,
            hours=Decimal(10),
            provider_reference="cluster-1",
            actor=scene.seller.person.address,
            at=NOON,
            key=a_key(),
        )
    assert not Order.objects.exists()
    assert extent() == before


def test_parts_are_counted_with_those_that_are_there_already():
    """The sum of allocations had its operators in the wrong order (Waldur)."""
    authority, applicant = cast.make_authority(), cast.an_sme()
    text = law('[voucher]\nclause = "Article 13"\nsplit = "ALLOW"\n')
    voucher = cast.an_issued_voucher(cast.make_programme(authority, text=text), applicant)

    def split(label, amount):
        return actions.split_voucher(
            voucher=voucher,
            label=label,
            amount=amount,
            actor=applicant.person,
            at=NOON,
            key=a_key(),
        )

    split("One", 30_000_00)
    split("Two", 20_000_00)
    with pytest.raises(actions.ReturnTooMuch):
        split("Three", 10_000_01)
    assert split("Three", 10_000_00).label == "Three"
    assert queries.voucher_balance(voucher).free == 0


def test_what_is_out_in_vouchers_is_not_given_twice(authority):
    """The check of the budget left the outstanding vouchers out (Forus)."""
    scheme = cast.make_programme(authority, budget=100_000_00)
    cast.an_issued_voucher(scheme, cast.an_sme())
    assert queries.budget_available(scheme.programme) == 40_000_00
    decision = cast.an_approved_application(scheme, cast.an_sme("Second Ltd"))
    assert decision.awarded == 40_000_00
    third = cast.a_sent_application(scheme, cast.an_sme("Third Ltd"))
    actions.issue_voucher(
        decision=decision, actor=authority.second_officer, at=NOON, key=a_key()
    )
    with pytest.raises(actions.NothingToAward):
        actions.decide_application(
            application=third,
            outcome="PASS",
            awarded=None,
            note="",
            actor=authority.officer,
            at=NOON,
            key=a_key(),
        )
    assert Decision.objects.count() == 2


def test_an_officer_is_told_when_hardly_any_time_is_left(authority, client, monkeypatch):
    """Grants were approved with less than a week of their time to go, or none (UCloud #4503)."""
    from django.utils import timezone

    scheme = cast.make_programme(authority)
    sent = cast.a_sent_application(scheme, cast.an_sme(), end_on="2025-06-30")

    def page(days):
        monkeypatch.setattr(timezone, "now", lambda: NOON + timedelta(days=days))
        client.force_login(authority.officer)
        return words(client.get(reverse("decide", args=[sent.reference])))

    assert "left for the use" not in page(10)
    assert "Only 4 days are left for the use that was asked for" in page(24)
    assert "The use that was asked for is over since 30 June 2025" in page(40)


def test_codes_come_from_the_system_s_secure_source_without_letters_that_look_alike(authority):
    """Codes were drawn from a predictable generator (Help to Grow)."""
    from common import codes

    assert not set("01ILOU") & set(ALPHABET)
    assert "secrets" in inspect.getsource(codes.random_letters)
    voucher = cast.an_issued_voucher(cast.make_programme(authority), cast.an_sme())
    assert re.fullmatch(
        rf"(?:[{ALPHABET}]{{4}}-){{3}}[{ALPHABET}]{{4}}", voucher.redemption_code
    )


def test_who_was_not_approved_may_apply_again_in_the_round(authority):
    """Whoever was turned down by mistake had to wait for another year (Forus #1987)."""
    scheme, applicant = cast.make_programme(authority), cast.an_sme()
    for turn in range(2):
        sent = cast.a_sent_application(scheme, applicant, project_title=f"Try {turn}")
        actions.decide_application(
            application=sent,
            outcome="FAIL",
            awarded=None,
            note="Not yet.",
            actor=authority.officer,
            at=NOON,
            key=a_key(),
        )
    assert Application.objects.count() == 2
