"""Schemes that no file of the project knows are written down from the documentation and worked out."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from policy import opinion
from policy.dossiers import DossierInvalid, dossier_from, read_dossier
from policy.programme import ProgrammeInvalid, read, shipped
from tests.policy.test_documentation import example

SCHEMES = Path(__file__).parent / "schemes"
DOCUMENT, DOSSIER = example("document"), example("dossier")


def work_out(programme, dossier, tmp_path):
    path = tmp_path / "dossier.json"
    path.write_text(json.dumps(dossier), "utf-8")
    said = io.StringIO()
    call_command(
        "work_out", "--programme", str(programme), "--claim", str(path), "--json", stdout=said
    )
    return json.loads(said.getvalue())


def claimed(amount, **more):
    return {
        "claim": {
            "as_of": "2026-03-02",
            "fee_lines": [{"resource": "compute", "fee": amount}],
            **more,
        }
    }


@pytest.mark.parametrize(
    ("scheme", "dossier", "recommended"),
    [
        ("cn-shandong-2025", claimed("2000000"), "100000"),
        ("cn-shandong-2025", claimed("200000000"), "5000000"),
        (
            "cn-shandong-2025",
            claimed(
                "20000000",
                past=[{"measure": "ISSUED", "on": "2019-05-01", "amount": 4_600_000_00}],
            ),
            "400000",
        ),
        ("cn-yizhuang-2024", claimed("1000000", settled_fee="400000"), "120000"),
        ("cn-yizhuang-2024", claimed("70000000"), "20000000"),
    ],
)
def test_an_outsider_works_a_scheme_out(scheme, dossier, recommended, tmp_path):
    found = work_out(SCHEMES / f"{scheme}.toml", dossier, tmp_path)

    assert (found["outcome"], found["recommended"]) == ("PASS", recommended)
    assert all(line["clause"] for line in found["working"])


def test_an_effect_that_nobody_judged_yet_is_referred(tmp_path):
    applicant = {
        "organisation_kind": "SME",
        "region": "CN-3701",
        "applied_on": "2026-03-02",
        "provider_related": False,
        "provider_region": "CN-3702",
    }

    unjudged = work_out(
        SCHEMES / "cn-shandong-2025.toml",
        {"applicant": applicant, **claimed("2000000")},
        tmp_path,
    )
    elsewhere = work_out(
        SCHEMES / "cn-shandong-2025.toml",
        {
            "applicant": {
                **applicant,
                "provider_region": "CN-1101",
                "declarations": ["SIGNIFICANT_EFFECT"],
            },
            **claimed("2000000"),
        },
        tmp_path,
    )

    assert (unjudged["outcome"], unjudged["recommended"]) == ("REFER", "100000")
    assert (elsewhere["outcome"], elsewhere["recommended"]) == ("FAIL", "0")
    assert [r["code"] for r in elsewhere["reasons"]] == ["PROVIDER_REGION_NOT_ADMITTED"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (DOCUMENT[: DOCUMENT.index("[settlement]")], "the section [settlement] is missing"),
        (DOCUMENT[: DOCUMENT.index("objection_days") - 4], "(at end of document)"),
        (DOCUMENT.replace('rate = "1/5"', "rate ="), "Invalid value (at line"),
        (
            DOCUMENT.replace('share = "2/3"', 'share = "1/2"'),
            "[funders 1], share: the shares add",
        ),
        (
            DOCUMENT.replace('payee = "BENEFICIARY"', 'payee = "PROVIDER"'),
            "contradicts mode M1",
        ),
        (DOCUMENT.replace('size_standard = "CN-2011-300-SOFTWARE"\n', ""), "size_standard"),
        (DOCUMENT.replace("rolling_years = 3", ""), "rolling_years: goes with period"),
        (DOCUMENT.replace('measured = ["ISSUED"]', ""), "measured: say what counts"),
        (DOCUMENT.replace('rate = "1/5"', 'rate = "1/0"'), "can't be read; write a share"),
        (DOCUMENT.replace('mode = "M1"', 'mode = "M8"'), "needs both"),
        (
            DOCUMENT.replace('checked_at = "APPLICATION"', 'checked_at = "ORDER"'),
            "[provider], facilities: is not checked on ordering",
        ),
        (DOCUMENT.replace('mode = "M1"', "mode = ['M1']"), "can't be read; write one of"),
        ("a = " + "[" * 5_000, "this is not TOML"),
        ("x = 1\n" * 100_000, "keep it under"),
        ("\x00", "this is not TOML"),
        ("", "is missing"),
    ],
)
def test_a_document_that_can_not_be_taken_is_told_by_line_and_fix(content, said, tmp_path):
    path = tmp_path / "scheme.toml"
    path.write_text(content, "utf-8")

    with pytest.raises(CommandError) as refusal:
        work_out(path, claimed("1"), tmp_path)

    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "is not UTF-8 (byte 0)"),
        (b"{", "this is not JSON"),
        (b"[" * 200_000, "this is not JSON"),
        (b"[]", 'write {"applicant"'),
        (b'{"claim": {"as_of": "2026-02-30"}}', "claim.as_of: '2026-02-30' can't be read"),
        (b'{"claim": {}}', "claim.as_of: is missing; add it."),
        (b'{"claim": {"as_of": "2026-01-01", "fee_line": []}}', "did you mean `fee_lines`?"),
        (
            b'{"claim": {"as_of": "2026-01-01", "fee_lines": [{"resource": "c", "fee": 1.5}]}}',
            "claim.fee_lines[0].fee: '1.5' can't be read; write a decimal in quotes",
        ),
        (
            b'{"claim": {"as_of": "2026-01-01", "fee_lines": [{"resource": "c", "fee": "-1"}]}}',
            "must be 0 or more",
        ),
        (b'{"claim": {"as_of": "2026-01-01", "used_this_year": NaN}}', "write a whole number"),
        (
            b'{"claim": {"as_of": "2026-01-01", "used_this_year": ' + b"9" * 5_000 + b"}}",
            "JSON",
        ),
    ],
)
def test_a_case_that_can_not_be_taken_is_told_by_place_and_fix(content, said, tmp_path):
    path = tmp_path / "dossier.json"
    path.write_bytes(content)

    with pytest.raises(CommandError) as refusal:
        call_command("work_out", "--programme", "cn-nanning-2025", "--claim", str(path))

    assert said in str(refusal.value)


@pytest.mark.parametrize("name", ["no-such-scheme", "/", "\x00"])
def test_a_programme_that_is_not_there_is_refused_with_those_that_are(name, tmp_path):
    with pytest.raises(CommandError, match="cn-nanning-2025"):
        work_out(name, claimed("1"), tmp_path)


def taken(ask, refusal):
    """Return what is taken; of what is refused nothing, if the refusal says why."""
    try:
        return ask()
    except refusal as error:
        if error.problems and all(error.problems):
            return None
        raise


@given(data=st.data())
def test_no_broken_document_ends_in_anything_but_problems(data):
    text = data.draw(st.sampled_from([DOCUMENT, *shipped().values()]))
    lines = text.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(["drop", "double", "cut", "value"]))
        line = lines[place]
        if kind == "drop":
            lines[place] = ""
        elif kind == "double":
            lines[place] = f"{line}\n{line}"
        elif kind == "cut":
            lines[place] = line[: data.draw(st.integers(0, len(line)))]
        elif "=" in line:
            value = data.draw(
                st.sampled_from(['"0"', "-1", "[]", "{}", "[[]]", '""', "true", "1e400", "nan"])
            )
            lines[place] = f"{line.split('=')[0]}= {value}"

    programme = taken(lambda: read("\n".join(lines)), ProgrammeInvalid)
    if programme is not None:
        opinion.form(read_dossier(DOSSIER), programme)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.sampled_from(["", "0", "1e9999", "NaN", "-0", "2026-01-01", "9" * 40, "\ud800", "½"])
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.sampled_from(["resource", "fee", "amount"]), st.integers(), max_size=2)
)


@given(
    section=st.sampled_from(["applicant", "claim"]),
    place=st.integers(0, 30),
    value=SCALARS,
    programme=st.sampled_from([DOCUMENT, *shipped().values()]),
)
def test_no_broken_case_ends_in_anything_but_problems(section, place, value, programme):
    values = json.loads(DOSSIER)
    names = [*values[section], "past", "other_aid", "upstream", "settled_fee", "multiplier"]
    values[section][names[place % len(names)]] = value

    dossier = taken(lambda: dossier_from(values), DossierInvalid)
    if dossier is not None:
        opinion.form(dossier, read(programme))
