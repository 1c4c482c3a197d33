"""Telemetry as evidence: what was sent, what is missing, sending a page, and meters' keys."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries
from billing.forms.telemetry import MeterKeyForm, TelemetryForm
from billing.models import TelemetryBatch
from billing.models.telemetry import MeterRank
from billing.views.evidence import rank_words
from billing.views.shown import figure, page_of, query_of, table
from common.formatting import instant
from common.forms import answer_form
from parties.authentication import signed_in
from parties.queries import has_role
from parties.roles import Role
from providers.queries import provider_of


@login_required
@require_GET
def telemetry_list(request: HttpRequest) -> HttpResponse:
    """List the telemetry that a person may see, what is missing of it, and the meters' keys."""
    person = signed_in(request)
    found = queries.telemetry_visible_to(person)
    page = page_of(request, found)
    providers = found.order_by().values_list("provider", flat=True).distinct()
    context = {
        "is_provider": has_role(person, Role.PROVIDER),
        "batches": table(_("Telemetry"), _columns(), [_row(one) for one in page]),
        "gaps": [_gap(one) for one in queries.gaps_of(list(providers))],
        "keys": table(
            _("Keys of meters"),
            [_("Meter"), _("Public key"), _("In force from")],
            [
                [one.source, one.public_key, instant(one.registered_at)]
                for one in queries.meter_keys_of(person)
            ],
        ),
        "page": page,
        "query": query_of(request),
    }
    return render(request, "billing/telemetry.html", context)


def _columns() -> list[Any]:
    return [
        _("Received"),
        _("Provider"),
        _("Meter"),
        _("How far it is believed"),
        figure(_("Number")),
        figure(_("Samples")),
        figure(_("Without a value")),
        figure(_("Unreadable")),
        figure(_("Minutes of GPUs")),
    ]


def _row(batch: TelemetryBatch) -> list[Any]:
    return [
        instant(batch.received_at),
        batch.provider.organisation.name_here,
        batch.source,
        rank_words(batch.rank),
        "–" if batch.sequence is None else batch.sequence,
        batch.samples,
        batch.blank,
        {"text": batch.unreadable, "error": bool(batch.unreadable)},
        batch.minutes,
    ]


def _gap(gap: queries.Gap) -> str:
    if gap.first == gap.last:
        return _("%(source)s: number %(first)s is missing.") % gap._asdict()
    return _("%(source)s: numbers %(first)s to %(last)s are missing.") % gap._asdict()


@login_required
@require_http_methods(["GET", "POST"])
def telemetry_upload(request: HttpRequest) -> HttpResponse:
    """Take a page of telemetry as a file."""
    person = signed_in(request)
    provider = provider_of(person)
    form = TelemetryForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
    )

    def record() -> HttpResponse:
        given = form.cleaned_data
        batch = actions.record_telemetry(
            provider=provider,
            source=given["source"],
            rank=MeterRank.FILE,
            stream=given["file"].file,
            taken_at=given["taken_at"],
            name=given["file"].name,
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request,
            ngettext(
                "We have the telemetry of %(count)s minute of a GPU.",
                "We have the telemetry of %(count)s minutes of GPUs.",
                batch.minutes,
            )
            % {"count": batch.minutes},
        )
        return redirect("telemetry")

    context = {
        "title": _("Send telemetry"),
        "caption": provider.organisation.name_here,
        "intro": _(
            "Telemetry supports or contradicts what is billed; it is shown beside each line that "
            "names its GPUs, to the beneficiary too. It moves no money."
        ),
        "back": reverse("telemetry"),
        "submit": _("Upload"),
    }
    return answer_form(request, form, "billing/telemetry_upload.html", record, context)


@login_required
@require_http_methods(["GET", "POST"])
def meter_key_new(request: HttpRequest) -> HttpResponse:
    """Register the public key with which a meter signs."""
    person = signed_in(request)
    provider = provider_of(person)
    form = MeterKeyForm(request.POST if request.method == "POST" else None)

    def register() -> HttpResponse:
        given = form.cleaned_data
        actions.register_meter_key(
            provider=provider,
            source=given["source"],
            public_key=given["public_key"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request,
            _("The meter %(source)s signs with this key from now on.")
            % {"source": given["source"]},
        )
        return redirect("telemetry")

    context = {
        "title": _("Register a meter’s key"),
        "caption": provider.organisation.name_here,
        "intro": _(
            "A signed batch is believed before all others. Once a key is registered, what the "
            "meter sends is taken only with its number and signature."
        ),
        "back": reverse("telemetry"),
        "submit": _("Register"),
    }
    return answer_form(request, form, "form_page.html", register, context)
