"""Short ways to claim a fee, and to prove the own share of it, on the cast's scenes of fees."""

from datetime import date

from billing import actions
from billing.models import Bill
from common.days import start_of
from common.files import checked_file
from tests import cast
from tests.billing import stage

PAID_ON = date(2025, 6, 30)


def use(scene, key="job-1", *, hours=8, gpus=1000, started=stage.START):
    """Let the meter show use; unless told otherwise 8,000 GPU-hours, 200,000.00 at 25.00."""
    job = stage.a_record(scene.voucher.code, key, hours=hours, gpus=gpus, started=started)
    assert stage.record(scene.seller, job).recorded == 1


def claim(scene, *, amount=cast.FEE, excluded=0, invoice="F-1", key=None, **more):
    """Claim a fee of June, as the provider unless told otherwise."""
    facts = {
        "voucher": scene.voucher,
        "provider": scene.seller.provider,
        "invoice_number": invoice,
        "amount_paid": amount,
        "fee_excluded": excluded,
        "contract_from_on": date(2025, 3, 1),
        "contract_until_on": date(2025, 12, 31),
        "period_from": start_of(date(2025, 6, 1), stage.ZONE),
        "period_until": start_of(date(2025, 7, 1), stage.ZONE),
        "actor": scene.seller.person,
        "at": stage.LATER,
        "key": key or cast.a_key("claim"),
    }
    return actions.submit_claim(**{**facts, **more})


def prove(scene, bill, amount=cast.FEE_AWARD, *, text="Transfer 1", key=None, **more):
    """Give a bank's document of a payment to the provider, as the holder."""
    facts = {
        "bill": bill,
        "amount": amount,
        "paid_on": PAID_ON,
        "paid_to": scene.seller.organisation.name,
        "file": checked_file("transfer.txt", f"{text}\n".encode()),
        "actor": scene.applicant.person,
        "at": stage.LATER,
        "key": key or cast.a_key("prove"),
    }
    return actions.prove_own_share(**{**facts, **more})


def decide(scene, proof, *, accept=True, key=None, **more):
    """Say, as a finance officer, whether a proof counts."""
    facts = {
        "proof": proof,
        "accept": accept,
        "note": "As on the statement" if accept else "Another payee",
        "actor": scene.authority.finance[0],
        "at": stage.LATER,
        "key": key or cast.a_key("decide proof"),
    }
    return actions.decide_own_share(**{**facts, **more})


def proven(scene, bill, amount=cast.FEE_AWARD, **more):
    """Let a payment of the own share be proven and accepted."""
    return decide(scene, prove(scene, bill, amount, **more))


def look(scene, bill, *, accept=True, key=None):
    """Accept or decline what is withheld of a claim, as a finance officer."""
    return actions.decide_line(
        line=bill.lines.get(),
        accept=accept,
        note="A look",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key=key or cast.a_key("look"),
    )


def agree(scene, bill):
    """Let the holder confirm the claim, so that nobody waits for it any more."""
    actions.confirm_lines(
        bill=bill,
        rows=None,
        actor=scene.applicant.person,
        at=stage.LATER,
        key=cast.a_key("confirm"),
    )
    return Bill.objects.get(pk=bill.pk)


def owed(scene):
    """Return what is owed to the provider and to the holder."""
    found = stage.nets(scene.scheme.programme)
    return tuple(
        found.get(f"{side}_payable:{one.organisation.code}", 0)
        for side, one in (("provider", scene.seller), ("beneficiary", scene.applicant))
    )
