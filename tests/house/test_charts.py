"""Charts say what they show: named, every figure printed, nothing that misleads."""

from decimal import Decimal
from xml.etree import ElementTree

import pytest

from common.charts import (
    Estimate,
    Mark,
    Row,
    Series,
    balance_bar,
    bar,
    interval,
    line,
    stacked_bar,
)

PARTS = [Mark("Spent", 50000, "¥500.00"), Mark("Held", 20000, "¥200.00")]
CHARTS = {
    "bar": bar(
        [Mark("上海", 120000, "¥1,200.00"), Mark("A & B <x>", None, "not shown")],
        id="c-bar",
        title="By city",
        description="Two cities",
    ),
    "stacked_bar": stacked_bar([Row("2026", PARTS, "¥700.00")], id="c-stack", title="By use"),
    "balance_bar": balance_bar(
        PARTS, total=Mark("V-1", 100000, "¥1,000.00"), id="c-bal", title="Balance"
    ),
    "line": line(
        [Series("Used", [Mark("Jan", 3, "3"), Mark("Feb", None, "–"), Mark("Mar", 9, "9")])],
        id="c-line",
        title="By month",
    ),
    "interval": interval(
        [Estimate("Revenue", Decimal("0.1"), Decimal("-0.1"), Decimal("0.3"), "+10%")],
        id="c-int",
        title="Effect",
    ),
}


def texts(svg: str) -> list[str]:
    return [
        "".join(one.itertext())
        for one in ElementTree.fromstring(svg).iter()
        if one.tag.endswith("}text")
    ]


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_a_named_image_without_styles(name):
    root = ElementTree.fromstring(CHARTS[name])

    title = root[0]
    assert root.get("role") == "img"
    assert title.get("id") in root.get("aria-labelledby").split()
    assert not any(key in ("style", "class") for one in root.iter() for key in one.attrib)
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(ids) == len(set(ids))


def test_every_figure_is_printed_on_its_chart():
    assert texts(CHARTS["bar"]) == ["上海", "¥1,200.00", "A & B <x>", "not shown"]
    assert texts(CHARTS["stacked_bar"]) == [
        "2026",
        "¥700.00",
        "Spent: ¥500.00",
        "Held: ¥200.00",
    ]
    assert texts(CHARTS["balance_bar"]) == [
        "V-1",
        "¥1,000.00",
        "Spent: ¥500.00",
        "Held: ¥200.00",
    ]
    assert texts(CHARTS["line"]) == ["Used: 9", "9", "Jan", "Feb", "Mar"]
    assert texts(CHARTS["interval"]) == ["Revenue", "+10%"]


def test_bars_are_as_long_as_their_figures():
    assert 'x="0%" y="22" width="50%" height="24" fill="#12436D"' in CHARTS["balance_bar"]
    assert 'x="50%" y="22" width="20%" height="24" fill="#28A197"' in CHARTS["balance_bar"]


def test_a_line_breaks_where_a_figure_may_not_be_shown():
    assert CHARTS["line"].count("<circle") == 2
    assert 'stroke-width="3"' not in CHARTS["line"]


def test_a_chart_of_nothing_is_drawn_empty():
    assert texts(bar([Mark("A", 0, "0")], id="z", title="Z")) == ["A", "0"]
    assert texts(bar([], id="z", title="Z")) == []


def test_a_chart_that_would_mislead_is_refused():
    with pytest.raises(ValueError, match="shorter than nothing"):
        bar([Mark("A", -1, "−1"), Mark("B", 1, "1")], id="z", title="Z")
    with pytest.raises(ValueError, match="more than the total"):
        balance_bar(PARTS, total=Mark("V", 1, "1"), id="z", title="Z")
    with pytest.raises(ValueError, match="at most 4"):
        stacked_bar([Row("A", [Mark("P", 1, "1")] * 5, "5")], id="z", title="Z")
