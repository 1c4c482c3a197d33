"""What prices are measured by, for everybody to read: caps, and H100 equivalents."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.days import start_of
from common.downloads import csv_answer
from common.errors import NotFound
from common.formatting import day_text, instant, rate_words
from common.forms import answer_form
from parties.authentication import signed_in
from parties.models import Organisation, User
from parties.queries import has_role, memberships_of
from parties.roles import OrganisationKind, Role
from providers import actions
from providers import queries as providers
from providers.models import Equivalent, PriceCap
from providers.told import cap_owner_told
from vouchers.forms.catalogue import CapForm, EquivalentForm
from vouchers.models import Programme

SETTERS = (Role.OFFICER, Role.ADMIN)


def _is_setter(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and any(
        has_role(request.user, role) for role in SETTERS
    )


# --- caps ------------------------------------------------------------------------------------


@require_GET
def price_caps(request: HttpRequest) -> HttpResponse:
    """List every cap that was ever set on the price of an hour, newest first."""
    context = {
        "is_setter": _is_setter(request),
        "columns": [
            _("From"),
            _("Set by"),
            _("Class"),
            {"label": _("At most, one hour"), "numeric": True},
            _("What it rests on"),
        ],
        "rows": [
            [
                instant(cap.from_at),
                cap_owner_told(cap),
                f"{cap.resource} {cap.resource_class}",
                _("No cap") if cap.rate is None else rate_words(cap.rate, cap.currency),
                cap.reason,
            ]
            for cap in providers.caps_known()
        ],
    }
    return render(request, "vouchers/price_caps.html", context)


@require_GET
def price_caps_csv(request: HttpRequest) -> HttpResponse:
    """Give every cap that was ever set as a table; an empty rate lifts it."""
    header = [
        "authority",
        "programme",
        "resource",
        "class",
        "currency",
        "rate",
        "from",
        "reason",
    ]
    rows = [
        [
            cap.authority.code,
            cap.programme_code,
            cap.resource,
            cap.resource_class,
            cap.currency,
            cap.rate,
            cap.from_at.isoformat(),
            cap.reason,
        ]
        for cap in providers.caps_known()
    ]
    return csv_answer("price-caps.csv", header, rows)


def _scopes(person: User) -> dict[str, tuple[Organisation, str, str]]:
    """Return for whom a person may set caps: an authority, or single programmes of one."""
    scopes: dict[str, tuple[Organisation, str, str]] = {}
    own = memberships_of(person).filter(
        role__in=SETTERS, organisation__kind=OrganisationKind.AUTHORITY
    )
    for one in own:
        authority = one.organisation
        programmes = Programme.objects.filter(authority=authority).order_by("code")
        if one.programme_code:
            programmes = programmes.filter(code=one.programme_code)
        else:
            words = _("%(name)s, all its programmes and the catalogue") % {
                "name": authority.name_here
            }
            scopes[authority.code] = (authority, "", words)
        for programme in programmes:
            key = f"{authority.code}/{programme.code}"
            scopes[key] = (authority, programme.code, programme.title_here)
    return scopes


@login_required
@require_http_methods(["GET", "POST"])
def price_cap_new(request: HttpRequest) -> HttpResponse:
    """Set the most that an hour of a class may cost, or lift it."""
    person = signed_in(request)
    scopes = _scopes(person)
    if not scopes:
        raise NotFound(what="price_cap_new")
    form = CapForm(
        request.POST if request.method == "POST" else None,
        scopes=[(key, words) for key, (_authority, _code, words) in scopes.items()],
    )

    def set_cap() -> HttpResponse:
        given, now = form.cleaned_data, timezone.now()
        authority, code, _words = scopes[given["scope"]]
        cap: PriceCap = actions.set_price_cap(
            authority=authority,
            programme_code=code,
            resource=given["resource"],
            resource_class=given["resource_class"],
            currency=given["currency"],
            rate=given["rate"],
            from_at=start_of(given["from_on"]) if given["from_on"] else now,
            reason=given["reason"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(
            request, _("The cap on %(name)s is set.") % {"name": cap.resource_class}
        )
        return redirect("price_caps")

    context = {
        "title": _("Set a price cap"),
        "back": reverse("price_caps"),
        "submit": _("Set the cap"),
        "intro": _(
            "New prices above an authority’s cap are refused; offers above a cap can’t be ordered "
            "under its programmes. Orders placed before go on."
        ),
    }
    return answer_form(request, form, "form_page.html", set_cap, context)


# --- equivalents -----------------------------------------------------------------------------


@require_GET
def equivalents(request: HttpRequest) -> HttpResponse:
    """List how many H100 each class counts for, with every figure there was and its source."""
    newest = {one.pk for one in providers.equivalents_begun(timezone.now())}
    context = {
        "is_setter": _is_setter(request),
        "columns": [
            _("Class"),
            _("Precision"),
            {"label": _("Peak in TFLOPS"), "numeric": True},
            {"label": _("H100 equivalents"), "numeric": True},
            _("From"),
            _("Source"),
            _("Status"),
        ],
        "rows": [_figure_row(one, newest) for one in providers.equivalents_known()],
    }
    return render(request, "vouchers/equivalents.html", context)


def _figure_row(one: Equivalent, newest: set[int]) -> list[Any]:
    return [
        one.resource_class,
        one.precision,
        f"{one.teraflops.normalize():,f}",
        f"{one.factor.normalize():f}",
        day_text(one.from_on),
        f"{one.source} ({day_text(one.sourced_on)})",
        _("Counts now") if one.pk in newest else _("Followed, or begins later"),
    ]


@require_GET
def equivalents_csv(request: HttpRequest) -> HttpResponse:
    """Give every figure that was ever recorded as a table."""
    header = [
        *("class", "precision", "teraflops", "h100_equivalents", "from"),
        *("source", "source_date"),
    ]
    rows = [
        [
            one.resource_class,
            one.precision,
            one.teraflops,
            one.factor,
            one.from_on.isoformat(),
            one.source,
            one.sourced_on.isoformat(),
        ]
        for one in providers.equivalents_known()
    ]
    return csv_answer("h100-equivalents.csv", header, rows)


@login_required
@require_http_methods(["GET", "POST"])
def equivalent_new(request: HttpRequest) -> HttpResponse:
    """Record how many H100 a class counts for in a precision, with its source."""
    person = signed_in(request)
    if not _is_setter(request):
        raise NotFound(what="equivalent_new")
    form = EquivalentForm(request.POST if request.method == "POST" else None)

    def record() -> HttpResponse:
        given = form.cleaned_data
        actions.record_equivalent(
            resource_class=given["resource_class"],
            precision=given["precision"],
            teraflops=given["teraflops"],
            factor=given["factor"],
            source=given["source"],
            sourced_on=given["sourced_on"],
            from_on=given["from_on"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("The figure is recorded."))
        return redirect("equivalents")

    context = {
        "title": _("Record an H100 equivalent"),
        "back": reverse("equivalents"),
        "submit": _("Record it"),
        "intro": _(
            "Offers are compared by it, and nothing is ever paid by it. What was recorded stays; "
            "a better figure follows it."
        ),
    }
    return answer_form(request, form, "form_page.html", record, context)
