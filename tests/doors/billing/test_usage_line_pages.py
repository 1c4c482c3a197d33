"""A provider looks at a line of use and corrects it, at a browser and by a program."""

import pytest
from django.urls import reverse

from billing.models import UsageCorrection, UsageLine
from billing.queries import metered_ms
from tests import cast
from tests.billing import stage
from tests.doors.billing.june import a_bill, record
from tests.doors.pages import send, words
from tests.doors.programs import Program

pytestmark = pytest.mark.django_db

HOUR = stage.HOUR


@pytest.fixture
def line(scene, order, now):
    """192 GPU-hours of June, 4,800.00, of which there are 48 more."""
    record(scene, order)
    return UsageLine.objects.get(quantity_ms=192 * HOUR)


def correct(client, line, **typed):
    shown = {
        "reason": "The node was down",
        "used": "this",
        "count": "8",
        "started_at": "2025-06-10 00:00:00",
        "ended_at": "2025-06-10 12:00:00",
        "right_key": f"{line.key}-2",
    }
    return send(client, reverse("usage_line_correct", args=[line.pk]), **{**shown, **typed})


def test_a_line_leads_from_the_list_to_its_page_and_its_correction(provider, line):
    page = reverse("usage_line", args=[line.pk])
    assert page in provider.get(reverse("usage")).content.decode()

    shown = provider.get(page)

    assert "192 GPU-hours" in words(shown)
    assert "¥4,800.00" in words(shown)
    asked = provider.get(reverse("usage_line_correct", args=[line.pk])).content.decode()
    for value in ("2025-06-10 00:00:00", "2025-06-11 00:00:00", "8", f"{line.key}-2"):
        assert f'value="{value}"' in asked


def test_it_is_taken_back_and_what_was_truly_used_stands_beside_it(provider, order, line):
    answer = correct(provider, line)

    right = UsageLine.objects.get(key=f"{line.key}-2")
    assert answer.url == reverse("usage_line", args=[right.pk])
    assert "The line is taken back. Nothing is billed for it." in words(
        provider.get(answer.url)
    )
    assert metered_ms(order, stage.JUNE, stage.JULY) == (96 + 48) * HOUR
    old = words(provider.get(reverse("usage_line", args=[line.pk])))
    assert "Why The node was down" in old
    assert "Correct this line" not in old
    opposite = UsageCorrection.objects.get(line=line).opposite
    shown = words(provider.get(reverse("usage_line", args=[opposite.pk])))
    assert f"Takes back {line}" in shown
    assert "−192 GPU-hours" in words(provider.get(reverse("usage")))


def test_where_nothing_was_used_nothing_stands_beside_it(provider, order, line):
    correct(provider, line, used="nothing", count="", right_key="")

    assert metered_ms(order, stage.JUNE, stage.JULY) == 48 * HOUR
    assert UsageLine.objects.count() == 3


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"reason": ""}, "reason"),
        ({"count": "many"}, "We cannot read “many” as a count."),
        ({"ended_at": "noon"}, "noon"),
        ({"ended_at": ""}, "Say this too, or choose “Nothing”."),
        ({"ended_at": "2025-06-09 00:00:00"}, "The right line can't be recorded"),
        ({"right_key": None}, "names another line already"),
    ],
)
def test_what_can_not_be_is_refused_in_words_and_nothing_moves(provider, line, typed, said):
    if "right_key" in typed:
        typed = {"right_key": UsageLine.objects.exclude(pk=line.pk).get().key}

    answer = correct(provider, line, **typed)

    page = answer.content.decode()
    assert "govuk-error-summary" in page
    assert said in page.replace("&#x27;", "'")
    assert UsageLine.objects.count() == 2


def test_what_is_billed_leads_to_its_bill_and_is_refused(provider, scene, order, line):
    bill = a_bill(scene, order)

    shown = words(provider.get(reverse("usage_line", args=[line.pk])))
    answer = correct(provider, line)

    assert f"It is on {bill.number}" in shown
    assert "Correct this line" not in shown
    assert f"is on {bill.number} already" in words(answer)
    assert UsageLine.objects.count() == 2


def test_the_holder_sees_the_line_and_only_the_provider_corrects_it(browser, scene, line):
    holder = browser(scene.applicant.person)
    other = browser(cast.make_provider(scene.authority, name="Other").person)
    page, act = (reverse(name, args=[line.pk]) for name in ("usage_line", "usage_line_correct"))

    assert holder.get(page).status_code == 200
    assert holder.get(act).status_code == 409
    assert (other.get(page).status_code, other.get(act).status_code) == (404, 404)


# --- by a program ----------------------------------------------------------------------------


def given(line, **more):
    """Return a correction: half of the line's hours."""
    right = {
        "key": f"{line.key}-2",
        "count": "8",
        "started_at": "2025-06-10T08:00:00+08:00",
        "ended_at": "2025-06-10T20:00:00+08:00",
    }
    why = "The node was down"
    return {"source": line.source, "key": line.key, "reason": why, "right": right, **more}


def test_a_program_corrects_a_line_and_asked_again_gets_the_first_answer(scene, order, line):
    program = Program(scene.seller)

    first, again = (
        program.post("usage/corrections", given(line), key="c-1") for _turn in range(2)
    )

    assert first.status_code == again.status_code == 200, first.content
    assert first.json() == again.json()
    told = first.json()
    assert told["line"] == {
        "source": line.source,
        "key": line.key,
        "quantity_ms": 192 * HOUR,
        "amount": 4_800_00,
    }
    assert told["opposite"]["quantity_ms"] == -192 * HOUR
    assert told["right"]["amount"] == 2_400_00
    assert metered_ms(order, stage.JUNE, stage.JULY) == (96 + 48) * HOUR


def test_a_program_is_refused_what_is_billed_or_unknown_or_another_s(scene, order, line):
    program = Program(scene.seller)
    other = Program(cast.make_provider(scene.authority, name="Other"))
    a_bill(scene, order)

    billed = program.post("usage/corrections", given(line), key="c-1")

    assert (billed.status_code, billed.json()["code"]) == (409, "usage_billed")
    unknown = program.post("usage/corrections", given(line, key="9"), key="c-2")
    assert unknown.status_code == 404
    assert other.post("usage/corrections", given(line), key="c-3").status_code == 404
    assert UsageLine.objects.count() == 2
