"""Committed, consumed and paid are told apart by fiscal year and source, to the cent."""

import pytest
from django.urls import reverse

from billing.queries.budgets import BudgetLine, budget_lines
from tests import cast
from tests.billing import stage
from tests.cast.committee import law
from tests.doors.pages import words

pytestmark = pytest.mark.django_db

FUNDERS = """
[[funders]]
clause = "Article 15"
name = "Province"
share = "2/3"

[[funders]]
clause = "Article 15"
name = "City"
share = "1/3"
"""


@pytest.fixture
def scene():
    """A programme of two sources: one voucher of 60,000.00 in 2025, and a round of 2026."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, text=law(FUNDERS), budget=900_000_00)
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    cast.a_round(
        authority, scheme.programme, budget=300_000_00, code="2026-A", fiscal_year=2026
    )
    return cast.Scene(authority, seller, scheme, applicant, voucher)


def lines(scene):
    return budget_lines(scene.scheme.programme, stage.LATER)


def test_before_use_all_is_committed(scene):
    assert lines(scene) == [
        BudgetLine(2026, "City", 100_000_00, 0, 0, 0),
        BudgetLine(2026, "Province", 200_000_00, 0, 0, 0),
        BudgetLine(2025, "City", 300_000_00, 20_000_00, 0, 0),
        BudgetLine(2025, "Province", 600_000_00, 40_000_00, 0, 0),
    ]


def test_what_is_settled_is_consumed_and_each_source_bears_its_part(scene):
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=8)
    stage.settle(stage.bill(scene))
    found = {(one.fiscal_year, one.source): one for one in lines(scene)}
    city, province = found[2025, "City"], found[2025, "Province"]
    spent = city.consumed + province.consumed
    assert spent == 8 * 25_00 * 60 // 100
    assert (province.consumed, city.consumed) == (spent * 2 // 3, spent // 3)
    assert city.committed + province.committed == 60_000_00 - spent
    assert (city.paid, province.paid) == (0, 0)


def test_the_page_and_its_csv_say_the_same_to_the_authority_alone(scene, client):
    code = scene.scheme.programme.code
    client.force_login(scene.authority.finance[0])
    page = words(client.get(reverse("programme_budget", args=[code])))
    assert "2025 City ¥300,000.00 ¥20,000.00 ¥0.00 ¥0.00" in page
    csv = client.get(reverse("programme_budget_csv", args=[code])).content.decode("utf-8-sig")
    assert csv.splitlines()[3] == "2025,City,CNY,300000.00,20000.00,0.00,0.00"
    assert "Budget by year and source" in words(client.get(reverse("programme", args=[code])))
    client.force_login(scene.applicant.person)
    assert client.get(reverse("programme_budget", args=[code])).status_code == 404
