"""An organisation is known once, under a number that its register would give."""

from datetime import date

import pytest

from ledger.actions import SYSTEM, KeyReused
from ledger.queries import extent
from parties import actions
from parties.models import Organisation
from parties.queries import NotAllowed
from parties.registries import IdentifierInvalid, checked_identifier
from tests import cast

pytestmark = pytest.mark.django_db

USCC = "91110000600037341L"


def register(key="o", number=USCC, actor=SYSTEM, **more):
    facts = {
        "kind": "SME",
        "name": "Small Model Ltd",
        "name_zh": "",
        "country": "CN",
        "region": "CN-4501",
        "identifier_scheme": "CN_USCC",
        "is_registered_business": True,
        "employees": 12,
        "founded_on": date(2020, 1, 1),
    }
    return actions.register_organisation(
        **{**facts, **more}, identifier=number, actor=actor, at=cast.NOON, key=key
    )


def test_a_registered_organisation_keeps_its_facts():
    one = register()

    assert one.code.startswith("O-")
    assert (one.identifier, one.region, one.registered_at) == (USCC, "CN-4501", cast.NOON)


def test_the_same_key_registers_one_organisation():
    assert register().pk == register().pk
    assert Organisation.objects.count() == 1


def test_the_same_key_with_another_name_is_refused():
    register()

    with pytest.raises(KeyReused):
        register(name="Another Ltd")


def test_one_number_is_registered_once():
    register()

    with pytest.raises(
        actions.OrganisationKnown, match="already registered here as Small Model"
    ):
        register(key="again", number=" 9111 0000 6000 3734 1L")
    assert Organisation.objects.count() == 1


@pytest.mark.parametrize(
    ("scheme", "number"),
    [
        ("CN_USCC", "911100006000373411"),
        ("GB_COMPANY", "1234567"),
        ("GB_COMPANY", "1234567X"),
        ("LEI", "213800KUD8LAJWSQ9D16"),
        ("EU_VAT", "DE136695977"),
        ("OTHER", "  "),
    ],
)
def test_a_number_that_fails_its_register_is_refused_with_a_fix(scheme, number):
    before = extent()

    with pytest.raises(IdentifierInvalid) as refusal:
        register(identifier_scheme=scheme, number=number)

    assert number in str(refusal.value)
    assert extent() == before


@pytest.mark.parametrize(
    ("scheme", "number", "plain"),
    [
        ("CN_USCC", "9111 0000 6000 3734 1l", USCC),
        ("GB_COMPANY", "sc123456", "SC123456"),
        ("LEI", "213800KUD8LAJWSQ9D15", "213800KUD8LAJWSQ9D15"),
        ("EU_VAT", "DE 136,695 976", "DE136695976"),
        ("OTHER", " x-1 ", "X-1"),
    ],
)
def test_a_number_is_kept_in_its_plain_form(scheme, number, plain):
    assert checked_identifier(scheme, number) == plain


def test_a_person_who_is_no_administrator_or_officer_registers_nothing():
    stranger = cast.a_person()

    with pytest.raises(NotAllowed, match="Administrator / Programme officer"):
        register(actor=stranger.address)
    assert Organisation.objects.count() == 0


def test_an_officer_registers_an_organisation():
    authority = cast.make_authority()

    assert register(actor=authority.officer.address).name == "Small Model Ltd"


def test_one_address_signs_in_one_person():
    first = actions.create_user(
        email="Mina@Example.org", name="Mina", language="en", password=None, at=cast.NOON
    )

    assert first.email == "mina@example.org"
    assert not first.has_usable_password()
    with pytest.raises(actions.EmailTaken):
        actions.create_user(
            email="MINA@example.org", name="M", language="en", password=None, at=cast.NOON
        )
