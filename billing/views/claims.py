"""Fees claimed after use, by a holder or a provider, and a holder's objection to a line."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import actions, queries
from billing.forms.claims import ClaimForm, FeeClaimForm
from billing.forms.pages import NoteForm
from billing.views.shown import figure, page_of, query_of, table
from common.days import end_of, start_of
from common.formatting import gpu_hours, money
from common.forms import answer_form
from parties.authentication import signed_in
from parties.queries import require_role
from parties.roles import Role
from providers.models import Provider
from providers.queries import provider_by_code, provider_of, providers_accredited
from vouchers.models import Voucher
from vouchers.queries import voucher_balance, voucher_balances, voucher_of


@login_required
@require_http_methods(["GET", "POST"])
def claim_new(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for the programme's part of a fee that was paid to a provider."""
    person = signed_in(request)
    voucher = voucher_of(person, code)
    require_role(person, Role.APPLICANT, organisation=voucher.organisation)
    answers = voucher.award.application.answers
    form = ClaimForm(
        request.POST if request.method == "POST" else None,
        providers=[
            (one.organisation.code, one.organisation.name_here)
            for one in providers_accredited(timezone.now())
        ],
        unit=voucher.unit,
        initial={
            "provider": answers.get("provider_code", ""),
            "contract_from_on": answers.get("contract_from_on"),
            "contract_until_on": answers.get("contract_until_on"),
        },
    )

    def send() -> HttpResponse:
        provider = provider_by_code(form.cleaned_data["provider"])
        assert provider is not None, "the choices are providers"
        return _sent(request, form, voucher, provider)

    balance = voucher_balance(voucher)
    context = {
        "title": _("Claim a fee that you paid"),
        "caption": _("Voucher %(code)s, %(programme)s")
        % {"code": voucher.code, "programme": voucher.programme.title_here},
        "back": reverse("voucher", args=[voucher.code]),
        "submit": _("Send the claim"),
        "intro": _(
            "The programme pays its share of what you paid for compute, up to what the "
            "voucher still has, and only for use that the provider has metered."
        ),
        "rows": [{"key": _("The voucher has"), "value": money(balance.free, voucher.unit)}],
    }
    return answer_form(request, form, "form_page.html", send, context)


@login_required
@require_GET
def fees(request: HttpRequest) -> HttpResponse:
    """List the vouchers whose fee a provider may claim: its law pays it, and it metered use."""
    provider = provider_of(signed_in(request))
    found = queries.vouchers_to_claim(provider).select_related("programme", "organisation")
    page = page_of(request, found)
    shown = list(page)
    balances = voucher_balances(shown)
    context = {
        "page": page,
        "query": query_of(request),
        "list": table(
            _("Vouchers that you may claim on"),
            [_("Voucher"), _("Holder"), _("Programme"), figure(_("The voucher has"))],
            [
                [
                    {"text": one.code, "url": reverse("fee_claim", args=[one.code])},
                    one.organisation.name_here,
                    one.programme.title_here,
                    money(balances[one.code].free, one.unit),
                ]
                for one in shown
            ],
        ),
    }
    return render(request, "billing/fees.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def fee_claim(request: HttpRequest, code: str) -> HttpResponse:
    """Ask, as a provider, for the programme's share of a fee, where the law pays the provider."""
    person = signed_in(request)
    provider = provider_of(person)
    voucher = queries.voucher_to_claim(provider, code)
    form = FeeClaimForm(request.POST if request.method == "POST" else None, unit=voucher.unit)

    def send() -> HttpResponse:
        return _sent(request, form, voucher, provider)

    balance = voucher_balance(voucher)
    context = {
        "title": _("Claim a programme’s share of a fee"),
        "caption": _("Voucher %(code)s, %(programme)s")
        % {"code": voucher.code, "programme": voucher.programme.title_here},
        "back": reverse("fees"),
        "submit": _("Send the claim"),
        "intro": _(
            "The programme pays you its share of your fee for compute, up to what the voucher "
            "still has, and only for use that you have metered. The holder owes you the rest, and "
            "says whether the claim is right."
        ),
        "rows": [
            {"key": _("Holder"), "value": voucher.organisation.name_here},
            {"key": _("The voucher has"), "value": money(balance.free, voucher.unit)},
        ],
    }
    return answer_form(request, form, "form_page.html", send, context)


@login_required
@require_http_methods(["GET", "POST"])
def line_object(request: HttpRequest, number: str, row: int) -> HttpResponse:
    """Dispute a line before its bill is settled."""
    person = signed_in(request)
    line = queries.line_of(person, number, row)
    form = NoteForm(request.POST if request.method == "POST" else None)

    def object_to() -> HttpResponse:
        actions.object_to_line(
            line=line,
            note=form.cleaned_data["note"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request, _("We have your objection. The line is withheld until somebody looked.")
        )
        return redirect("bill", number)

    context = {
        "title": _("Object to a line"),
        "caption": _("Bill %(number)s, line %(row)s") % {"number": number, "row": row},
        "back": reverse("bill", args=[number]),
        "submit": _("Send the objection"),
        "intro": _("The line will be withheld, and an officer looks at it."),
        "rows": [
            {"key": _("Usage"), "value": f"{line.source}/{line.key}"},
            {"key": _("Hours"), "value": gpu_hours(line.quantity_ms)},
            {"key": _("Amount"), "value": money(line.amount, line.bill.unit)},
        ],
    }
    return answer_form(request, form, "form_page.html", object_to, context)


def _sent(
    request: HttpRequest, form: ClaimForm | FeeClaimForm, voucher: Voucher, provider: Provider
) -> HttpResponse:
    """Send the claim that a form holds, and answer with its page."""
    given, zone = form.cleaned_data, voucher.programme.zone
    bill = actions.submit_claim(
        voucher=voucher,
        provider=provider,
        invoice_number=given["invoice_number"],
        amount_paid=given["amount_paid"],
        fee_excluded=given["fee_excluded"],
        contract_from_on=given["contract_from_on"],
        contract_until_on=given["contract_until_on"],
        period_from=start_of(given["period_from_on"], zone),
        period_until=end_of(given["period_until_on"], zone),
        actor=signed_in(request),
        at=timezone.now(),
        key=form.act_key,
    )
    messages.success(
        request,
        _("We have claim %(number)s. You see here what becomes of it.")
        % {"number": bill.number},
    )
    return redirect("bill", bill.number)
