"""The design system is what it says: vendored bytes, strict CSP, pieces, forms."""

import hashlib
import re
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from django import forms
from django.contrib.messages.storage.base import Message
from django.core.paginator import Paginator
from django.template import engines
from django.template.loader import render_to_string

from common.charts import Mark, bar
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
