"""Agreements: an authority publishes its text, a provider reads and accepts it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import NotFound
from common.formatting import day, instant
from common.forms import answer_form
from parties.authentication import signed_in
from parties.models import Organisation, User
from parties.queries import organisations_of
from parties.roles import OrganisationKind, Role
from providers import actions, queries, statuses
from providers.forms import AcceptForm, AgreementForm
from providers.models import Agreement, AgreementAcceptance

ACCEPTANCES_SHOWN = 200


@login_required
@require_GET
def agreements(request: HttpRequest) -> HttpResponse:
    """List every agreement: for a provider with what it accepted, for an officer with who did."""
    person = signed_in(request)
    organisation = _organisation_of(person)
    kept = list(queries.agreements_kept_by(person))
    if organisation is None and not kept:
        raise NotFound(what=request.path)
    found = queries.agreements_listed()
    if organisation is None:
        found = found.filter(authority__in=kept)
    accepted = set()
    acceptances = queries.acceptances_before(person)
    if organisation is not None:
        acceptances = queries.acceptances_of(organisation)
        accepted = set(acceptances.values_list("agreement", flat=True))
    listed = list(found)
    newest = {one.authority_id: one for one in reversed(listed)}
    context = {
        "is_provider": organisation is not None,
        "may_publish": bool(kept),
        "columns": [
            _("Agreement"),
            _("Authority"),
            {"label": _("Version"), "numeric": True},
            _("In force from"),
            _("Status"),
        ],
        "rows": [
            [
                {"text": one.title_here, "url": reverse("agreement", args=[one.pk])},
                one.authority.name_here,
                str(one.number),
                day(one.from_on),
                statuses.AGREEMENT[
                    _state(one, newest[one.authority_id], accepted, organisation)
                ].label,
            ]
            for one in listed
        ],
        "acceptance_columns": [
            _("Provider"),
            _("Agreement"),
            _("When"),
            _("By"),
            _("Fingerprint"),
        ],
        "acceptances": [_acceptance_row(one) for one in acceptances[:ACCEPTANCES_SHOWN]],
    }
    return render(request, "providers/agreements.html", context)


def _organisation_of(person: User) -> Organisation | None:
    found = organisations_of(person, Role.PROVIDER).filter(kind=OrganisationKind.PROVIDER)
    return found.first()


def _state(
    one: Agreement, newest: Agreement, accepted: set[int], organisation: Organisation | None
) -> str:
    """Return the word of `statuses.AGREEMENT` for a version."""
    if one.pk in accepted:
        return "ACCEPTED"
    if one.pk != newest.pk:
        return "FOLLOWED"
    return "NEWEST" if organisation is None else "TO_ACCEPT"


def _acceptance_row(one: AgreementAcceptance) -> list[object]:
    return [
        one.organisation.name_here,
        str(one.agreement),
        instant(one.accepted_at),
        one.accepted_by.name,
        f"{one.sha256[:16]}…",
    ]


@login_required
@require_http_methods(["GET", "POST"])
def agreement(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one version word for word, and let a provider accept it."""
    person = signed_in(request)
    organisation = _organisation_of(person)
    found = queries.agreements_listed().filter(pk=pk).first()
    is_kept = found is not None and queries.agreements_kept_by(person).filter(
        pk=found.authority_id
    )
    if found is None or (organisation is None and not is_kept):
        raise NotFound(what=pk)
    acceptance = None
    if organisation is not None:
        acceptance = queries.acceptances_of(organisation).filter(agreement=found).first()
    elif request.method == "POST":
        raise NotFound(what=pk)
    form = AcceptForm(
        request.POST if request.method == "POST" else None, initial={"sha256": found.sha256}
    )

    def accept() -> HttpResponse:
        assert organisation is not None
        actions.accept_agreement(
            agreement=found,
            organisation=organisation,
            sha256=form.cleaned_data["sha256"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Accepted. You may take orders under it."))
        return redirect("agreement", pk)

    context: dict[str, Any] = {
        "agreement": found,
        "may_accept": organisation is not None and acceptance is None,
        "rows": [
            {"key": _("Authority"), "value": found.authority.name_here},
            {"key": _("Version"), "value": found.number},
            {"key": _("In force from"), "value": day(found.from_on)},
            {"key": _("Published"), "value": instant(found.published_at)},
            {"key": _("Fingerprint of the text (SHA-256)"), "value": found.sha256},
        ],
    }
    if acceptance is not None:
        context["rows"] += [
            {
                "key": pgettext("agreement", "Accepted"),
                "value": instant(acceptance.accepted_at),
            },
            {"key": _("By"), "value": acceptance.accepted_by.name},
        ]
    return answer_form(request, form, "providers/agreement.html", accept, context)


@login_required
@require_http_methods(["GET", "POST"])
def agreement_new(request: HttpRequest) -> HttpResponse:
    """Publish the next version of an authority's agreement."""
    person = signed_in(request)
    kept = {one.code: one for one in queries.agreements_kept_by(person)}
    if not kept:
        raise NotFound(what=request.path)
    form = AgreementForm(
        request.POST if request.method == "POST" else None,
        authorities=[(code, one.name) for code, one in kept.items()],
    )

    def publish() -> HttpResponse:
        given = form.cleaned_data
        published = actions.publish_agreement(
            authority=kept[given["authority"]],
            title=given["title"],
            title_zh=given["title_zh"],
            text=given["text"],
            text_zh=given["text_zh"],
            from_on=given["from_on"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Published. Providers are told."))
        return redirect("agreement", published.pk)

    context = {
        "title": _("Publish an agreement"),
        "caption": ", ".join(one.name for one in kept.values()),
        "back": reverse("agreements"),
        "submit": _("Publish"),
        "warning": _(
            "A version is never changed, only followed. From its day on, providers who have "
            "not accepted it take no new orders under your programmes."
        ),
    }
    return answer_form(request, form, "form_page.html", publish, context)
