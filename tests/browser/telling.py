"""What pages and letters say, and who reads them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core import mail
from django.utils import translation
from django.utils.translation import gettext

from billing import actions as billing
from billing.models import Bill
from common.formatting import day_text
from notices import actions as notices
from parties.models import User
from parties.roles import OrganisationKind
from tests import cast
from tests.billing import stage as billing_stage
from tests.browser.history import now
from tests.browser.stage import Stage
from tests.browser.visitor import Visitor
from tests.cast import Applicant
from vouchers.models import Order

TODAY = datetime.now(UTC).date()
UNTIL = TODAY + timedelta(days=60)


def a_bill_of(stage: Stage, order: Order) -> Bill:
    """Return the provider's bill of one hour that was used under an order just now."""
    started = now() - timedelta(hours=2)
    record = billing_stage.a_record(order.code, order.code, hours=1, started=started)
    billing_stage.record(stage.seller, record, at=now())
    line = billing_stage.a_line(order.code, hours=1)
    return billing.submit_bill(
        provider=stage.seller.provider,
        programme=stage.m3.programme,
        invoice_number=f"INV-{order.code}",
        period_from=now() - timedelta(days=2),
        period_until=now() - timedelta(minutes=1),
        lines=[line],
        actor=stage.seller.person.address,
        at=now(),
        key=cast.a_key("bill"),
    )


def a_firm(name: str, **more: Any) -> Applicant:
    """Return a firm of whom the registers of conduct say today that they know nothing bad."""
    firm = cast.an_sme(name, **more)
    cast.told(firm.organisation, at=now(), conduct={"findings": []})
    return firm


def told(visitor: Visitor) -> list[str]:
    """Return the values of all rows of facts on a page."""
    return visitor.page.locator("main .govuk-summary-list__value").all_inner_texts()


def answers_of(
    firm: Applicant, language: str, *, email: str = "", milestone: str = ""
) -> list[str]:
    """Return what a confirmation tells of who applied and what was answered, row by row."""
    organisation = firm.organisation
    with translation.override(language):
        return [
            organisation.name,
            organisation.identifier,
            str(OrganisationKind.SME.label),
            "CN-4501",
            "40",
            firm.person.name,
            email or firm.person.email,
            "Reading old maps",
            gettext("Train a model"),
            "Train a model that reads old maps.",
            milestone or gettext("Not provided"),
            "H100",
            "4,000",
            gettext("Not provided"),
            day_text(TODAY),
            day_text(UNTIL),
            "¥100,000.00",
            gettext("No"),
            gettext("Yes"),
        ]


def in_words(language: str, say: Callable[[Any], str], what: Any) -> str:
    """Return something as the portal says it in a language."""
    with translation.override(language):
        return say(what)


def link_in_mail_to(person: User) -> str:
    """Write and e-mail all letters, and return the path of the link in a person's newest."""
    at = now()
    notices.write_letters(at=at)
    while notices.send_messages(at=at):
        pass
    newest = [one for one in mail.outbox if one.to == [person.email]][-1]
    links = re.findall(r"https?://\S+", str(newest.body))
    return urlsplit(links[-1]).path
