"""The design system is what it says: vendored bytes, strict CSP, pieces, charts, figures."""

import hashlib
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from django import forms
from django.contrib.messages.storage.base import Message
from django.core.paginator import Paginator
from django.template import engines
from django.template.loader import render_to_string

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
from common.formatting import day, gpu_hours, instant, language_tag, money, percent, status_tag
from common.widgets import DayInput, FigureInput
from config.forms import TesseraRenderer

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor" / "govuk"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
COMPONENTS = sorted(path.stem for path in (ROOT / "templates" / "components").glob("*.html"))


def rendered(source: str, **context: object) -> str:
    return engines["django"].from_string(source).render(context)


# --- what is shipped -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["govuk.min.css", "govuk-frontend.min.js"])
def test_the_vendored_files_are_the_recorded_ones(name):
    recorded = {
        file: digest
        for digest, file in re.findall(
            r"^([0-9a-f]{64})  (\S+)$", (VENDOR / "VERSION").read_text(), re.M
        )
    }

    assert recorded[name] == hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()


def test_the_vendored_licence_is_there():
    assert (VENDOR / "LICENSE.txt").read_text().startswith("The MIT License (MIT)")


@pytest.mark.parametrize("path", [VENDOR / "govuk.min.css", STATIC / "app.css"], ids=str)
def test_style_sheets_load_nothing(path):
    sheet = path.read_text()

    for word in ("url(", "data:", "@import", "@font-face", "GDS Transport", "sourceMappingURL"):
        assert word not in sheet


def test_our_own_style_sheet_and_script_stay_small():
    assert (STATIC / "app.css").stat().st_size <= 12_000
    assert (STATIC / "app.js").stat().st_size <= 8_000


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_template_needs_a_weaker_content_security_policy(path):
    page = path.read_text()

    assert not re.search(r"\sstyle\s*=", page)
    assert not re.search(r"<style", page)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", page)
    assert not re.search(r"[\"']\s*(?:data|javascript):", page)
    for attributes, content in re.findall(r"<script([^>]*)>(.*?)</script>", page, re.S):
        assert "src=" in attributes
        assert content == ""


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_posting_form_carries_a_token(path):
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", path.read_text(), re.S):
        assert "{% csrf_token %}" in form


# --- components ------------------------------------------------------------------------------


class Answers(forms.Form):
    default_renderer = TesseraRenderer

    title = forms.CharField(label="Project title", help_text="As on the voucher")
    hours = forms.IntegerField(
        label="Hours", widget=FigureInput({"suffix": "GPU-hours", "class": "wide"})
    )
    plan = forms.CharField(label="Plan", max_length=500, widget=forms.Textarea)
    use = forms.ChoiceField(
        label="Use", choices=[("T", "Train"), ("I", "Infer")], widget=forms.RadioSelect
    )
    sectors = forms.MultipleChoiceField(
        label="Sectors",
        choices=[("H", "Health")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    starts_on = forms.DateField(label="Start", widget=DayInput)
    agreed = forms.BooleanField(label="I agree")
    evidence = forms.FileField(label="Evidence")


COLUMNS = ["Line", {"label": "Amount", "numeric": True}]
AT = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)

SAMPLES = {
    "account_menu": (
        '{% include "components/account_menu.html" %}',
        {"user": SimpleNamespace(is_authenticated=True)},
        '<button type="submit" class="app-link-button">Sign out</button>',
    ),
    "back_link": ('{% back_link url="/a" %}', {}, 'href="/a" class="govuk-back-link">Back</a>'),
    "big_number": ('{% big_number value="¥1.00" label="Left" %}', {}, ">¥1.00</span>"),
    "breadcrumbs": (
        "{% breadcrumbs items=items %}",
        {"items": [{"label": "Home", "url": "/"}, {"label": "Bills"}]},
        'aria-current="page">Bills</li>',
    ),
    "button": (
        '{% button label="Send" name="go" value="1" %}',
        {},
        'data-prevent-double-click="true" name="go" value="1">Send</button>',
    ),
    "chart": (
        '{% chart title="Half is spent" svg=svg source="214" columns=columns rows=rows %}',
        {
            "svg": bar([Mark("A", 1, "1")], id="c", title="A"),
            "columns": COLUMNS,
            "rows": [["1", "¥1.00"]],
        },
        "Show the figures as a table",
    ),
    "details": ('{% details summary="Why" text="So" %}', {}, ">Why</span>"),
    "empty_state": ('{% empty_state text="No bills yet." %}', {}, "No bills yet."),
    "error_summary": (
        "{% error_summary form=form %}",
        {"form": Answers({"title": "x"})},
        '<a href="#id_use_0">Choose an answer for “Use”</a>',
    ),
    "file_upload": (
        "{% file_upload field=field %}",
        {"field": Answers()["evidence"]},
        'type="file" name="evidence"',
    ),
    "filter": (
        '{% filter_panel form=form clear_url="/c" %}',
        {"form": Answers()},
        '<a class="govuk-link" href="/c">Clear filters</a>',
    ),
    "inset": ('{% inset text="Eight minutes." %}', {}, "Eight minutes."),
    "language_in_form": (
        '{% include "components/language_in_form.html" %}',
        {"language_choices": [{"code": "zh-hans", "name": "简体中文", "is_current": False}]},
        'name="set_language" value="zh-hans" lang="zh-Hans">简体中文</button>',
    ),
    "language_switch": (
        '{% include "components/language_switch.html" %}',
        {"language_choices": [{"code": "zh-hans", "name": "简体中文", "is_current": False}]},
        'name="language" value="zh-hans" lang="zh-Hans">简体中文</button>',
    ),
    "notification_banner": (
        "{% notification_banner messages=messages %}",
        {"messages": [Message(25, "Saved.")]},
        'role="alert" aria-labelledby="message-1"',
    ),
    "pagination": (
        '{% pagination page=page query="status=SENT" %}',
        {"page": Paginator(range(1000), 50).page(7)},
        'href="?status=SENT&amp;page=8" rel="next"',
    ),
    "panel": (
        '{% panel title="Sent" label="Your reference" reference="A-1" %}',
        {},
        "Your reference<br><strong>A-1</strong>",
    ),
    "phase_banner": (
        '{% include "components/phase_banner.html" %}',
        {"is_demo": True},
        "No real money moves.",
    ),
    "service_navigation": (
        '{% include "components/service_navigation.html" %}',
        {"navigation": [{"label": "Bills", "url": "/b", "is_current": True}]},
        'href="/b" aria-current="true"',
    ),
    "summary_list": (
        "{% summary_list rows=rows %}",
        {"rows": [{"key": "Sector", "value": "", "url": "/s"}]},
        "Not provided",
    ),
    "summary_row": (
        '{% summary_row key="Award" value=5000|money:"GBP" url="/a" %}',
        {},
        '<dd class="govuk-summary-list__value">£50.00</dd>',
    ),
    "table": (
        '{% table caption="Lines" columns=columns rows=rows %}',
        {"columns": COLUMNS, "rows": [["12", {"text": "¥1.00", "error": "Above catalogue"}]]},
        'govuk-table__cell--numeric app-cell--error">¥1.00',
    ),
    "tag": (
        '{% tag label="Active" colour="green" %}',
        {},
        '<strong class="govuk-tag govuk-tag--green">Active</strong>',
    ),
    "task_list": (
        "{% task_list tasks=tasks %}",
        {
            "tasks": [
                {"label": "Project", "url": "/p", "status": "Incomplete", "colour": "blue"}
            ]
        },
        'aria-describedby="task-1-status">Project</a>',
    ),
    "timeline": (
        '{% timeline events=events zone="Asia/Shanghai" %}',
        {"events": [{"title": "Approved", "at": AT}]},
        "31 March 2026, 17:00 (UTC+8)",
    ),
    "warning_text": ('{% warning_text text="Final." %}', {}, "Final."),
    "working": (
        "{% working lines=lines %}",
        {"lines": [{"name": "Cap", "amount": 150, "unit": "CNY", "clause": "§4"}]},
        "¥1.50",
    ),
}


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_renders_from_a_sample(name):
    source, context, expected = SAMPLES[name]

    assert expected in rendered(source, **context)


def test_a_component_never_sees_the_context_of_its_page():
    assert "leaked" not in rendered('{% panel title="Sent" %}', body="leaked", label="leaked")


def test_components_escape_what_people_wrote():
    page = rendered("{% summary_list rows=rows %}", rows=[{"key": "Name", "value": "<b>"}])

    assert "&lt;b&gt;" in page


@pytest.mark.parametrize("name", ["403.html", "404.html", "500.html"])
def test_a_page_of_refusal_renders_without_any_context(name):
    page = render_to_string(name)

    assert '<html lang="en" class="govuk-template">' in page
    assert page.count("<h1") == 1
    assert '<main class="govuk-main-wrapper ' in page


# --- forms -----------------------------------------------------------------------------------


def test_a_field_is_described_by_its_hint_and_its_error_in_that_order():
    page = Answers({})["title"].as_field_group()

    assert 'aria-describedby="id_title_helptext id_title_error"' in page
    assert 'class="govuk-input govuk-input--error"' in page
    assert "Fill in “Project title”" in page


def test_a_unit_stands_beside_its_box_and_not_among_its_attributes():
    page = Answers()["hours"].as_field_group()

    assert '<div class="govuk-input__suffix" aria-hidden="true">GPU-hours</div>' in page
    assert "suffix=" not in page
    assert 'class="govuk-input wide"' in page


def test_a_long_text_is_counted_in_words_of_our_own():
    page = Answers()["plan"].as_field_group()

    assert 'data-maxlength="500"' in page
    assert 'aria-describedby="id_plan-info"' in page
    assert (
        'data-i18n.characters-under-limit.other="You have %{count} characters remaining"'
        in page
    )


def test_an_answer_that_may_be_left_out_says_so():
    assert "(optional)" in Answers()["sectors"].as_field_group()
    assert "(optional)" not in Answers()["title"].as_field_group()


def test_every_control_of_a_form_has_one_label():
    page = str(Answers())

    controls = re.findall(r'<(?:input|textarea|select)[^>]* id="([^"]+)"', page)
    assert len(controls) == len(set(controls)) == 11
    assert all(page.count(f'for="{one}"') == 1 for one in controls)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1,200", 1200),
        ("1 200", 1200),
        ("１２００", 1200),
        ("１，２００", 1200),
        ("1200", 1200),
    ],
)
def test_a_figure_is_read_as_people_write_it(typed, read):
    form = Answers({"hours": typed})
    form.is_valid()

    assert form.cleaned_data["hours"] == read


def test_a_figure_grouped_wrongly_is_refused():
    assert "hours" in Answers({"hours": "12,00"}).errors


def test_three_boxes_make_a_day():
    form = Answers(
        {"starts_on_day": "31", "starts_on_month": "3", "starts_on_year": "２０２６"}
    )
    form.is_valid()

    assert form.cleaned_data["starts_on"] == date(2026, 3, 31)


def test_a_day_that_does_not_exist_is_refused_and_kept_in_its_boxes():
    form = Answers({"starts_on_day": "31", "starts_on_month": "2", "starts_on_year": "2026"})

    page = form["starts_on"].as_field_group()
    assert "starts_on" in form.errors
    assert 'name="starts_on_day" value="31"' in page


# --- figures ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (123456, "CNY", "¥1,234.56"),
        (5, "GBP", "£0.05"),
        (-123456, "GBP", "−£1,234.56"),
        (1234567, "KRW", "₩1,234,567"),
        (10**17 + 1, "CNY", "¥1,000,000,000,000,000.01"),
        (4_444_200_000, "GPU:H100", "1,234.5 GPU-hours"),
        (3_600_000, "GPU:H100", "1 GPU-hour"),
        (0, "GPU:H100", "0 GPU-hours"),
        (-1_800_000, "GPU:A100", "−0.5 GPU-hours"),
        (None, "CNY", "–"),
    ],
)
def test_an_amount_is_shown_exactly(amount, unit, text):
    assert money(amount, unit) == text


def test_gpu_hours_round_half_up_at_the_fourth_decimal():
    assert gpu_hours(180) == "0.0001 GPU-hours"
    assert gpu_hours(179) == "0 GPU-hours"
    assert gpu_hours(36_000_000) == "10 GPU-hours"


def test_an_instant_names_its_time_zone():
    assert instant(AT) == (
        '<time datetime="2026-03-31T09:00:00+00:00">31 March 2026, 09:00 (UTC)</time>'
    )
    assert "14:30 (UTC+5:30)" in instant(AT, "Asia/Kolkata")
    assert "05:00 (UTC−4)" in instant(AT, "America/Toronto")


def test_a_day_is_not_an_instant():
    assert day(date(2026, 3, 31)) == '<time datetime="2026-03-31">31 March 2026</time>'
    with pytest.raises(TypeError):
        day(AT)


def test_a_share_is_shown_to_one_decimal():
    assert percent(Decimal("0.125")) == "12.5%"
    assert percent(Decimal("-0.04")) == "−4%"


def test_a_tag_has_a_known_colour_or_none():
    assert status_tag("<Draft>") == "&lt;Draft&gt;"
    with pytest.raises(ValueError, match="pink"):
        status_tag("Draft", "pink")


def test_a_language_is_tagged_as_html_wants_it():
    assert [language_tag(code) for code in ("en", "zh-hans", "en-gb")] == [
        "en",
        "zh-Hans",
        "en-GB",
    ]


# --- charts ----------------------------------------------------------------------------------

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
