"""Parts of a voucher for teams: together never more than the whole, and nothing lost on the way."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.queries import accounts_out_of_step
from parties.queries import NotAllowed
from tests import cast
from tests.cast import M3, NOON, a_key
from tests.cast.committee import law
from tests.ledger.book import at_once
from vouchers import actions, queries
from vouchers.models import Voucher

SPLIT = '[voucher]\nclause = "Article 13"\nsplit = "ALLOW"\n'


def make_scene():
    """Return a scene whose voucher of 60,000.00 may be split."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, M3, text=law(SPLIT))
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    return cast.Scene(authority, seller, scheme, applicant, voucher)


def split(scene, label="Vision", amount=20_000_00, *, key=None, actor=None, voucher=None):
    return actions.split_voucher(
        voucher=voucher or scene.voucher,
        label=label,
        amount=amount,
        actor=actor or scene.applicant.person,
        at=NOON,
        key=key or a_key("split"),
    )


def take(scene, part, amount=None, *, key=None):
    return actions.take_back(
        voucher=part,
        amount=amount,
        actor=scene.applicant.person,
        at=NOON,
        key=key or a_key("take"),
    )


def free(voucher):
    return queries.voucher_balance(voucher).free


@pytest.mark.django_db
def test_a_part_is_a_voucher_of_its_own_within_the_whole():
    scene = make_scene()
    first, again = (split(scene, key="one") for _turn in range(2))
    assert first == again
    assert (free(scene.voucher), free(first)) == (40_000_00, 20_000_00)
    assert first.redemption_code != scene.voucher.redemption_code
    assert first.valid_until_on == scene.voucher.valid_until_on
    assert first.award == scene.voucher.award
    assert queries.budget_available(scene.scheme.programme) == 10_000_000_00 - 60_000_00
    # Orders of the team come out of its part alone.
    cast.a_hold(first, scene.applicant, scene.seller, hours="400")
    assert (free(scene.voucher), free(first)) == (40_000_00, 14_000_00)
    assert (
        queries.committed_this_year(
            scene.applicant.organisation, scene.scheme.programme, NOON.date()
        )
        == 60_000_00
    )
    assert accounts_out_of_step() == []


@pytest.mark.django_db
def test_a_team_gets_more_in_the_same_part_and_gives_some_back():
    scene = make_scene()
    part = split(scene)
    assert split(scene, amount=5_000_00) == part
    for _turn in range(2):
        take(scene, part, 10_000_00, key="back")
    assert (free(scene.voucher), free(part)) == (45_000_00, 15_000_00)
    take(scene, part)
    assert (free(scene.voucher), free(part)) == (60_000_00, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("amount", [0, -1, 60_000_01])
def test_no_more_is_set_apart_than_is_free(amount):
    scene = make_scene()
    with pytest.raises(actions.ReturnTooMuch):
        split(scene, amount=amount)
    assert free(scene.voucher) == 60_000_00
    assert not Voucher.objects.filter(parent__isnull=False).exists()


@pytest.mark.django_db
def test_what_is_held_for_the_team_is_not_taken_back():
    scene = make_scene()
    part = split(scene)
    cast.a_hold(part, scene.applicant, scene.seller, hours="1000")  # 15,000.00
    with pytest.raises(actions.ReturnTooMuch):
        take(scene, part, 6_000_00)
    assert (free(scene.voucher), free(part)) == (40_000_00, 5_000_00)


@pytest.mark.django_db
def test_parts_are_not_split_and_wholes_are_not_taken_back():
    scene = make_scene()
    part = split(scene)
    with pytest.raises(actions.NotSplit):
        split(scene, "Deeper", 1_00, voucher=part)
    with pytest.raises(actions.NotAPart):
        take(scene, scene.voucher)
    with pytest.raises(actions.PartUnnamed):
        split(scene, " ")
    with pytest.raises(NotAllowed):
        split(scene, actor=scene.authority.officer)
    assert (free(scene.voucher), free(part)) == (40_000_00, 20_000_00)


@pytest.mark.django_db
def test_a_law_that_says_nothing_keeps_vouchers_whole():
    scene = cast.make_scene()
    with pytest.raises(actions.NotSplit):
        split(scene)


@pytest.mark.django_db
def test_parts_go_with_the_whole_when_it_is_stopped_or_revoked():
    scene = make_scene()
    part = split(scene)
    facts = {"note": "Why.", "actor": scene.authority.officer, "at": NOON}
    actions.suspend_voucher(voucher=scene.voucher, key=a_key(), **facts)
    with pytest.raises(actions.VoucherSuspended):
        cast.a_hold(
            Voucher.objects.select_related("programme__authority", "organisation").get(
                pk=part.pk
            ),
            scene.applicant,
            scene.seller,
        )
    actions.resume_voucher(voucher=scene.voucher, key=a_key(), **facts)
    part.refresh_from_db()
    assert part.status == Voucher.Status.ACTIVE
    actions.revoke_voucher(voucher=scene.voucher, may_apply_again=True, key=a_key(), **facts)
    part.refresh_from_db()
    assert part.status == Voucher.Status.REVOKED
    assert queries.budget_available(scene.scheme.programme) == 10_000_000_00


@pytest.mark.django_db
def test_what_a_team_leaves_over_expires_back_to_the_budget():
    scene = make_scene()
    split(scene)
    late = NOON + timedelta(days=800)
    for voucher in queries.vouchers_expired_by(late):
        actions.expire_voucher(voucher=voucher, at=late, key=a_key())
    assert queries.budget_available(scene.scheme.programme) == 10_000_000_00
    assert accounts_out_of_step() == []


@pytest.mark.django_db
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.sampled_from(["A", "B", "C"]), st.integers(-40_000_00, 40_000_00)),
        max_size=12,
    )
)
def test_whatever_is_set_apart_and_taken_back_adds_up_to_the_whole(steps):
    with transaction.atomic():
        scene = make_scene()
        parts = {}
        for label, amount in steps:
            try:
                if amount > 0:
                    parts[label] = split(scene, label, amount)
                elif label in parts:
                    take(scene, parts[label], -amount)
            except actions.ReturnTooMuch:
                continue
        held = [free(one) for one in (scene.voucher, *parts.values())]
        transaction.set_rollback(True)
    assert sum(held) == 60_000_00
    assert min(held) >= 0


@pytest.mark.slow
def test_ten_teams_at_once_get_what_is_there_and_no_more(committed_db):
    scene = make_scene()

    answers = at_once(
        10, lambda number: split(scene, f"Team {number}", 25_000_00, key=f"k{number}")
    )

    made = [one for one in answers if isinstance(one, Voucher)]
    assert len(made) == 2
    assert all(isinstance(one, Voucher | actions.ReturnTooMuch) for one in answers)
    assert free(scene.voucher) == 10_000_00
    assert accounts_out_of_step() == []
