"""Many at once ask, decide and suspend: one is first, the others are told so."""

import pytest

from providers import actions
from providers.models import (
    Accreditation,
    AccreditationApplication,
    AccreditationDecision,
    AgreementAcceptance,
    CapacityVersion,
    Provider,
    Suspension,
)
from tests import cast
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow


def test_two_officers_at_once_decide_once(committed_db):
    authority, newcomer = cast.make_authority(), cast.a_newcomer()
    application = cast.an_accreditation_application(authority, *newcomer)
    officers = (authority.officer, authority.second_officer)

    answers = at_once(
        6, lambda n: cast.a_decided_accreditation(application, officers[n % 2], key=f"k{n}")
    )

    done = [one for one in answers if isinstance(one, AccreditationDecision)]
    assert len(done) == 1
    refused = [type(one) for one in answers if isinstance(one, Exception)]
    assert refused == [actions.AccreditationDecided] * 5
    assert Accreditation.objects.count() == 2
    assert Provider.objects.count() == 1


def test_one_organisation_s_applications_at_once_leave_one_waiting(committed_db):
    authority, newcomer = cast.make_authority(), cast.a_newcomer()

    answers = at_once(
        6,
        lambda n: cast.an_accreditation_application(authority, *newcomer, key=f"k{n}"),
    )

    assert AccreditationApplication.objects.count() == 1
    refused = [type(one) for one in answers if isinstance(one, Exception)]
    assert refused == [actions.AccreditationWaiting] * 5


def test_many_officers_at_once_suspend_once(committed_db):
    scene = cast.make_scene()

    answers = at_once(
        6, lambda n: cast.a_suspension(scene.authority, scene.seller, key=f"k{n}")
    )

    assert Suspension.objects.count() == 1
    refused = [type(one) for one in answers if isinstance(one, Exception)]
    assert refused == [actions.SuspensionRuns] * 5


def test_nodes_registered_at_once_are_all_there(committed_db):
    seller = cast.make_provider(cast.make_authority())

    answers = at_once(
        6,
        lambda n: actions.record_node(
            provider=seller.provider,
            entry=actions.NodeEntry(f"n{n}", "H100", 8, "CN-5101", None, None),
            actor=seller.person,
            at=cast.NOON,
            key=f"k{n}",
        ),
    )

    assert sorted(one.number for one in answers) == [1, 2, 3, 4, 5, 6]
    newest = CapacityVersion.objects.get(number=6)
    assert (newest.entries, newest.gpus) == (6, 48)
    assert newest.nodes.count() == 6


def test_versions_published_at_once_are_numbered_one_by_one(committed_db):
    authority = cast.make_authority()

    answers = at_once(6, lambda n: cast.an_agreement(authority, text=f"Text {n}."))

    assert sorted(one.number for one in answers) == [1, 2, 3, 4, 5, 6]


def test_colleagues_at_once_accept_a_version_once(committed_db):
    authority = cast.make_authority()
    seller, agreement = cast.make_provider(authority), cast.an_agreement(authority)

    answers = at_once(6, lambda n: cast.an_accepted_agreement(agreement, seller, key=f"k{n}"))

    assert AgreementAcceptance.objects.count() == 1
    refused = [type(one) for one in answers if isinstance(one, Exception)]
    assert refused == [actions.AgreementAccepted] * 5
