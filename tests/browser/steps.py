"""The parts of a journey, each done by one person in a browser of their own.

Words of a page are never looked for where they may be translated: codes, amounts and addresses
tell what happened.
"""

import re
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from billing.bank import demo_bank
from billing.bank.xml import message_of, read_xml, schema_errors
from common.days import day_of
from tests.browser.stage import Stage
from tests.browser.visitor import Visitor
from tests.cast import Applicant, Scheme
from vouchers.models import Programme

REDEMPTION_CODE = re.compile(r"^\s*(?:[A-Z0-9]{4}-){3}[A-Z0-9]{4}\s*$")


def day(name: str, on: date) -> dict[str, str]:
    """Return a day as its three boxes."""
    return {
        f"{name}_day": str(on.day),
        f"{name}_month": str(on.month),
        f"{name}_year": str(on.year),
    }


def apply(visitor: Visitor, scheme: Scheme, applicant: Applicant, **more: str) -> str:
    """Answer the five tasks, the language switched on the way, and send; give the reference."""
    programme = scheme.programme
    visitor.sign_in(applicant.person)
    assert visitor.path == "/apply/"
    visitor.follow(f"/apply/{programme.code}/{scheme.round.code}/")
    visitor.send()
    reference = visitor.path.split("/")[2]
    visitor.follow("/tasks/organisation/")
    if programme.mode == "M5":
        visitor.answer(is_first_time="yes")
    visitor.send()
    project(visitor)
    visitor.send()
    visitor.answer(resource_class="H100", hours=more.pop("hours", "4,000"))
    if programme.mode == "M1":
        visitor.answer(provider_code=more.pop("provider_code"))
    visitor.send()
    today = datetime.now(UTC).date()
    names = (
        ("contract_from_on", "contract_until_on")
        if programme.mode == "M1"
        else ("start_on", "end_on")
    )
    visitor.answer(**day(names[0], today), **day(names[1], today + timedelta(days=60)))
    visitor.answer(other_public_money="no", **more)
    visitor.send()
    visitor.answer(declaration=True)
    visitor.send()
    assert visitor.path == f"/applications/{reference}/check/"
    assert "Reading old maps" in visitor.words
    visitor.send()
    assert visitor.path == f"/applications/{reference}/sent/"
    assert reference in visitor.words
    return reference


def project(visitor: Visitor) -> None:
    """Tell of the project; halfway the other language is wanted, and what was typed stays."""
    typed = {
        "project_title": "Reading old maps",
        "use_type": "TRAIN",
        "description": "Names of rivers",
    }
    visitor.answer(**typed)
    first = visitor.language
    assert visitor.switch_language() != first
    assert visitor.answered(*typed) == typed
    visitor.answer(description="Train a model that reads old maps.")
    assert visitor.switch_language() == first
    assert visitor.answered("description") == {
        "description": "Train a model that reads old maps."
    }
    assert not visitor.has_errors


def decide(visitor: Visitor, reference: str, awarded: str) -> str:
    """Approve an application as an officer, issue the voucher, and give its code."""
    visitor.open("/")
    assert visitor.path == "/queue/"
    visitor.follow(f"/applications/{reference}/decide/")
    visitor.answer(outcome="PASS")
    visitor.send()
    assert visitor.path == f"/applications/{reference}/issue/"
    assert awarded in visitor.words
    visitor.send()
    assert visitor.path.startswith("/vouchers/V-")
    return visitor.last


def hold(visitor: Visitor, voucher: str, stage: Stage, hours: str) -> str:
    """Place an order on the holder's page, the price seen first, and give its code."""
    visitor.open(f"/vouchers/{voucher}/")
    visitor.follow(f"/vouchers/{voucher}/orders/new/")
    visitor.answer(offer=stage.seller.offer.code, hours=hours)
    visitor.send('main form[method="get"] button')
    visitor.send('main form[method="post"] button')
    assert visitor.path.startswith("/orders/")
    return visitor.last


def redemption_code_of(visitor: Visitor) -> str:
    """Return the code that the page of a voucher leads its holder to."""
    visitor.follow("/code/")
    return visitor.page.get_by_text(REDEMPTION_CODE).first.inner_text()


def redeem(visitor: Visitor, code: str, stage: Stage, hours: str, reference: str) -> str:
    """Redeem a holder's code on the provider's page, and give the order's code."""
    visitor.open("/redeem/")
    visitor.answer(
        redemption_code=code.lower(),
        offer=stage.seller.offer.code,
        hours=hours,
        provider_reference=reference,
    )
    visitor.send()
    visitor.send('main form button[value="confirm"]')
    assert visitor.path.startswith("/orders/")
    return visitor.last


def meter(visitor: Visitor, name: str, *rows: str) -> str:
    """Upload a file of usage; all its rows are recorded."""
    header = "job_id,voucher,resource,class,count,start,end,state"
    content = "\n".join([header, *rows]) + "\n"
    visitor.open("/usage/")
    visitor.follow("/usage/new/")
    file = {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": content.encode()}
    visitor.answer(source="cluster-a", file=file)
    visitor.send()
    assert visitor.path.startswith("/usage/checks/")
    visitor.send('main form button[value="record"]')
    assert visitor.path.startswith("/usage/files/")
    figures = visitor.page.locator(".app-figure__value").all_inner_texts()
    assert figures == [str(len(rows)), str(len(rows)), "0", "0", "0"]
    return visitor.last


def a_job(name: str, account: str, gpus: int) -> str:
    """Return a row of six minutes that begin now: a tenth of an hour of each GPU."""
    start = datetime.now(UTC).replace(second=0, microsecond=0)
    end = start + timedelta(minutes=6)
    return f"{name},{account},GPU,H100,{gpus},{start:%Y-%m-%dT%H:%M:%SZ},{end:%Y-%m-%dT%H:%M:%SZ},COMPLETED"


def bill(visitor: Visitor, programme: Programme, invoice: str) -> str:
    """Bill everything metered this month, and give the bill's number."""
    month = day_of(timezone.now(), programme.zone)
    visitor.open("/bills/")
    visitor.follow("/bills/new/")
    visitor.answer(programme=programme.code, month=f"{month:%Y-%m}", invoice_number=invoice)
    visitor.send()
    assert visitor.path.startswith("/bills/BL-")
    return visitor.last


def settle(visitor: Visitor, number: str) -> None:
    """Settle a bill as finance, from the list of what waits."""
    visitor.open("/")
    assert visitor.path == "/settlement/"
    visitor.follow(f"/bills/{number}/")
    visitor.send_to(f"/bills/{number}/settle/")
    assert visitor.path == f"/bills/{number}/"
    assert not visitor.has_errors


def pay(come, language: str, finance: Visitor, stage: Stage, programme: Programme) -> str:
    """Prepare, approve and release a batch as three people, and let the bank confirm it."""
    finance.open("/batches/")
    finance.follow(f"?programme={programme.code}&payer={programme.authority.code}")
    finance.send()
    assert finance.path.startswith("/batches/B-")
    batch = finance.path
    finance.send_to(f"{batch}lock/")
    # Who prepared it is offered no further step.
    assert finance.page.locator("main form").count() == 0
    for person, step in zip(stage.authority.finance[1:], ("approve", "release"), strict=True):
        other = come(person, language=language)
        other.open(batch)
        if other.page.locator(f'main a[href="{batch}{step}/"]').count():
            # The same work was paid in the other language: that asks for a word.
            other.follow(f"{batch}{step}/")
            other.answer(reason_1="The same work, told in another language")
            other.send()
        else:
            other.send_to(f"{batch}{step}/")
        assert other.path == batch
    file = other.fetch(f"{batch}file/")
    root = read_xml(file)
    assert message_of(root) == "pain.001.001.09"
    assert schema_errors(root, message_of(root)) == []
    now = timezone.now()
    statement = demo_bank.statement_for(
        file, statement_id=batch.split("/")[2][:30], created_at=now, booked_on=now.date()
    )
    finance.open("/statements/")
    finance.follow("/statements/new/")
    upload = {"name": "day.xml", "mimeType": "application/xml", "buffer": statement}
    finance.answer(file=upload)
    finance.send()
    assert finance.path.startswith("/statements/")
    figures = finance.page.locator(".app-figure__value").all_inner_texts()
    assert figures == ["1", "0", "0", "0"]
    return batch
