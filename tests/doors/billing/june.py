"""June's usage, bill, batch and bank statement, as its people make them."""

import io
import re
from datetime import UTC, date, datetime

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from python_calamine import load_workbook

from billing import actions as billing
from billing.bank import demo_bank
from billing.models import Batch, Bill, PaymentFile, UsageFile, UsageLine
from ledger.actions import SYSTEM
from tests.cast import M3, a_key
from tests.doors.pages import send

JULY = datetime(2025, 7, 2, tzinfo=UTC)
METER = """job_id,account,resource,class,count,start,end,state
1,{account},GPU,H100,8,2025-06-10T00:00:00Z,2025-06-11T00:00:00Z,COMPLETED
2,{account},GPU,H100,4,2025-06-12T06:00:00Z,2025-06-12T18:00:00Z,FAILED
"""
BAD_ROWS = (
    "3,R-NOBODY,GPU,H100,1,yesterday,2025-06-15 09:00:00,COMPLETED\n"
    "4,{account},GPU,H100,many,2025-06-14,x,COMPLETED\n"
)


def look_over(client, data, name="june.csv", **more):
    """Choose a usage file and upload it, and return the answer: it leads to what was found."""
    content = data.encode() if isinstance(data, str) else data
    return send(
        client,
        reverse("usage_upload"),
        **{"format": "AUTO", "source": "cluster-1", "resource": "ANY", **more},
        file=SimpleUploadedFile(name, content),
    )


def upload(client, data, act="record", **more):
    """Upload a usage file, and send its good lines as a provider does; `act` bill or record."""
    page = look_over(client, data, **more)
    assert page.status_code == 302, page.content.decode()
    shown = client.get(page.url)
    invoices = re.findall(r'name="(invoice_\d+)" value="([^"]+)"', shown.content.decode())
    return send(client, page.url, act=act, **dict(invoices))


def record(scene, order):
    """Record 240 GPU-hours of June."""
    return billing.record_usage_file(
        provider=scene.seller.provider,
        name="june.csv",
        format="csv",
        stream=io.BytesIO(METER.format(account=order.code).encode()),
        source="cluster-1",
        resource=None,
        is_dry_run=False,
        actor=scene.seller.person.address,
        at=JULY,
        key=a_key("usage"),
    )


def a_bill(scene, order, invoice="2025-06", lines=None):
    """Send a bill of June."""
    return billing.submit_bill(
        provider=scene.seller.provider,
        programme=scene.scheme.programme,
        invoice_number=invoice,
        period_from=datetime(2025, 5, 31, 16, tzinfo=UTC),
        period_until=datetime(2025, 6, 30, 16, tzinfo=UTC),
        lines=lines,
        actor=scene.seller.person,
        at=JULY,
        key=a_key("bill"),
    )


def settled(bill):
    billing.settle_bill(bill=bill, actor=SYSTEM, at=JULY, key=a_key("settle"))
    bill.refresh_from_db()
    return bill


def prepared(browser, scene):
    """Prepare a batch as the first finance officer."""
    address = reverse("batch_new") + f"?programme={M3}"
    send(browser(scene.authority.finance[0]), address, programme=M3)
    return Batch.objects.get()


def step(client, name, batch, **typed):
    """Open a step's page of a batch and send its form, with the list that it shows."""
    address = reverse(name, args=[batch.code])
    seen = re.search(r'name="seen" value="(\w+)"', client.get(address).content.decode())
    return send(client, address, **({"seen": seen[1]} if seen else {}), **typed)


def locked(browser, scene):
    """Prepare a batch and lock its list as the first finance officer."""
    batch = prepared(browser, scene)
    step(browser(scene.authority.finance[0]), "batch_lock", batch)
    return Batch.objects.get()


def released(browser, scene):
    """Take a batch through its three people."""
    batch = locked(browser, scene)
    step(browser(scene.authority.finance[1]), "batch_approve", batch)
    step(browser(scene.authority.finance[2]), "batch_release", batch)
    return Batch.objects.get()


def read(client, data, name="july.xml"):
    return send(client, reverse("statement_upload"), file=SimpleUploadedFile(name, data))


def statement_of(**said):
    return demo_bank.statement_for(
        bytes(PaymentFile.objects.get().content),
        statement_id="S1",
        created_at=JULY,
        booked_on=date(2025, 7, 2),
        **said,
    )


def rows_of(answer):
    """Return the rows of a downloaded workbook, its header first."""
    return load_workbook(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()


def nothing_moved():
    return not (
        UsageLine.objects.exists() or UsageFile.objects.exists() or Bill.objects.exists()
    )
