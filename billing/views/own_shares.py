"""Own shares of claims: what is proven, a holder's proof, and an officer's word on it."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries, statuses
from billing.forms.own_shares import OwnShareDecisionForm, OwnShareForm
from billing.models import Bill, OwnShareProof
from billing.views.shown import figure, sentence_cell, table, tag
from common.downloads import file_answer
from common.errors import NotFound
from common.formatting import day, instant, money
from common.forms import answer_form
from parties.authentication import signed_in
from parties.models import User
from parties.queries import has_role, require_role
from parties.roles import Role

SETTLERS = (Role.FINANCE, Role.OFFICER)


def own_share_shown(person: User, found: Bill, now: datetime) -> dict[str, Any] | None:
    """Return a claim's own share with its proofs; None where no law asks for proof.

    The proofs are for the holder and who oversees the claim; the provider reads the figures.
    """
    own = queries.own_share_of(found, now)
    if own is None:
        return None
    may_decide = _may_decide(person, found)
    proofs = list(queries.own_share_proofs(found))
    may_read = queries.may_read_proofs(person, found)
    return {
        "rows": [
            {"key": _("Own share of the holder"), "value": money(own.due, found.unit)},
            {"key": _("Proven"), "value": money(own.proven, found.unit)},
            {"key": _("Waits for an officer"), "value": money(own.waiting, found.unit)},
        ],
        "is_proven": own.is_proven,
        "can_prove": _is_holder(person, found)
        and not own.is_proven
        and queries.may_be_proven(found),
        "list": _proofs_table(proofs, may_decide=may_decide) if may_read else None,
    }


def _proofs_table(proofs: list[OwnShareProof], *, may_decide: bool) -> Any:
    columns = [
        _("Day of the payment"),
        figure(_("Amount")),
        _("Who was paid"),
        _("File"),
        _("Given"),
        _("Status"),
        _("Why"),
    ]
    return table(
        _("Proofs"), columns, [_proof_row(one, may_decide=may_decide) for one in proofs]
    )


def _proof_row(one: OwnShareProof, *, may_decide: bool) -> list[Any]:
    number = one.bill.number
    decision = getattr(one, "decision", None)
    waits: Any = "–"
    if decision is None and may_decide:
        waits = {"text": _("Decide"), "url": reverse("own_share_decide", args=[number, one.pk])}
    return [
        day(one.paid_on),
        money(one.amount, one.bill.unit),
        one.paid_to,
        {"text": one.name, "url": reverse("own_share_file", args=[number, one.pk])},
        instant(one.given_at, one.bill.programme.zone),
        tag(_status(one)),
        sentence_cell(decision.note) if decision else waits,
    ]


def _status(one: OwnShareProof) -> Any:
    decision = getattr(one, "decision", None)
    if decision is None:
        return statuses.PROOF["WAITING"]
    return statuses.PROOF["ACCEPTED" if decision.is_proof else "REFUSED"]


def _is_holder(person: User, found: Bill) -> bool:
    voucher = queries.claimed_voucher(found)
    return voucher is not None and has_role(
        person, Role.APPLICANT, organisation=voucher.organisation
    )


def _may_decide(person: User, found: Bill) -> bool:
    overseen = queries.programmes_overseen(person, *SETTLERS)
    return overseen.filter(pk=found.programme_id).exists()


@login_required
@require_http_methods(["GET", "POST"])
def own_share_new(request: HttpRequest, number: str) -> HttpResponse:
    """Prove, as the holder, a payment of the own share of a claim."""
    person = signed_in(request)
    found = queries.bill_of(person, number)
    own = queries.own_share_of(found, timezone.now())
    if own is None or not _is_holder(person, found):
        raise NotFound(what=number)
    is_sent = request.method == "POST"
    form = OwnShareForm(
        request.POST if is_sent else None,
        request.FILES if is_sent else None,
        unit=found.unit,
        initial={"paid_to": found.provider.organisation.name_here},
    )

    def prove() -> HttpResponse:
        given = form.cleaned_data
        actions.prove_own_share(
            bill=found,
            amount=given["amount"],
            paid_on=given["paid_on"],
            paid_to=given["paid_to"],
            file=given["file"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request, _("We have your proof. It counts once an officer has accepted it.")
        )
        return redirect("bill", number)

    context = {
        "title": _("Prove your own share"),
        "caption": _("Claim %(number)s") % {"number": number},
        "back": reverse("bill", args=[number]),
        "submit": _("Send the proof"),
        "intro": _(
            "The programme pays its part once it is proven that you paid yours. Several payments "
            "add up: give one proof for each."
        ),
        "rows": [
            {"key": _("Your own share"), "value": money(own.due, found.unit)},
            {"key": _("Proven"), "value": money(own.proven, found.unit)},
            {"key": _("Waits for an officer"), "value": money(own.waiting, found.unit)},
        ],
    }
    return answer_form(request, form, "billing/own_share_new.html", prove, context)


@login_required
@require_http_methods(["GET", "POST"])
def own_share_decide(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Accept or refuse, as an officer, a proof of an own share, with a word why."""
    person = signed_in(request)
    require_role(person, *SETTLERS)
    proof = queries.own_share_proof_of(person, number, pk)
    found = proof.bill
    form = OwnShareDecisionForm(request.POST if request.method == "POST" else None)

    def decide() -> HttpResponse:
        accept = form.cleaned_data["accept"] == "yes"
        actions.decide_own_share(
            proof=proof,
            accept=accept,
            note=form.cleaned_data["note"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        said = _("accepted") if accept else _("not accepted")
        messages.success(request, _("The proof is %(said)s.") % {"said": said})
        return redirect("bill", number)

    context = {
        "title": _("Decide a proof of an own share"),
        "caption": _("Claim %(number)s") % {"number": number},
        "back": reverse("bill", args=[number]),
        "submit": _("Decide"),
        "rows": _proof_facts(proof, found),
    }
    return answer_form(request, form, "form_page.html", decide, context)


def _proof_facts(proof: OwnShareProof, found: Bill) -> list[dict[str, Any]]:
    own = queries.own_share_of(found, timezone.now())
    assert own is not None, "a proof is given where its law asks for it"
    return [
        {"key": _("Provider"), "value": found.provider.organisation.name_here},
        {"key": _("Own share of the holder"), "value": money(own.due, found.unit)},
        {"key": _("Proven"), "value": money(own.proven, found.unit)},
        {"key": _("Amount of this payment"), "value": money(proof.amount, found.unit)},
        {"key": _("Day of the payment"), "value": day(proof.paid_on)},
        {"key": _("Who was paid"), "value": proof.paid_to},
        {
            "key": _("The bank’s document"),
            "value": f"{proof.name}, {filesizeformat(proof.size)}",
            "url": reverse("own_share_file", args=[found.number, proof.pk]),
            "action": _("Download"),
        },
        {"key": "SHA-256", "value": proof.sha256},
    ]


@login_required
@require_GET
def own_share_file(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Give a proof's document as it came, to be saved and never shown here."""
    proof = queries.own_share_proof_of(signed_in(request), number, pk)
    return file_answer(proof.name, bytes(proof.content), "application/octet-stream")
