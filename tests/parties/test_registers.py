"""What registers' files say is read whole or not at all, and unknown is never taken for clean."""

from datetime import date
from decimal import Decimal

import pytest

from parties import registers
from parties.kinds import Register
from parties.registers import Aid, AidFacts, BusinessFacts, Finding, Identifier, Link
from tests.cast import a_register_file
from tests.parties.register_server import FINDING, THEM, US

SAID = {
    Register.BUSINESS: {
        "employees": 40,
        "revenue": 3_000_000_00,
        "assets": 1_000_000_00,
        "currency": "GBP",
        "founded_on": "2019-04-01",
        "industry": "62012",
        "region": "GB-LND",
        "tax_region": "GB-LND",
        "insurance_region": "GB-LND",
        "qualifications": ["FILED_MODEL"],
        "credit_rating": "AA",
        "tax_debt": False,
    },
    Register.CONDUCT: {"findings": [{"kind": "MAJOR_PENALTY", "day": "2024-03-01"}]},
    Register.OWNERSHIP: {
        "links": [{"owner": THEM, "owned": str(US), "share": "0.51", "control": "VOTES"}]
    },
    Register.AID: {
        "aid": [
            {
                "grantor": "A ministry",
                "amount": 20_000_00,
                "currency": "GBP",
                "granted_on": "2024-05-05",
                "level": "NATIONAL",
                "regime": "UK_MFA",
            }
        ]
    },
}
ASK = {
    Register.BUSINESS: registers.ask_business,
    Register.CONDUCT: registers.ask_conduct,
    Register.OWNERSHIP: registers.ask_ownership,
    Register.AID: registers.ask_aid,
}
EMPTY = {
    Register.CONDUCT: {"findings": []},
    Register.OWNERSHIP: {"links": []},
    Register.AID: {"aid": []},
}


@pytest.mark.parametrize("register", Register)
def test_a_file_tells_what_it_has_of_an_organisation(folder, register):
    a_register_file(folder, register, {str(US): SAID[register]})

    answer = ASK[register](US)

    assert answer.source == "The register's own copy"
    assert registers.facts_to_json(answer.facts).keys() == SAID[register].keys()
    again = registers.facts_from(register, registers.facts_to_json(answer.facts))
    assert again == answer.facts


def test_facts_are_typed_and_amounts_are_whole(folder):
    for register in Register:
        a_register_file(folder, register, {str(US): SAID[register]})

    business, conduct, ownership, aid = (ASK[register](US).facts for register in Register)

    assert isinstance(business, BusinessFacts)
    assert (business.revenue, business.founded_on) == (3_000_000_00, date(2019, 4, 1))
    assert conduct.findings == (Finding(kind="MAJOR_PENALTY", day=date(2024, 3, 1)),)
    them = Identifier("GB_COMPANY", "07654321")
    assert ownership.links == (
        Link(owner=them, owned=US, share=Decimal("0.51"), control="VOTES"),
    )
    assert aid == AidFacts(
        aid=(
            Aid(
                grantor="A ministry",
                amount=20_000_00,
                currency="GBP",
                granted_on=date(2024, 5, 5),
                level="NATIONAL",
                regime="UK_MFA",
            ),
        )
    )


@pytest.mark.parametrize("register", Register)
def test_a_register_that_is_not_connected_answers_nothing(folder, register):
    assert not registers.is_connected(register)
    assert ASK[register](US) is None


@pytest.mark.parametrize("register", Register)
def test_whoever_is_not_in_a_file_stays_unknown(folder, register):
    a_register_file(folder, register, {THEM: SAID[register]})

    assert ASK[register](US) is None


@pytest.mark.parametrize("register", EMPTY)
def test_whoever_is_not_in_a_file_that_lists_everybody_has_nothing(folder, register):
    a_register_file(folder, register, {}, complete=True)

    answer = ASK[register](US)

    assert registers.facts_to_json(answer.facts) == EMPTY[register]


def test_no_business_register_says_that_somebody_has_no_size(folder):
    a_register_file(folder, Register.BUSINESS, {}, complete=True)

    assert registers.ask_business(US) is None


def test_a_changed_file_is_read_anew(folder):
    a_register_file(folder, Register.CONDUCT, {str(US): {"findings": []}})
    first = registers.ask_conduct(US)

    a_register_file(folder, Register.CONDUCT, {str(US): SAID[Register.CONDUCT]})

    assert first.facts.findings == ()
    assert len(registers.ask_conduct(US).facts.findings) == 1


def test_a_folder_that_can_not_be_looked_into_is_down_and_not_clean(settings):
    settings.REGISTERS_FOLDER = "/" + "x" * 300

    asked = registers.ask(US, [Register.CONDUCT])

    assert asked.answers == ()
    assert [failure.code for failure in asked.failures] == ["register_down"]


def test_one_register_that_fails_keeps_no_other_from_answering(folder):
    a_register_file(folder, Register.BUSINESS, {str(US): SAID[Register.BUSINESS]})
    a_register_file(folder, Register.CONDUCT, {str(US): {"findings": "none"}})

    asked = registers.ask(US)

    assert [answer.register for answer in asked.answers] == [Register.BUSINESS]
    assert [failure.code for failure in asked.failures] == ["register_answer_invalid"]


LINK = SAID[Register.OWNERSHIP]["links"][0]
AID = SAID[Register.AID]["aid"][0]
WRONG = [
    (Register.BUSINESS, {"employees": "40"}, "employees", "'40'"),
    (Register.BUSINESS, {"employees": True}, "employees", "True"),
    (Register.BUSINESS, {"employees": -1}, "employees", "-1"),
    (Register.BUSINESS, {"employees": 40.0}, "employees", "40.0"),
    (Register.BUSINESS, {"revenue": 1.5, "currency": "GBP"}, "revenue", "1.5"),
    (Register.BUSINESS, {"revenue": 10**30, "currency": "GBP"}, "revenue", "10000"),
    (Register.BUSINESS, {"revenue": 5}, "currency", "None"),
    (Register.BUSINESS, {"currency": "XXX"}, "currency", "'XXX'"),
    (Register.BUSINESS, {"founded_on": "20190401"}, "founded_on", "'20190401'"),
    (Register.BUSINESS, {"founded_on": "2019-02-30"}, "founded_on", "'2019-02-30'"),
    (Register.BUSINESS, {"region": "GB\x00"}, "region", "x00"),
    (Register.BUSINESS, {"region": "\ud800"}, "region", "ud800"),
    (Register.BUSINESS, {"region": "x" * 201}, "region", "xxx"),
    (Register.BUSINESS, {"qualifications": "FILED"}, "qualifications", "'FILED'"),
    (Register.BUSINESS, {"tax_debt": "no"}, "tax_debt", "'no'"),
    (Register.BUSINESS, {"emploees": 4}, "emploees", "4"),
    (Register.BUSINESS, [], ":", "[]"),
    (Register.CONDUCT, {}, "findings", "None"),
    (Register.CONDUCT, {"findings": [{"kind": "X"}]}, "findings[0].day", "None"),
    (Register.CONDUCT, {"findings": [FINDING, 7]}, "findings[1]", "7"),
    (Register.OWNERSHIP, {"links": [{**LINK, "share": "1.1"}]}, "links[0].share", "'1.1'"),
    (Register.OWNERSHIP, {"links": [{**LINK, "share": "NaN"}]}, "links[0].share", "'NaN'"),
    (Register.OWNERSHIP, {"links": [{**LINK, "share": "1e-9"}]}, "share", "'1e-9'"),
    (Register.OWNERSHIP, {"links": [{**LINK, "control": "LOVE"}]}, "control", "'LOVE'"),
    (Register.OWNERSHIP, {"links": [{**LINK, "owner": "07654321"}]}, "owner", "'07654321'"),
    (Register.OWNERSHIP, {"links": [{**LINK, "owner": "CN_USCC:1"}]}, "owner", "'CN_USCC:1'"),
    (Register.AID, {"aid": [{**AID, "amount": "20000"}]}, "aid[0].amount", "'20000'"),
    (Register.AID, {"aid": [{**AID, "level": "WORLD"}]}, "aid[0].level", "'WORLD'"),
]


@pytest.mark.parametrize(("register", "facts", "place", "value"), WRONG)
def test_what_can_not_be_taken_is_refused_with_place_value_and_fix(
    folder, register, facts, place, value
):
    a_register_file(folder, register, {str(US): facts})

    with pytest.raises(registers.RegisterAnswerInvalid) as caught:
        ASK[register](US)

    said = str(caught.value)
    assert place in said
    assert value in said
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "conduct.json"),
        ("{", "conduct.json"),
        ("[" * 100_000, "conduct.json"),
        ('{"source": "A", "source": "B", "organisations": {}}', "conduct.json"),
        ('{"source": NaN, "organisations": {}}', "conduct.json"),
        ('{"organisations": {}}', "source"),
        ('{"source": "A"}', "organisations"),
        ('{"source": "A", "complete": 1, "organisations": {}}', "complete"),
        ('{"source": "A", "organisations": {}, "extra": 1}', "extra"),
        ('{"source": "A", "organisations": {"nobody": {}}}', "organisations"),
    ],
)
def test_a_file_that_is_no_register_is_refused_by_its_place(folder, text, place):
    folder.mkdir()
    (folder / "conduct.json").write_text(text, "utf-8")

    with pytest.raises(registers.RegisterAnswerInvalid, match=place):
        registers.ask_conduct(US)
