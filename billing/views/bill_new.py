"""A new bill of a provider."""

from datetime import date, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing import actions
from billing.forms.pages import BillForm
from common.days import day_of, start_of
from common.forms import answer_form
from parties.authentication import signed_in
from providers.queries import provider_of
from vouchers.models import Programme


@login_required
@require_http_methods(["GET", "POST"])
def bill_new(request: HttpRequest) -> HttpResponse:
    """Send a bill for a month: everything metered, or the lines of a file."""
    person = signed_in(request)
    provider = provider_of(person)
    now = timezone.now()
    found = list(
        Programme.objects.filter(vouchers__orders__offer__provider=provider)
        .exclude(mode__in=Programme.AFTER_USE)
        .distinct()
        .order_by("code")
    )
    form = BillForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        programmes=[(one.code, one.title_here) for one in found],
        units={one.code: one.unit for one in found},
        today=day_of(now),
        initial={
            "programme": request.GET.get("programme")
            or (found[0].code if len(found) == 1 else ""),
            **({"month": request.GET["month"]} if "month" in request.GET else {}),
        },
    )

    def send() -> HttpResponse:
        given = form.cleaned_data
        programme = next(one for one in found if one.code == given["programme"])
        month = given["month"]
        bill = actions.submit_bill(
            provider=provider,
            programme=programme,
            invoice_number=given["invoice_number"],
            period_from=start_of(month, programme.zone),
            period_until=start_of(_next_month(month), programme.zone),
            lines=given["lines"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(
            request,
            _("We have bill %(number)s. You see here what becomes of each line.")
            % {"number": bill.number},
        )
        return redirect("bill", bill.number)

    context = {"name": provider.organisation.name_here, "has_programmes": bool(found)}
    return answer_form(request, form, "billing/bill_new.html", send, context)


def _next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)
