"""A provider's price list as a file: looked over row by row, then published in one act."""

from datetime import datetime
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

from common.days import day_of, start_of
from common.downloads import csv_answer
from common.formatting import instant, rate_words
from common.forms import answer_form
from common.languages import in_language
from parties.authentication import signed_in
from providers import actions, queries, statuses
from providers.actions import Becomes, PlannedPrice
from providers.forms import price_list as lists
from providers.forms.price_list import PriceListConfirmForm, PriceListForm, PriceListUnreadable
from providers.models import Provider
from providers.told import price_told
from providers.views.lists import bad_columns, form_of_step

SHOWN_MOST = 200
LISTS_SHOWN = 20


@require_GET
def prices_sample(request: HttpRequest) -> HttpResponse:
    """Give everybody a price list as it may look, with its columns in the language spoken."""
    known = {
        "sku": "编号",
        "title": "名称",
        "class": "型号",
        "rate": "单价",
        "currency": "币种",
    }
    header = [in_language(ours, name) for ours, name in known.items()]
    return csv_answer("price-list-sample.csv", header, lists.SAMPLE)


@login_required
@require_http_methods(["GET", "POST"])
def price_list(request: HttpRequest) -> HttpResponse:
    """Look over a price list, row by row, and publish its good rows in a second step."""
    person, now = signed_in(request), timezone.now()
    provider = queries.provider_of(person)
    newest = queries.offers_of(provider).first()
    initial = {"region": newest.region if newest else ""}
    form, is_confirmed = form_of_step(request, PriceListForm, PriceListConfirmForm, initial)

    def look_or_publish() -> HttpResponse:
        given = form.cleaned_data
        first = given["from_on"]
        # Today means now: its first instant has passed.
        from_at = start_of(first) if first and first != day_of(now) else None
        data = given["lines"].encode() if is_confirmed else given["file"].read()
        try:
            read = lists.read_price_list(data)
        except PriceListUnreadable as error:
            form.add_error(None, str(error))
            return render(request, "providers/price_list.html", {"form": form, **context})
        if not is_confirmed:
            planned = actions.plan_price_list(
                provider=provider, entries=read.entries, from_at=from_at, at=now
            )
            shown = _looked_over(read, planned, given)
            return render(request, "providers/list_check.html", {**context, **shown})
        done = actions.publish_price_list(
            provider=provider,
            entries=read.entries,
            region=given["region"],
            from_at=from_at,
            file_name=given["file_name"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(
            request,
            _("Published: %(offers)s new offers and %(prices)s new prices of offers.")
            % {"offers": f"{done.offers:,}", "prices": f"{done.prices:,}"},
        )
        return redirect("offers")

    context = {
        "title": _("Publish a price list"),
        "caption": provider.organisation.name_here,
        "back": reverse("offers"),
        "submit": _("Look it over"),
        **_earlier(provider),
    }
    return answer_form(request, form, "providers/price_list.html", look_or_publish, context)


def _earlier(provider: Provider) -> dict[str, Any]:
    found = queries.price_lists_of(provider)[:LISTS_SHOWN]
    return {
        "list_columns": [
            _("When"),
            _("By"),
            _("File"),
            {"label": _("New offers"), "numeric": True},
            {"label": _("New prices"), "numeric": True},
            {"label": _("Unchanged"), "numeric": True},
        ],
        "lists": [
            [
                instant(one.published_at),
                one.published_by.name,
                one.file_name,
                f"{one.offers:,}",
                f"{one.prices:,}",
                f"{one.unchanged:,}",
            ]
            for one in found
        ],
    }


def _looked_over(
    read: lists.PriceListRead, planned: list[PlannedPrice], given: dict[str, Any]
) -> dict[str, Any]:
    counts = {one: sum(row.becomes == one for row in planned) for one in Becomes}
    good = counts[Becomes.NEW_OFFER] + counts[Becomes.NEW_PRICE]
    refused = [row for row in planned if row.becomes == Becomes.REFUSED]
    initial = {
        "lines": lists.as_table(read.entries),
        "region": given["region"],
        "from_on": given["from_on"].isoformat() if given["from_on"] else "",
        "file_name": given["file"].name,
    }
    return {
        "here": reverse("price_list"),
        "was_look": _("This was a look: nothing is published yet."),
        "form": PriceListConfirmForm(initial=initial) if good else None,
        "submit": ngettext("Publish %(count)s price", "Publish %(count)s prices", good)
        % {"count": f"{good:,}"},
        "facts": _facts(counts, read, given["from_on"] and start_of(given["from_on"])),
        "bad_columns": bad_columns(),
        "bad": [
            *([str(one.row), one.column, one.value or "–", one.words] for one in read.problems),
            *(
                [str(one.entry.row), "", one.entry.sku, str(one.refusal or "")]
                for one in refused
            ),
        ][:SHOWN_MOST],
        "good_caption": _("What becomes of the other rows"),
        "good_empty": _("Not one row can be published. Correct them and look again."),
        "nothing_left": _("Every other row is so already; there is nothing to publish."),
        "good_columns": [
            {"label": _("Row"), "numeric": True},
            _("Offer"),
            _("Class"),
            {"label": _("Price by then"), "numeric": True},
            {"label": _("Price in the list"), "numeric": True},
            _("What becomes of it"),
        ],
        "good": [_row(one) for one in planned if one.becomes != Becomes.REFUSED][:SHOWN_MOST],
    }


def _facts(
    counts: dict[Becomes, int], read: lists.PriceListRead, from_at: datetime | None
) -> list[dict[str, Any]]:
    wrong = len({one.row for one in read.problems}) + counts[Becomes.REFUSED]
    return [
        {"key": _("From"), "value": instant(from_at) if from_at else _("Now")},
        {"key": _("New offers"), "value": f"{counts[Becomes.NEW_OFFER]:,}"},
        {"key": _("New prices of offers"), "value": f"{counts[Becomes.NEW_PRICE]:,}"},
        {"key": _("Unchanged"), "value": f"{counts[Becomes.UNCHANGED]:,}"},
        {"key": _("Rows to correct, left out"), "value": f"{wrong:,}"},
        {
            "key": _("Rows that price something else than GPU-hours"),
            "value": f"{read.others:,}",
        },
    ]


def _row(one: PlannedPrice) -> list[Any]:
    entry = one.entry
    offer = one.offer
    return [
        str(entry.row),
        str(offer) if offer is not None and offer.pk else f"{entry.sku} {entry.title}",
        entry.resource_class,
        price_told(one.before) if one.before else "–",
        rate_words(entry.rate, entry.currency),
        statuses.PRICE_LIST_ROW[one.becomes],
    ]
