"""A programme's law takes two people, and a round's budget is allotted by finance."""

from datetime import date
from fractions import Fraction

import pytest

from common.errors import NotFound
from ledger.queries import balance, extent
from parties.queries import NotAllowed, SamePerson
from parties.roles import Role
from tests import cast
from vouchers import actions, queries
from vouchers.models import PolicyRelease, PolicyVersion, Programme, Round

pytestmark = pytest.mark.django_db


@pytest.fixture
def authority():
    return cast.make_authority()


def create(authority, *, text=None, actor=None, key="c", code=cast.M3):
    return actions.create_programme(
        code=code,
        title="Vouchers",
        title_zh="算力券",
        authority=authority.organisation,
        text=cast.policy_text(cast.M3) if text is None else text,
        actor=actor or authority.officer,
        at=cast.NOON,
        key=key,
    )


def release(version, actor, on=date(2025, 1, 1), key="r"):
    return actions.release_policy(
        version=version, effective_from_on=on, actor=actor, at=cast.NOON, key=key
    )


def propose(programme, authority, text, key="p"):
    return actions.propose_policy(
        programme=programme,
        text=text,
        note="The share changes.",
        actor=authority.officer,
        at=cast.NOON,
        key=key,
    )


def test_the_document_gives_mode_unit_and_zone(authority):
    programme = create(authority)

    assert (programme.mode, programme.unit, programme.zone) == ("M3", "CNY", "Asia/Shanghai")
    assert programme.policy_versions.get().number == 1
    assert create(authority) == programme


def test_nothing_is_in_force_before_a_release(authority):
    programme = create(authority)

    with pytest.raises(queries.NoPolicyInForce):
        queries.policy_in_force(programme, cast.TODAY)
    with pytest.raises(queries.NoPolicyInForce):
        cast.a_round(authority, programme, budget=1)
    assert Round.objects.count() == 0


def test_who_proposed_a_policy_can_not_release_it(authority):
    version = create(authority).policy_versions.get()
    before = extent()

    with pytest.raises(SamePerson, match="proposed the policy version"):
        release(version, authority.officer)

    assert PolicyRelease.objects.count() == 0
    assert extent() == before


def test_finance_neither_creates_nor_releases(authority):
    version = create(authority).policy_versions.get()

    with pytest.raises(NotAllowed):
        release(version, authority.finance[0])
    with pytest.raises(NotAllowed):
        create(authority, actor=authority.finance[0], key="x")
    assert Programme.objects.count() == 1


def test_a_document_with_problems_names_each_place(authority):
    with pytest.raises(actions.PolicyInvalid, match="line 6, the top of the document, mode"):
        create(authority, text='code = "x"\n\n\n\n\nmode = "M9"\n')
    assert Programme.objects.count() == 0


def test_a_document_of_another_code_is_refused(authority):
    with pytest.raises(actions.PolicyDiffers, match="cn-chengdu-2025"):
        create(authority, code="cn-other")
    assert Programme.objects.count() == 0


def test_a_code_is_one_programme_s(authority):
    create(authority)

    with pytest.raises(actions.ProgrammeCodeTaken):
        create(authority, key="another")


def test_a_new_version_counts_from_its_day_on(authority):
    scheme = cast.make_programme(authority)
    half = cast.policy_text(cast.M3).replace('rate = "0.60"', 'rate = "0.50"')
    version = propose(scheme.programme, authority, half)

    release(version, authority.second_officer, on=date(2025, 7, 1))

    assert version.number == 2
    before, rules_before = queries.policy_in_force(scheme.programme, date(2025, 6, 30))
    after, rules_after = queries.policy_in_force(scheme.programme, date(2025, 7, 1))
    assert (before.number, rules_before.tiers[0].rate.on(None)) == (1, Fraction(60, 100))
    assert (after.number, rules_after.tiers[0].rate.on(None)) == (2, Fraction(50, 100))
    in_force = queries.policies_in_force([scheme.programme], cast.NOON)
    assert in_force[scheme.programme.pk][0].number == 1


def test_the_law_of_past_days_never_changes(authority):
    scheme = cast.make_programme(authority)
    version = propose(scheme.programme, authority, cast.policy_text(cast.M3))

    with pytest.raises(actions.ReleaseInThePast):
        release(version, authority.second_officer, on=date(2025, 6, 1))
    with pytest.raises(actions.PolicyReleased):
        release(scheme.release.version, authority.second_officer, on=date(2025, 8, 1))
    assert PolicyRelease.objects.count() == 1


def test_a_new_version_can_not_change_the_unit(authority):
    scheme = cast.make_programme(authority)
    text = cast.policy_text(cast.M3).replace('unit = "CNY"', 'unit = "EUR"')

    with pytest.raises(actions.PolicyDiffers, match="unit = EUR"):
        propose(scheme.programme, authority, text)
    assert PolicyVersion.objects.count() == 1


def test_a_round_allots_its_budget(authority):
    scheme = cast.make_programme(authority, budget=500_000_00)

    assert balance("available:cn-chengdu-2025").free == 500_000_00
    assert balance("appropriation:cn-chengdu-2025:2025").net == -500_000_00
    assert queries.budget_available(scheme.programme) == 500_000_00
    assert list(queries.rounds_open(cast.TODAY)) == [scheme.round]
    assert list(queries.rounds_open(date(2026, 1, 1))) == []
    assert queries.programmes_open(cast.NOON) == [scheme.programme]


def open_round(
    scheme, *, actor=None, code="2025-B", budget=1_00, opens=cast.TODAY, closes=cast.TODAY
):
    return actions.open_round(
        programme=scheme.programme,
        code=code,
        fiscal_year=2025,
        budget=budget,
        opens_on=opens,
        closes_on=closes,
        actor=actor or scheme.authority.finance[0],
        at=cast.NOON,
        key="round b",
    )


def test_a_round_that_can_not_be_is_refused_and_nothing_is_allotted(authority):
    scheme = cast.make_programme(authority, budget=500_000_00)
    before = extent()

    with pytest.raises(NotAllowed, match="Finance officer"):
        open_round(scheme, actor=authority.officer)
    with pytest.raises(actions.BudgetInvalid):
        open_round(scheme, budget=0)
    with pytest.raises(actions.RoundDatesInvalid):
        open_round(scheme, closes=date(2025, 6, 1))
    with pytest.raises(actions.RoundCodeTaken):
        open_round(scheme, code="2025-A")

    assert extent() == before
    assert balance("available:cn-chengdu-2025").free == 500_000_00


def test_a_round_asked_twice_is_opened_once(authority):
    scheme = cast.make_programme(authority, budget=500_000_00)

    assert open_round(scheme) == open_round(scheme)
    assert balance("available:cn-chengdu-2025").free == 500_001_00


def test_people_see_the_programmes_they_work_for(authority):
    scheme = cast.make_programme(authority)
    stranger = cast.make_authority("Another Bureau")
    one_only = cast.with_role(
        cast.a_person(), authority.organisation, Role.OFFICER, "another-programme"
    )

    assert queries.programme_of(authority.officer, cast.M3) == scheme.programme
    assert queries.programme_of(stranger.regulator, cast.M3) == scheme.programme
    for person in (stranger.officer, one_only):
        with pytest.raises(NotFound):
            queries.programme_of(person, cast.M3)
