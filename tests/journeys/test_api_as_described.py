"""The running portal answers as its description says, whatever it is asked (schemathesis)."""

import base64
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from billing.models import Bill
from providers.models import ApiCall
from tests import processes
from tests.billing import fees, stage
from tests.billing.own_invoices import fapiao
from tests.browser.stage import a_scheme
from tests.cast import (
    M3,
    Scene,
    a_fee,
    a_hold,
    an_issued_voucher,
    an_sme,
    make_authority,
    make_provider,
)
from tests.cast.orders import accepts_each
from tests.doors.programs import Program

pytestmark = pytest.mark.slow

DESCRIPTION = processes.ROOT / "docs" / "api" / "openapi.json"
NOW = datetime.now(UTC).replace(microsecond=0)
# A key that comes twice with other content is rightly refused.
RULES = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422"]
"""


def a_scene():
    """Return a voucher that can be redeemed today, and its provider."""
    authority = make_authority()
    scheme = a_scheme(authority, M3)
    applicant = an_sme()
    voucher = an_issued_voucher(scheme, applicant, at=NOW)
    return Scene(authority, make_provider(authority), scheme, applicant, voucher)


def real_things(scene, program):
    """Return what there is, by the operation that may name it; something is left to bill."""
    order = a_hold(scene.voucher, scene.applicant, scene.seller, hours="10", at=NOW)
    change, cancel, release = (an_order(scene, one) for one in ("change", "cancel", "release"))
    accepts_each(scene.seller, at=NOW)
    accept, decline = (an_order(scene, one) for one in ("accept", "decline"))
    assert program.post("usage", metered("job-1", order), key="u-1").json()["recorded"] == 1
    period = {
        "programme": scene.scheme.programme.code,
        "period_from": (NOW - timedelta(days=20)).isoformat(),
        "period_until": (NOW + timedelta(days=2)).isoformat(),
    }
    billed = program.post("bills", {**period, "invoice_number": "INV-1"}, key="b-1")
    assert billed.status_code == 201, billed.json()
    bill = Bill.objects.get(number=billed.json()["number"])
    stage.settle(bill, at=NOW)
    assert program.post("usage", metered("job-2", order), key="u-2").json()["recorded"] == 1
    code = scene.voucher.redemption_code
    fee = a_fee(seller=scene.seller)
    fees.use(fee)
    return {
        "path": {
            "code": order.code,
            "number": billed.json()["number"],
            "kind": "bill",
            "name": billed.json()["number"],
        },
        "paths": {
            "accept_order": {"code": accept.code},
            "decline_order": {"code": decline.code},
            "change_order": {"code": change.code},
            "cancel_order": {"code": cancel.code},
            "release_order": {"code": release.code},
            "download_bill_paper": {"position": 1, "form": "xml"},
        },
        "accept_order": {"hours": "10"},
        "change_order": {"hours": "5", "reason": "Half is enough."},
        "check_voucher": {"redemption_code": code},
        "redeem": {"redemption_code": code, "offer": scene.seller.offer.code, "hours": "0.5"},
        "report_usage": metered("job-3", order),
        # What was just reported, and is on no bill yet.
        "correct_usage": {
            "source": "cluster-1",
            "key": "job-3",
            "reason": "No.",
            "right": None,
        },
        "send_telemetry": {
            "source": "dcgm-a",
            "taken_at": NOW.isoformat(),
            "page": 'DCGM_FI_DEV_GPU_UTIL{UUID="GPU-1"} 97\n',
            "signed": None,
        },
        "send_bill": {**period, "lines": None},
        "send_claim": {"voucher": fee.voucher.code, "amount": 1_00, "fee_excluded": 1_00},
        "attach_bill_invoice": {"content": base64.b64encode(fapiao(bill)).decode()},
    }


def an_order(scene, reference):
    """Return an order of ten hours that one operation may end."""
    return a_hold(
        scene.voucher,
        scene.applicant,
        scene.seller,
        hours="10",
        provider_reference=reference,
        at=NOW,
    )


def metered(key, order):
    """Return six minutes of a GPU on an order, as a program reports them."""
    record = {
        "key": key,
        "account": order.code,
        "resource": "GPU",
        "resource_class": "H100",
        "count": "1",
        "started_at": NOW.isoformat(),
        "ended_at": (NOW + timedelta(minutes=6)).isoformat(),
    }
    return {"source": "cluster-1", "records": [record]}


def test_no_answer_is_outside_the_description_and_every_operation_is_done(
    committed_db, tmp_path
):
    scene = a_scene()
    program = Program(scene.seller)
    (tmp_path / "rules.toml").write_text(RULES)
    command = [
        Path(sys.executable).parent / "schemathesis",
        *("--config-file", tmp_path / "rules.toml", "run", DESCRIPTION),
        *("--header", f"Authorization: Bearer {program.secret}", "--seed", "1", "--no-shrink"),
        *("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "12"),
        *("--continue-on-failure", "--generation-allow-x00", "false", "--no-color"),
        *("--generation-database", "none"),
    ]
    told = {
        **os.environ,
        "PYTHONPATH": str(processes.ROOT),
        "SCHEMATHESIS_HOOKS": "tests.journeys.asked_as_described",
        "REAL_THINGS": json.dumps(real_things(scene, program)),
    }

    with processes.portal(
        committed_db.app_url, tmp_path, API_REQUESTS_A_MINUTE="1000000"
    ) as address:
        done = subprocess.run(
            [*command, "--url", address],
            cwd=tmp_path,
            env=told,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    noted = ApiCall.objects.filter(api_key=program.api_key)
    assert noted.filter(status__gte=500).count() == 0
    assert noted.count() > 300
    assert undone_operations(noted) == set()


def undone_operations(noted):
    """Return the described operations of which not one call succeeded."""
    undone = set()
    for path, methods in json.loads(DESCRIPTION.read_text())["paths"].items():
        for method in methods:
            called = noted.filter(
                method=method.upper(),
                path__regex=f"^{re.sub(r'{[^}]+}', '[^/]+', path)}$",
                status__lt=300,
            )
            if not called.exists():
                undone.add(f"{method} {path}")
    return undone
