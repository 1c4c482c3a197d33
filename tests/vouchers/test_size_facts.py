"""An applicant's size and other aid are the register's to say, before what was typed here."""

import pytest

from tests import cast
from tests.vouchers.register_laws import law, proposal, scheme_of

# --- size, place and more --------------------------------------------------------------------

BY_SIZE = (
    ("lookback_years = 3\n", 'lookback_years = 3\nsize_standard = "CN-2011-300-SOFTWARE"\n'),
    (
        '[[tiers]]\nclause = "南宁市通知：按实际结算费用的30%给予补助"\nrate = "0.30"\n',
        '[[tiers]]\nclause = "A"\nrate = "0.50"\nsizes = ["MICRO", "SMALL"]\n'
        '[[tiers]]\nclause = "B"\nrate = "0.30"\n',
    ),
)
SMALL = {"employees": 40, "revenue": 3_000_000_00, "currency": "CNY"}


@pytest.fixture
def by_size(db):
    return scheme_of(law(cast.M1, *BY_SIZE), cast.M1)


def sized(scheme, **business):
    applicant = cast.an_sme()
    if business:
        cast.told(applicant.organisation, business=business)
    return proposal(cast.a_sent_application(scheme, applicant))


def test_a_share_by_size_makes_a_programme_and_is_worked_out_by_the_register(by_size):
    small = sized(by_size, **SMALL)
    medium = sized(by_size, **{**SMALL, "employees": 200, "revenue": 50_000_000_00})

    assert small.facts["applicant"]["size"] == small.facts["claim"]["size"] == "SMALL"
    assert medium.facts["claim"]["size"] == "MEDIUM"
    assert small.award.recommended == 50_000_00
    assert medium.award.recommended == 30_000_00


@pytest.mark.parametrize("business", [{}, {**SMALL, "currency": "EUR"}, {"employees": 5}])
def test_a_size_without_its_figures_in_its_currency_is_not_known(by_size, business):
    found = sized(by_size, **business)

    assert found.facts["claim"]["size"] == ""
    assert found.outcome == "REFER"


@pytest.mark.django_db
def test_the_register_is_believed_before_what_was_typed_here_and_else_the_row_stands():
    scheme = scheme_of(law())
    told, silent = cast.an_sme("Told Ltd"), cast.an_sme("Silent Ltd")
    cast.told(
        told.organisation,
        business={
            "employees": 7,
            "founded_on": "2024-01-01",
            "region": "CN-5101",
            "tax_region": "CN-5101",
            "insurance_region": "CN-5101",
            "industry": "I6510",
            "qualifications": ["FILED_MODEL"],
            "credit_rating": "AA",
            "tax_debt": True,
            "revenue": 1_000_00,
            "currency": "CNY",
        },
    )

    facts = proposal(cast.a_sent_application(scheme, told)).facts
    other = proposal(cast.a_sent_application(scheme, silent)).facts["applicant"]

    applicant = facts["applicant"]
    assert (applicant["employees"], applicant["region"]) == (7, "CN-5101")
    assert applicant["founded_on"] == "2024-01-01"
    assert facts["claim"]["age_years"] == 1
    assert applicant["revenue"] == "1000.00"
    assert applicant["has_tax_debt"] is True
    assert applicant["qualifications"] == facts["claim"]["qualifications"] == ["FILED_MODEL"]
    assert (other["employees"], other["region"]) == (40, "CN-4501")
    unknown = ("revenue", "tax_region", "industry", "credit_rating", "has_tax_debt")
    assert [other[name] for name in unknown] == [None] * 5


EUROPEAN = 'lookback_years = 3\nsize_standard = "EU-2003-361"\n'


@pytest.fixture
def in_europe(db):
    return scheme_of(law(cast.M3, ("lookback_years = 3\n", EUROPEAN)))


def european(scheme, applicant):
    return proposal(cast.a_sent_application(scheme, applicant)).facts["claim"]["size"]


EURO = {"revenue": 1_000_000_00, "currency": "EUR"}


@pytest.mark.parametrize(
    ("share", "size"), [("0.2", "MICRO"), ("0.3", "SMALL"), ("0.6", "MEDIUM")]
)
def test_a_european_size_takes_partners_by_their_share_and_linked_ones_whole(
    in_europe, share, size
):
    applicant, other = cast.an_sme("Own Ltd"), cast.an_sme("Other Ltd")
    link = cast.a_link(other.organisation, applicant.organisation, share)
    cast.told(
        applicant.organisation,
        business={"employees": 5, **EURO},
        ownership=cast.links(link),
    )
    cast.told(other.organisation, business={"employees": 100, **EURO})

    assert european(in_europe, applicant) == size


def test_a_european_size_with_an_owner_of_whom_nobody_knows_is_not_known(in_europe):
    applicant, alone = cast.an_sme("Own Ltd"), cast.an_sme("Alone Ltd")
    link = cast.a_link("OTHER:ABROAD", applicant.organisation, "0.7")
    figures = {"employees": 5, **EURO}
    cast.told(applicant.organisation, business=figures, ownership=cast.links(link))
    cast.told(alone.organisation, business=figures)

    assert european(in_europe, applicant) == ""
    assert european(in_europe, alone) == ""


# --- other aid -------------------------------------------------------------------------------

EXCLUDED = (
    '\n[[exclusions]]\nclause = "No other city"\nstance = "DENY"\nlevels = ["CITY"]\n'
    'same = "ANYTHING"\n'
)


def aid(level="CITY"):
    return {
        "aid": [
            {
                "grantor": "City office",
                "level": level,
                "amount": 5_000_00,
                "currency": "CNY",
                "granted_on": "2025-01-05",
            }
        ]
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("register", "declared", "outcome"),
    [
        (None, False, "PASS"),
        ({"aid": []}, False, "PASS"),
        (aid(), False, "FAIL"),
        (aid("PROVINCE"), False, "PASS"),
        ({"aid": []}, True, "REFER"),
    ],
)
def test_the_register_of_aid_is_believed_before_a_declaration(register, declared, outcome):
    text = law(cast.M3, ('other_public_money = "REFER"', 'other_public_money = "ALLOW"'))
    scheme = scheme_of(text + EXCLUDED)
    applicant = cast.an_sme()
    if register is not None:
        cast.told(applicant.organisation, aid=register)

    sent = cast.a_sent_application(scheme, applicant, other_public_money=declared)

    assert proposal(sent).outcome == outcome


@pytest.mark.django_db
def test_what_the_programme_gave_itself_is_not_other_aid():
    text = law(cast.M3, ('other_public_money = "REFER"', 'other_public_money = "ALLOW"'))
    scheme, applicant = scheme_of(text + EXCLUDED), cast.an_sme()
    listed = aid()
    listed["aid"][0]["programme"] = scheme.programme.code
    cast.told(applicant.organisation, aid=listed)

    assert proposal(cast.a_sent_application(scheme, applicant)).outcome == "PASS"
