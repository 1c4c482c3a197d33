"""Staff pages of a programme: where its budget is, its law version by version, its rounds."""

from collections import Counter
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from common.charts import Mark, balance_bar
from common.days import day_of
from common.formatting import money
from common.forms import answer_form
from ledger import queries as ledger
from ledger.kinds import AccountKind, TransferKind
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role, require_role, roles_of
from parties.roles import Role
from policy.rules import Programme as Law
from vouchers import actions, queries
from vouchers.forms.programmes import RoundForm
from vouchers.models import PolicyVersion, Programme, Round
from vouchers.views.matches import awards_shown, may_record
from vouchers.views.round_decisions import round_way
from vouchers.views.rounds_open import law_rows
from vouchers.views.shown import day_words, timeline

STAFF = (Role.OFFICER, Role.FINANCE, Role.INVESTIGATOR, Role.REGULATOR, Role.ADMIN)


@login_required
@require_GET
def programmes(request: HttpRequest) -> HttpResponse:
    """List the programmes that a person works for."""
    person = signed_in(request)
    require_role(person, *STAFF)
    found = list(queries.programmes_visible_to(person))
    context = {
        "caption": _("Programmes"),
        "months_url": (
            reverse("usage_months")
            if roles_of(person) & {Role.REGULATOR, Role.OFFICER, Role.FINANCE}
            else ""
        ),
        "columns": [
            _("Programme"),
            _("Authority"),
            _("How it pays"),
            {"label": _("Available"), "numeric": True},
        ],
        "rows": [
            [
                {"text": one.title_here, "url": reverse("programme", args=[one.code])},
                one.authority.name_here,
                Programme.Mode(one.mode).label,
                money(queries.budget_available(one), one.unit),
            ]
            for one in found
        ],
    }
    return render(request, "vouchers/programmes.html", context)


@login_required
@require_GET
def programme(request: HttpRequest, code: str) -> HttpResponse:
    """Show one programme: its budget from appropriation to paid, its law, its rounds."""
    person, now = signed_in(request), timezone.now()
    found = queries.programme_of(person, code)
    today = day_of(now, found.zone)
    versions = list(queries.policy_versions_of(found))
    laws = queries.policies_in_force([found], now)
    in_force, law = laws.get(found.pk, (None, None))
    may_propose = may_staff(person, found)
    context = {
        "programme": found,
        "title": found.title_here,
        "budget": budget_shown(found, now),
        "law_rows": law_rows(law, today) if law else [],
        "in_force": in_force,
        "versions": [_version_shown(one, in_force) for one in versions],
        "rounds": _rounds_with_ways(person, found, law, today),
        "awards": awards_shown(found),
        "may_record_awards": may_record(person, found),
        "may_propose": may_propose,
        "may_open_round": may_staff(person, found, Role.FINANCE),
        "events": timeline(found.address),
        "zone": found.zone,
    }
    return render(request, "vouchers/programme.html", context)


def may_staff(person: User, found: Programme, *roles: Role) -> bool:
    """Say whether a person has one of the roles in a programme: officer or administrator."""
    return any(
        has_role(person, role, organisation=found.authority, programme_code=found.code)
        for role in roles or (Role.OFFICER, Role.ADMIN)
    )


def budget_shown(found: Programme, at: datetime) -> dict[str, Any] | None:
    """Return where a programme's whole appropriation is now, in parts that add up to it."""
    net = _net_by_kind(found, at)
    appropriated = -net.pop(AccountKind.APPROPRIATION, 0)
    if not appropriated:
        return None
    unit = found.unit
    available, committed = net[AccountKind.AVAILABLE], net[AccountKind.VOUCHER]
    left = appropriated - available - committed
    total = Mark(_("Appropriated"), appropriated, money(appropriated, unit))
    marks = [
        Mark(_("Used, owed, paid or expired"), max(left, 0), money(left, unit)),
        Mark(_("Committed in vouchers"), committed, money(committed, unit)),
    ]
    return {
        "bar": balance_bar(
            marks,
            total=total,
            id="budget",
            title=_("%(available)s of %(total)s are available")
            % {"available": money(available, unit), "total": total.text},
        ),
        "caption": _("Where the budget is"),
        "columns": [_("Part"), {"label": _("Amount"), "numeric": True}],
        "rows": [
            *([_PARTS[kind], money(net[kind], unit)] for kind in _PARTS if net[kind]),
            {"cells": [total.label, total.text], "is_total": True},
        ],
    }


def _net_by_kind(found: Programme, at: datetime) -> Counter[int]:
    """Return what every kind of account holds; over all kinds it adds up to nothing."""
    posted = {TransferKind.POST, TransferKind.CAPTURE, TransferKind.REVERSE}
    net: Counter[int] = Counter()
    for row in ledger.flows_as_of(at, found.code):
        if row.transfer_kind in posted:
            net[row.credit_kind] += row.amount
            net[row.debit_kind] -= row.amount
    return net


_PARTS = {
    AccountKind.AVAILABLE: gettext_lazy("Available"),
    AccountKind.VOUCHER: gettext_lazy("Committed in vouchers"),
    AccountKind.PROVIDER_PAYABLE: gettext_lazy("Owed to providers"),
    AccountKind.BENEFICIARY_PAYABLE: gettext_lazy("Owed to beneficiaries"),
    AccountKind.DELIVERED: gettext_lazy("Used in kind"),
    AccountKind.CLEARING: gettext_lazy("At the bank"),
    AccountKind.PAID: gettext_lazy("Paid"),
    AccountKind.EXPIRED: gettext_lazy("Expired"),
    AccountKind.LAPSED: gettext_lazy("Lapsed with the year"),
    AccountKind.RECEIVABLE: gettext_lazy("To be recovered"),
    AccountKind.RECOVERED: gettext_lazy("Recovered"),
}


def _version_shown(one: PolicyVersion, in_force: PolicyVersion | None) -> dict[str, Any]:
    release = getattr(one, "release", None)
    return {
        "number": one.number,
        "note": one.note,
        "by": one.proposed_by.name,
        "proposed_at": one.proposed_at,
        "is_in_force": in_force is not None and in_force.pk == one.pk,
        "released": format_html(
            _("from {day}, released by {person}"),
            day=day_words(release.effective_from_on),
            person=release.released_by.name,
        )
        if release
        else "",
    }


def _rounds_table(found: Programme) -> dict[str, Any]:
    return {
        "caption": _("Rounds"),
        "columns": [
            _("Round"),
            _("Opens"),
            _("Closes"),
            {"label": _("Fiscal year"), "numeric": True},
            {"label": _("Budget"), "numeric": True},
        ],
        "rows": [_round_row(one, one.code) for one in queries.rounds_of(found)],
    }


def _rounds_with_ways(
    person: User, found: Programme, law: Law | None, today: date
) -> dict[str, Any]:
    """Return a programme's rounds, each with where to go next where it is decided together."""
    table = _rounds_table(found)
    if law is None or law.allocation is None:
        return table
    is_officer = may_staff(person, found, Role.OFFICER)
    ways = [
        round_way(one, law, today, is_officer=is_officer) for one in queries.rounds_of(found)
    ]
    rows = [[*row, way] for row, way in zip(table["rows"], ways, strict=True)]
    return {**table, "columns": [*table["columns"], _("Next")], "rows": rows}


def _round_row(one: Round, name: str) -> list[Any]:
    return [
        name,
        day_words(one.opens_on),
        day_words(one.closes_on),
        str(one.fiscal_year),
        money(one.budget, one.programme.unit),
    ]


# --- rounds ----------------------------------------------------------------------------------


@login_required
@require_GET
def rounds(request: HttpRequest) -> HttpResponse:
    """List the rounds of all programmes that a person works for."""
    person = signed_in(request)
    require_role(person, *STAFF)
    found = list(queries.programmes_visible_to(person))
    tables = []
    for one in found:
        table = _rounds_table(one)
        may_open = may_staff(person, one, Role.FINANCE)
        tables.append(
            {**table, "caption": one.title_here, "code": one.code, "may_open": may_open}
        )
    return render(request, "vouchers/rounds.html", {"tables": tables})


@login_required
@require_http_methods(["GET", "POST"])
def round_new(request: HttpRequest, code: str) -> HttpResponse:
    """Open a round and allot its budget."""
    person, now = signed_in(request), timezone.now()
    found = queries.programme_of(person, code)
    form = RoundForm(
        request.POST if request.method == "POST" else None,
        unit=found.unit,
        initial={"fiscal_year": day_of(now, found.zone).year},
    )

    def open_it() -> HttpResponse:
        given = form.cleaned_data
        opened = actions.open_round(
            programme=found,
            code=given["code"],
            fiscal_year=given["fiscal_year"],
            budget=given["budget"],
            opens_on=given["opens_on"],
            closes_on=given["closes_on"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(
            request,
            _("Round %(code)s is set; its budget is available.") % {"code": opened.code},
        )
        return redirect("programme", code)

    context = {
        "title": _("Open a round"),
        "caption": found.title_here,
        "back": reverse("programme", args=[code]),
        "submit": _("Open the round"),
        "warning": _("The budget is allotted from the appropriation at once."),
    }
    return answer_form(request, form, "form_page.html", open_it, context)
