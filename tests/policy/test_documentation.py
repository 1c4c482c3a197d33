"""The documentation's own example can be worked out as it says, by its command."""

import io
import re
from pathlib import Path

import pytest
from django.core.management import call_command

from policy.programme import read
from tests.cast import M3, policy_text

TEXT = (Path(__file__).parents[2] / "docs" / "programmes.md").read_text("utf-8")


def example(name):
    return re.search(rf"<!-- example: {name} -->\n```\w*\n(.*?)```", TEXT, re.DOTALL)[1]


@pytest.fixture
def work_out(tmp_path):
    def work_out(*more, document=None, dossier=None):
        programme, claim = tmp_path / "scheme.toml", tmp_path / "dossier.json"
        programme.write_text(document or example("document"), "utf-8")
        claim.write_text(dossier or example("dossier"), "utf-8")
        said = io.StringIO()
        call_command(
            "work_out", "--programme", str(programme), "--claim", str(claim), *more, stdout=said
        )
        return said.getvalue()

    return work_out


def test_the_example_gives_what_the_documentation_says(work_out):
    assert work_out().splitlines()[0] == example("answer").strip()


def test_on_a_day_after_the_change_the_other_share_counts(work_out):
    assert work_out("--as-of", "2026-07-01").splitlines()[0] == (
        "xx-example-2026: PASS, 240000 CNY"
    )


def test_every_section_and_field_that_can_be_written_is_in_the_documentation():
    from policy import amount_sections, process_sections, sections

    sources = [
        Path(module.__file__).read_text("utf-8")
        for module in (sections, amount_sections, process_sections)
    ]
    asked = set(re.findall(r'table\.\w+\(\s*"(\w+)"', " ".join(sources)))
    # Duties, standing, outcomes, holds and routes are shown by the shipped programmes.
    elsewhere = {"act", "after", "list_name", "other_public_money_scope"}
    shipped = " ".join(
        path.read_text("utf-8")
        for path in (Path(sections.__file__).parent / "programmes").glob("*.toml")
    )

    missing = {name for name in asked if name not in TEXT and name not in shipped} - elsewhere
    assert missing == set()


def test_the_sections_about_deciding_can_be_written_as_the_documentation_shows_them():
    part = TEXT.partition("## Deciding together")[2]
    sections = part.partition("```toml\n")[2].partition("```")[0]
    programme = read(f"{policy_text(M3)}\n{sections}")

    assert programme.review.quorum == 2
    assert programme.allocation.method == "LOTTERY"
    assert (programme.notice.days, programme.appeal.days) == (7, 30)
    assert programme.holding.extension_days_max == 60
