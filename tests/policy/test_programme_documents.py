"""A programme document is read whole or refused with the place, the value and the fix."""

import re
import tomllib
from datetime import date
from fractions import Fraction

import pytest

from policy.programme import ProgrammeInvalid, read, shipped

DOCUMENTS = shipped()
OFFSET = DOCUMENTS["cn-chengdu-2025"]
EX_POST = DOCUMENTS["cn-nanning-2025"]
IN_KIND = DOCUMENTS["uk-airr"]


def problems_of(text):
    with pytest.raises(ProgrammeInvalid) as refusal:
        read(text)
    return refusal.value.problems


def changed(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


def line_of(text, start):
    return 1 + next(n for n, line in enumerate(text.splitlines()) if line.startswith(start))


@pytest.mark.parametrize("code", DOCUMENTS)
def test_every_shipped_document_is_sound_and_named_by_its_code(code):
    assert read(DOCUMENTS[code]).code == code


def test_the_shipped_documents_are_these():
    assert list(DOCUMENTS) == [
        "ca-aicaf-2025",
        "cn-beijing-2023",
        "cn-chengdu-2025",
        "cn-hangzhou-2025-mianshen",
        "cn-hangzhou-2025",
        "cn-henan-2025",
        "cn-nanning-2025",
        "cn-xiamen-2024",
        "fi-businessfinland",
        "uk-airr",
    ]


@pytest.mark.parametrize(
    ("code", "mode", "unit", "payee"),
    [
        ("cn-chengdu-2025", "M3", "CNY", "PROVIDER"),
        ("cn-nanning-2025", "M1", "CNY", "BENEFICIARY"),
        ("cn-xiamen-2024", "M1", "CNY", "BENEFICIARY"),
        ("cn-beijing-2023", "M2", "CNY", "BENEFICIARY"),
        ("cn-hangzhou-2025", "M1", "CNY", "BENEFICIARY"),
        ("cn-hangzhou-2025-mianshen", "M8", "CNY", "BENEFICIARY"),
        ("cn-henan-2025", "M1", "CNY", "BENEFICIARY"),
        ("ca-aicaf-2025", "M6", "CAD", "BENEFICIARY"),
        ("fi-businessfinland", "M3", "EUR", "PROVIDER"),
        ("uk-airr", "M5", "GPU:H100", "NOBODY"),
    ],
)
def test_the_document_names_mode_unit_and_payee(code, mode, unit, payee):
    programme = read(DOCUMENTS[code])

    assert (programme.mode, programme.unit, programme.payee) == (mode, unit, payee)


@pytest.mark.parametrize("code", DOCUMENTS)
def test_no_section_with_a_number_lacks_its_clause(code):
    def sections(table):
        for value in table.values():
            items = value if isinstance(value, list) else [value]
            for item in items:
                if isinstance(item, dict):
                    yield item
                    yield from sections(item)

    for section in sections(tomllib.loads(DOCUMENTS[code])):
        is_inline = section.keys() <= {"from", "until", "value"} or "use" in section
        assert "clause" in section or is_inline


def test_a_section_without_clause_is_refused_at_its_line():
    text = re.sub(r"(\[\[tiers\]\]\n)clause = .*\n", r"\1", OFFSET)

    (problem,) = problems_of(text)

    assert problem.startswith(
        f"line {line_of(text, '[[tiers]]')}, [tiers 1], clause: is missing"
    )
    assert 'add clause = "Article 5(2)"' in problem


def test_an_unknown_field_is_refused_with_the_nearest_name():
    text = changed(OFFSET, "days_min = 60", "days_min = 60\ndays_mni = 30")

    (problem,) = problems_of(text)

    line = line_of(text, "days_mni")
    assert problem == (
        f"line {line}, [validity], days_mni: is not a field or section known here; "
        "did you mean `days_min`?"
    )


def test_an_unknown_section_is_refused():
    (problem,) = problems_of(OFFSET + '\n[bonus]\nclause = "x"\n')

    assert "bonus: is not a field or section known here" in problem


def test_a_missing_section_is_refused_once():
    text = re.sub(r"\[validity\][^\[]*", "", OFFSET)

    assert problems_of(text) == (
        "the top of the document: the section [validity] is missing; add it with its clause.",
    )


@pytest.mark.parametrize(
    "number", ["0.6", "1", '"60 %"', '"-1"', '"NaN"', '"1e9"', '"0,6"', "[]"]
)
def test_a_share_that_is_no_decimal_in_quotes_is_refused(number):
    text = changed(OFFSET, 'rate = "0.60"', f"rate = {number}")

    (problem,) = problems_of(text)

    assert problem.startswith(f"line {line_of(text, 'rate')}, [tiers 1], rate: ")


@pytest.mark.parametrize("rate", ["0", "1.01", "60"])
def test_a_share_outside_0_to_1_is_refused(rate):
    (problem,) = problems_of(changed(OFFSET, '"0.60"', f'"{rate}"'))

    assert f"{rate} is not a share; write one above 0 and up to 1." in problem


def test_every_problem_is_told_at_once():
    text = changed(OFFSET, 'mode = "M3"', 'mode = "M9"')
    text = changed(text, "days = 30", 'days = "thirty"')
    text = changed(text, 'zone = "Asia/Shanghai"', 'zone = "Asia/Chengdu"')

    problems = problems_of(text)

    assert len(problems) == 3
    assert "'M9' can't be read; write one of M1, M2, M3, M4, M5, M6, M7, M8." in problems[0]
    assert "'Asia/Chengdu' is not an IANA time zone" in problems[1]
    assert "'thirty' can't be read; write a whole number" in problems[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            changed(IN_KIND, 'unit = "GPU:H100"', 'unit = "GBP"'),
            "unit: 'GBP' contradicts mode M5; write accelerator time, such as GPU:H100.",
        ),
        (
            changed(OFFSET, 'unit = "CNY"', 'unit = "GPU:H100"'),
            "unit: 'GPU:H100' contradicts mode M3; write a currency, such as CNY.",
        ),
        (
            changed(OFFSET, 'payee = "PROVIDER"', 'payee = "BENEFICIARY"'),
            "payee: 'BENEFICIARY' contradicts mode M3; write PROVIDER.",
        ),
        (
            changed(OFFSET, 'kind = "PURCHASE"', 'kind = "HOURS"'),
            "kind: 'HOURS' contradicts mode M3",
        ),
        (
            EX_POST + '\n[hold]\nclause = "x"\ndays = 3\n',
            "[hold]: mode M1 pays after use and holds nothing; take [hold] out.",
        ),
        (
            re.sub(r"\[hold\][^\[]*", "", OFFSET),
            "mode M3 places holds; add [hold] with clause and days.",
        ),
        (
            re.sub(r"\[\[tiers\]\][^\[]*", "", OFFSET),
            "mode M3 needs a share; add [[tiers]] with clause and rate.",
        ),
        (
            IN_KIND + '\n[[tiers]]\nclause = "x"\nrate = "0.5"\n',
            "hours in kind have no share of a fee; take [[tiers]] out.",
        ),
        (
            IN_KIND + '\n[floor]\nclause = "x"\nbase_min = "5"\n',
            "hours in kind have no fee to compare; take [floor] out.",
        ),
        (
            changed(OFFSET, 'scope = "PROGRAMME"', 'scope = "ORGANISATION"'),
            "[caps 2], scope: 'ORGANISATION' is there twice; keep one.",
        ),
        (
            changed(EX_POST, "until = 2025-12-31 }", "}").replace(", }", " }"),
            "[base.apportion]: needs a window; give [windows] use a `from` and an `until`.",
        ),
        (
            changed(OFFSET, "decimals = 2", "decimals = 3"),
            "a step of 0.001 is finer than the smallest amount of CNY that can be paid",
        ),
        (
            OFFSET + '\n[[tiers]]\nclause = "x"\nrate = "0.5"\n',
            "[tiers 1]: it takes every claim, so the tiers after it never count; put it last.",
        ),
        (
            changed(OFFSET, 'rate = "0.60"', 'rate = "0.60"\nkinds = ["SME"]'),
            "[tiers 1]: the last tier must take every claim; take its conditions out, or say in "
            '[share] what becomes of the rest: otherwise = "NOTHING" or "REFER".',
        ),
    ],
)
def test_a_contradiction_is_refused(text, said):
    (problem,) = problems_of(text)

    assert said in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            changed(OFFSET, "days_min = 60", "days_min = 400"),
            "400 is more than the voucher's days",
        ),
        (changed(OFFSET, 'up_to = "50000"', 'up_to = "5000000"'), "in rising order of `up_to`"),
        (changed(OFFSET, 'up_to = "50000"\n', ""), "every tier needs `up_to`, except the last"),
        (changed(OFFSET, '{ use = "0.30"', '{ use = "0.40"'), "they add up to 1.10"),
        (changed(OFFSET, 'amount_reach = "0.5"', 'amount_reach = "1.0"'), "write less than 1"),
        (changed(OFFSET, '"SME", ', '"SMES", '), "'SMES' can't be read; write some of SME"),
        (
            changed(IN_KIND, 'hours_min = "50000"', 'hours_min = "200000"'),
            "above the route's most",
        ),
        (
            changed(EX_POST, "from = 2025-03-01", "from = 2026-03-01"),
            "must not be after the last",
        ),
        (changed(EX_POST, "from = 2025-03-01", 'from = "2025-03-01"'), "days without quotes"),
        (changed(EX_POST, "from = 2025-03-01", "from = 2025-03-01T00:00:00"), "days without"),
        (
            changed(OFFSET, 'code = "cn-chengdu-2025"', 'code = "../etc"'),
            "'../etc' can't be read",
        ),
        (changed(OFFSET, 'unit = "CNY"', 'unit = "GOLD"'), "'GOLD' is not a unit known here"),
        (changed(OFFSET, "[hold]", "[[hold]]"), "write it as a section, [hold]"),
        (changed(OFFSET, "[[tiers]]", "[tiers]"), "write each item as a section, [[tiers]]"),
        (changed(OFFSET, 'of = "1"', 'of = "0"'), '"0" is not a unit to round to'),
    ],
)
def test_a_value_that_cannot_stand_is_refused(text, said):
    assert said in "\n".join(problems_of(text))


@pytest.mark.parametrize("text", ["", "= 1", "a = [", "[" * 5000, "a = " + "[" * 5000, "\x00"])
def test_what_is_no_programme_is_refused(text):
    assert problems_of(text)


def test_a_document_of_unlikely_length_is_refused_unread():
    assert problems_of("#" * 200_001) == (
        "the document has 200001 characters; keep it under 200000.",
    )


def test_a_long_value_is_not_repeated_whole():
    (problem,) = problems_of(changed(OFFSET, 'mode = "M3"', f'mode = "{"x" * 5000}"'))

    assert len(problem) < 200


def test_a_dated_number_changes_on_its_day():
    dated = '[{ value = "0.60" }, { from = 2026-07-01, value = "0.40" }]'
    programme = read(changed(OFFSET, '"0.60"', dated))

    rate = programme.tiers[0].rate

    assert rate.on(date(2026, 6, 30)) == Fraction(60, 100)
    assert rate.on(date(2026, 7, 1)) == Fraction(40, 100)
    assert rate.on(None) == Fraction(40, 100)


@pytest.mark.parametrize(
    "dated",
    [
        "[]",
        '[{ from = 2026-01-01, value = "0.6" }]',
        '[{ value = "0.6" }, { value = "0.4" }]',
        '[{ value = "0.6" }, { from = 2026-07-01, value = "0.5" }, '
        '{ from = 2026-01-01, value = "0.4" }]',
        '[{ value = "0.6", note = "x" }]',
        '[{ value = "0.6" }, { from = "2026", value = "0.4" }]',
    ],
)
def test_a_dated_list_out_of_order_is_refused(dated):
    assert problems_of(changed(OFFSET, '"0.60"', dated))
