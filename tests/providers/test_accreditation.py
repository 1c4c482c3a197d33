"""A provider asks, an officer decides: by batch, by service item, from a day until a day."""

import contextlib
from datetime import date, timedelta

import pytest
from django.db import Error, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from common.files import checked_file
from ledger.queries import extent
from parties.queries import NotAllowed, SamePerson
from parties.roles import Role
from providers import actions
from providers.models import (
    Accreditation,
    AccreditationApplication,
    AccreditationDecision,
    AccreditationDocument,
    Provider,
)
from providers.queries import (
    accreditations_in_force,
    is_accredited,
    may_sell,
    offers_published,
    provider_status,
    providers_accredited,
)
from tests import cast

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LICENCE = checked_file("licence.txt", b"Licence 1")


@pytest.fixture
def authority():
    return cast.make_authority()


@pytest.fixture
def newcomer():
    return cast.a_newcomer()


@pytest.fixture
def application(authority, newcomer):
    return cast.an_accreditation_application(authority, *newcomer, documents=[LICENCE])


def refuses(refusal, ask, match=None):
    before, rows = extent(), Accreditation.objects.count()
    with pytest.raises(refusal, match=match), transaction.atomic():
        ask()
    assert extent() == before
    assert Accreditation.objects.count() == rows


def test_an_application_accredits_nobody_before_it_is_decided(authority, newcomer, application):
    organisation, person = newcomer

    assert application.items == ["AI_COMPUTE", "GENERAL_COMPUTE"]
    assert application.documents.get().sha256 == LICENCE.sha256
    assert Provider.objects.count() == 0
    assert provider_status(None, cast.NOON) == "NOT_YET"
    refuses(
        actions.AccreditationWaiting,
        lambda: cast.an_accreditation_application(authority, organisation, person),
        application.code,
    )


def test_what_is_granted_is_in_force_on_its_days_alone(authority, newcomer, application):
    cast.a_decided_accreditation(
        application,
        authority.officer,
        items=["AI_COMPUTE"],
        reasons="No evidence of CPU cores.",
        from_on=date(2025, 7, 1),
        until_on=date(2026, 6, 30),
    )
    provider = Provider.objects.get()
    first = cast.NOON.replace(month=7, day=1, hour=0)
    after = first.replace(year=2026)

    assert not may_sell(provider, "GPU", first - timedelta(seconds=1))
    assert may_sell(provider, "GPU", first)
    assert may_sell(provider, "GPU", after - timedelta(seconds=1))
    assert not may_sell(provider, "GPU", after)
    assert not may_sell(provider, "CPU", first)
    # The day is the zone's: in China it begins eight hours earlier.
    assert may_sell(provider, "GPU", first - timedelta(hours=8), zone="Asia/Shanghai")
    assert [provider_status(provider, at) for at in (first, after)] == ["ACCREDITED", "ENDED"]
    assert list(providers_accredited(first)) == [provider]
    assert list(providers_accredited(after)) == []


def test_a_renewal_goes_on_where_the_first_ends(authority, newcomer, application):
    organisation, person = newcomer
    cast.a_decided_accreditation(application, authority.officer, until_on=date(2025, 12, 31))
    again = cast.an_accreditation_application(authority, organisation, person)
    cast.a_decided_accreditation(
        again,
        authority.officer,
        batch="2026-1",
        from_on=date(2026, 1, 1),
        until_on=date(2026, 12, 31),
    )

    in_force = accreditations_in_force(date(2026, 3, 1), ["AI_COMPUTE"])
    assert [one.batch for one in in_force] == ["2026-1"]
    assert may_sell(Provider.objects.get(), "GPU", cast.NOON.replace(month=12, day=31))


def test_a_refusal_gives_reasons_and_nothing_else(authority, newcomer, application):
    refuses(
        actions.ReasonsMissing,
        lambda: cast.a_decided_accreditation(application, authority.officer, items=[]),
    )

    decision = cast.a_decided_accreditation(
        application, authority.officer, items=[], reasons="The licence has expired."
    )

    assert decision.outcome == AccreditationDecision.Outcome.REFUSED
    assert Provider.objects.count() == Accreditation.objects.count() == 0
    assert cast.an_accreditation_application(authority, *newcomer).code != application.code


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"items": ["SUPERCOMPUTE"], "reasons": "x"}, actions.ItemsInvalid),
        ({"batch": " "}, actions.BatchInvalid),
        ({"batch": "x" * 41}, actions.BatchInvalid),
        ({"until_on": date(2025, 6, 1)}, actions.ValidityInvalid),
        ({"items": ["AI_COMPUTE"]}, actions.ReasonsMissing),
    ],
)
def test_a_decision_that_says_nothing_clear_is_refused(authority, application, wrong, refusal):
    refuses(
        refusal, lambda: cast.a_decided_accreditation(application, authority.officer, **wrong)
    )
    assert AccreditationDecision.objects.count() == Provider.objects.count() == 0


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"items": []}, actions.ItemsInvalid),
        ({"items": ["STEAM"]}, actions.ItemsInvalid),
        ({"declared": False}, actions.DeclarationMissing),
    ],
)
def test_an_application_that_can_not_be_decided_is_refused(authority, newcomer, wrong, refusal):
    refuses(refusal, lambda: cast.an_accreditation_application(authority, *newcomer, **wrong))
    assert AccreditationApplication.objects.count() == 0


def test_only_the_provider_asks_and_only_its_authority_decides(
    authority, newcomer, application
):
    organisation, person = newcomer
    elsewhere = cast.make_authority("Another Bureau")

    for stranger in (person, authority.finance[0], elsewhere.officer):
        refuses(
            NotAllowed,
            lambda stranger=stranger: cast.a_decided_accreditation(application, stranger),
        )
    refuses(
        NotAllowed,
        lambda: cast.an_accreditation_application(elsewhere, organisation, authority.officer),
    )
    cast.with_role(person, authority.organisation, Role.OFFICER)
    refuses(SamePerson, lambda: cast.a_decided_accreditation(application, person))


def test_an_application_is_decided_once_and_asked_twice_gives_the_first_answer(
    authority, newcomer, application
):
    first = cast.a_decided_accreditation(application, authority.officer, key="one")

    assert cast.a_decided_accreditation(application, authority.officer, key="one") == first
    refuses(
        actions.AccreditationDecided,
        lambda: cast.a_decided_accreditation(application, authority.second_officer),
    )
    assert Accreditation.objects.count() == 2


def test_an_application_is_sent_once_however_often_it_is_asked(authority, newcomer):
    sent = [
        cast.an_accreditation_application(authority, *newcomer, documents=[LICENCE], key="k")
        for _turn in range(2)
    ]

    assert sent[0] == sent[1]
    assert AccreditationDocument.objects.count() == 1


def test_an_officer_accredits_without_an_application_for_some_days(authority, newcomer):
    organisation, _person = newcomer
    provider = actions.accredit_provider(
        organisation=organisation,
        items=["AI_COMPUTE"],
        batch="2025-1",
        until_on=cast.TODAY + 29 * DAY,
        actor=authority.officer,
        at=cast.NOON,
        key="a",
    )

    assert provider.accreditations.get().authority == authority.organisation
    assert is_accredited(provider, cast.NOON + 29 * DAY)
    assert not is_accredited(provider, cast.NOON + 30 * DAY)


def test_an_offer_leaves_the_catalogue_on_the_day_after_the_last(authority, newcomer):
    organisation, person = newcomer
    provider = actions.accredit_provider(
        organisation=organisation,
        items=["AI_COMPUTE"],
        until_on=cast.TODAY,
        actor=authority.officer,
        at=cast.NOON,
        key="a",
    )
    offer = cast.an_offer(provider, person)

    assert list(offers_published(at=cast.NOON)) == [offer]
    assert list(offers_published(at=cast.NOON + DAY)) == []
    with pytest.raises(actions.NotAccredited, match=r"General compute .* on 2 June 2025"):
        cast.an_offer(provider, person, resource="CPU")


def test_what_was_asked_and_decided_stays_as_it_was_written(authority, application):
    cast.a_decided_accreditation(application, authority.officer)

    for rows in (
        AccreditationApplication.objects,
        AccreditationDocument.objects,
        AccreditationDecision.objects,
        Accreditation.objects,
    ):
        with pytest.raises(Error), transaction.atomic():
            rows.all().delete()


SPANS = st.tuples(st.integers(0, 40), st.integers(0, 40) | st.none())


@settings(max_examples=25, deadline=None)
@given(spans=st.lists(SPANS, min_size=1, max_size=4), day=st.integers(0, 60))
def test_a_provider_may_sell_exactly_when_one_of_its_spans_has_the_day(spans, day):
    with transaction.atomic():
        authority, (organisation, _person) = cast.make_authority(), cast.a_newcomer()
        for number, (first, length) in enumerate(spans):
            from_on = cast.TODAY + first * DAY
            # What an earlier span covers already is refused, and changes nothing.
            with contextlib.suppress(actions.ProviderAccredited):
                actions.accredit_provider(
                    organisation=organisation,
                    items=["AI_COMPUTE"],
                    batch=f"{number}",
                    from_on=from_on,
                    until_on=None if length is None else from_on + length * DAY,
                    actor=authority.officer,
                    at=cast.NOON,
                    key=f"{number}",
                )
        provider = Provider.objects.get(organisation=organisation)
        expected = any(
            first <= day and (length is None or day <= first + length)
            for first, length in spans
        )
        assert may_sell(provider, "GPU", cast.NOON + day * DAY) == expected
        transaction.set_rollback(True)
