"""The regulator's page, and what a holder tells and sees about outcomes."""

from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_http_methods

from common.charts import Mark, balance_bar, bar
from common.errors import NotFound
from common.formatting import day, money
from common.forms import answer_form
from common.languages import in_language
from parties.authentication import signed_in
from parties.queries import require_role
from policy.answers import Line
from scoring import actions, indicators, queries
from scoring.forms import OUTCOME_KINDS, OutcomeForm, ReportForm
from scoring.indicators import Figure, Report, Scope
from scoring.indicators.export import shown
from scoring.models import Outcome, Score
from vouchers.models import Programme

BIG = ("appropriated", "committed", "paid", "utilisation", "cost_per_gpu_hour")
COMPARED = ("appropriated", "available", "committed", "paid", "delivered", "utilisation")


# --- the report ------------------------------------------------------------------------------


@login_required
@require_GET
def report(request: HttpRequest) -> HttpResponse:
    """Show every figure as of an instant, with its definition and its query."""
    form, found = _report_of(request)
    whole = [one for one in found.scopes if bool(one.code) == bool(found.programme)]
    link = urlencode({"programme": found.programme, "at": found.at.isoformat()})
    context = {
        "form": form,
        "found": found,
        "link": link,
        "csv_url": f"{reverse('report_csv')}?{link}",
        "sections": [
            _section(found, scope, number, link) for number, scope in enumerate(whole, 1)
        ],
        "programmes": [] if found.programme else _compared(found),
    }
    return render(request, "scoring/report.html", context)


@login_required
@require_GET
def report_csv(request: HttpRequest) -> HttpResponse:
    """Download the same figures as a table."""
    _form, found = _report_of(request)
    name = f"tessera-{found.programme or 'all'}-{found.at:%Y%m%dT%H%M%SZ}.csv"
    response = HttpResponse("\ufeff" + indicators.to_csv(found), "text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@login_required
@require_GET
def report_definition(request: HttpRequest, code: str) -> HttpResponse:
    """Show one figure everywhere it is counted, with its definition and its queries."""
    form, found = _report_of(request)
    figures = [one for one in found.figures if one.code == code]
    if not figures:
        raise NotFound(what=code)
    link = urlencode({"programme": found.programme, "at": found.at.isoformat()})
    context = {
        "form": form,
        "found": found,
        "title": figures[0].title,
        "definition": figures[0].definition,
        "figures": [_shown(figure, link) for figure in figures],
        "back": f"{reverse('report')}?{link}",
    }
    return render(request, "scoring/report_definition.html", context)


def _report_of(request: HttpRequest) -> tuple[ReportForm, Report]:
    require_role(signed_in(request), *queries.READS_THE_REPORT)
    form = ReportForm(request.GET, programmes=Programme.objects.order_by("title"))
    form.is_valid()
    at = form.at(timezone.now())
    return form, indicators.report(at, form.cleaned_data.get("programme") or None)


def _shown(figure: Figure, link: str) -> dict[str, object]:
    withheld = _("Not shown: fewer than 5 organisations") if figure.is_withheld else ""
    definition = reverse("report_definition", args=[figure.code])
    return {
        "figure": figure,
        "value": withheld or shown(figure),
        "url": f"{definition}?{link}",
        "scope": figure.scope.title,
    }


def _section(found: Report, scope: Scope, number: int, link: str) -> dict[str, object]:
    figures = found.of(scope)
    groups = (
        ("BUDGET", _("Where the budget is")),
        ("USE", _("What it was used for")),
        ("CONCENTRATION", _("How it is spread")),
        ("FUNNEL", _("From application to outcome")),
    )
    return {
        "scope": scope,
        "number": number,
        "big": [_shown(figures[code], link) for code in BIG],
        "budget": _budget_chart(figures, f"budget-{number}"),
        "funnel": _funnel_chart(figures, f"funnel-{number}"),
        "groups": [
            {
                "title": title,
                "figures": [
                    _shown(one, link) for one in figures.values() if one.section == section
                ],
            }
            for section, title in groups
        ],
    }


def _amount(figures: dict[str, Figure], *codes: str) -> int:
    return sum(int(figures[code].value or 0) for code in codes)


def _budget_chart(figures: dict[str, Figure], id: str) -> dict[str, object]:
    unit = figures["appropriated"].unit
    whole = _amount(figures, "appropriated")
    parts = [
        (_("In vouchers"), _amount(figures, "committed")),
        (_("Owed or on the way to the bank"), _amount(figures, "payable", "clearing")),
        (_("Paid or delivered"), _amount(figures, "paid", "delivered")),
        (_("Expired or lapsed"), _amount(figures, "expired", "lapsed")),
    ]
    taken = sum(amount for _label, amount in parts)
    available = (_("Available"), _amount(figures, "available"))
    title = _("Where the budget is")
    return {
        "title": title,
        "svg": balance_bar(
            [Mark(label, amount, money(amount, unit)) for label, amount in parts],
            total=Mark(_("Budget"), max(whole, taken), money(whole, unit)),
            id=id,
            title=title,
        ),
        "columns": [_("Place"), {"label": _("Amount"), "numeric": True}],
        "rows": [
            *([label, money(amount, unit)] for label, amount in (available, *parts)),
            {"cells": [_("Budget"), money(whole, unit)], "is_total": True},
        ],
    }


def _funnel_chart(figures: dict[str, Figure], id: str) -> dict[str, object]:
    steps = [one for one in figures.values() if one.section == "FUNNEL"]
    title = _("From application to outcome")
    return {
        "title": title,
        "svg": bar(
            [Mark(one.title, int(one.value or 0), shown(one)) for one in steps],
            id=id,
            title=title,
        ),
        "columns": [_("Step"), {"label": _("Applications or vouchers"), "numeric": True}],
        "rows": [[one.title, shown(one)] for one in steps],
    }


def _compared(found: Report) -> list[dict[str, object]]:
    """Return one table a unit, with a row for each programme and one for them all."""
    tables: list[dict[str, object]] = []
    for whole in (one for one in found.scopes if not one.code):
        scopes = [one for one in found.scopes if one.code and one.unit == whole.unit]
        titles = [found.of(whole)[code].title for code in COMPARED]
        rows: list[object] = [
            [
                {"text": scope.title, "url": _programme_url(found.at, scope.code)},
                *(shown(found.of(scope)[code]) for code in COMPARED),
            ]
            for scope in scopes
        ]
        total = [whole.title, *(shown(found.of(whole)[code]) for code in COMPARED)]
        tables.append(
            {
                "caption": _("Programmes in %(unit)s") % {"unit": whole.unit},
                "columns": [
                    _("Programme"),
                    *({"label": title, "numeric": True} for title in titles),
                ],
                "rows": [*rows, {"cells": total, "is_total": True}],
            }
        )
    return tables


def _programme_url(at: datetime, code: str) -> str:
    query = urlencode({"programme": code, "at": at.isoformat()})
    return f"{reverse('report')}?{query}"


# --- outcomes and standing -------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def outcome_new(request: HttpRequest, code: str) -> HttpResponse:
    """Let a holder report what came of a voucher."""
    person = signed_in(request)
    voucher = queries.vouchers_to_report_on(person).filter(code=code).first()
    if voucher is None:
        raise NotFound(what=code)
    form = OutcomeForm(request.POST if request.method == "POST" else None)

    def send() -> HttpResponse:
        given = form.cleaned_data
        actions.report_outcome(
            voucher=voucher,
            kind=Outcome.Kind(given["kind"]),
            title=given["title"],
            evidence_url=given["evidence_url"],
            happened_on=given["happened_on"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request, _("Thank you. It is on record, and counts in your next application.")
        )
        return redirect("standing")

    kinds = dict(OUTCOME_KINDS)
    context = {
        "title": _("Report an outcome"),
        "caption": voucher.code,
        "back": reverse("voucher", args=[voucher.code]),
        "submit": _("Send the report"),
        "intro": _(
            "Tell us what the compute led to. “Nothing to report” is an answer too, and better "
            "than none: a report is due by %(due)s."
        )
        % {
            "due": format_date(queries.report_due_on(voucher), pgettext("date format", "j F Y"))
        },
        "reported": {
            "caption": _("Reported before"),
            "columns": [_("Kind"), _("Title"), _("When it happened")],
            "rows": [
                [
                    kinds[Outcome.Kind(one.kind)],
                    {"text": one.title, "url": one.evidence_url},
                    day(one.happened_on),
                ]
                for one in queries.outcomes_of(voucher)
            ],
        },
    }
    return answer_form(request, form, "scoring/outcome_new.html", send, context)


@login_required
@require_GET
def standing(request: HttpRequest) -> HttpResponse:
    """Show a holder its standing, how it came about, and what it changes next time."""
    found = queries.standings_visible_to(signed_in(request), timezone.now())
    context = {
        "standings": [
            {
                "organisation": one.organisation,
                "standing": one.standing,
                "working": _lines(
                    one.standing.working.get("lines", []) if one.standing else []
                ),
                "scores": _scores(one.scores),
                "effects": [
                    {
                        "programme": effect.programme,
                        "amount": f"× {effect.effect.amount_multiplier:f}",
                        "validity": f"× {effect.effect.validity_multiplier:f}",
                        "working": _lines([line.to_dict() for line in effect.effect.working]),
                    }
                    for effect in one.effects
                ],
            }
            for one in found
        ]
    }
    return render(request, "scoring/standing.html", context)


def _lines(stored: list[dict[str, str]]) -> list[dict[str, str]]:
    lines = [Line.from_dict(one) for one in stored]
    return [
        {
            "name": in_language(line.label_en, line.label_zh),
            "amount": line.amount,
            "clause": line.clause,
        }
        for line in lines
    ]


def _scores(scores: tuple[Score, ...]) -> dict[str, object]:
    names = {
        "use": _("Use"),
        "milestones": _("Milestones"),
        "outcomes": _("Outcomes"),
        "forecast": _("Forecast"),
        "compliance": _("Compliance"),
    }
    return {
        "caption": _("Your vouchers' scores, from 0 to 1"),
        "columns": [
            _("Voucher"),
            {"label": _("Score"), "numeric": True},
            *({"label": name, "numeric": True} for name in names.values()),
            _("What you can do"),
        ],
        "rows": [
            [
                {
                    "text": score.voucher.code,
                    "url": reverse("voucher", args=[score.voucher.code]),
                },
                f"{score.x:f}",
                *(score.components.get(name) or "–" for name in names),
                {
                    "text": _("Report an outcome"),
                    "url": reverse("outcome_new", args=[score.voucher.code]),
                },
            ]
            for score in scores
        ],
    }
