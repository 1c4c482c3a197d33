"""A provider claims its fee, the holder proves its own share, and an officer says if it counts."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from billing.models import Bill, OwnShareDecision, OwnShareProof
from notices import actions as notices
from notices.models import Message
from tests import cast
from tests.billing import fees, stage
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db

CLAIM = {
    "invoice_number": "F-77",
    "amount_paid": "200,000.00",
    "fee_excluded": "0",
    "contract_from_on_day": "1",
    "contract_from_on_month": "3",
    "contract_from_on_year": "2025",
    "contract_until_on_day": "31",
    "contract_until_on_month": "12",
    "contract_until_on_year": "2025",
    "period_from_on_day": "1",
    "period_from_on_month": "6",
    "period_from_on_year": "2025",
    "period_until_on_day": "30",
    "period_until_on_month": "6",
    "period_until_on_year": "2025",
}
PROOF = {
    "amount": "100,000.00",
    "paid_on_day": "30",
    "paid_on_month": "6",
    "paid_on_year": "2025",
    "paid_to": "Acme <b>Compute</b>",
}


@pytest.fixture
def now(monkeypatch):
    """The clock of the doors: July, when June is claimed."""
    monkeypatch.setattr(timezone, "now", lambda: stage.LATER)
    return stage.LATER


@pytest.fixture
def scene(db):
    scene = cast.a_fee()
    fees.use(scene)
    return scene


@pytest.fixture
def claim(scene):
    return fees.claim(scene)


def document(text=b"Transfer 1\n", name="transfer.txt"):
    return SimpleUploadedFile(name, text)


def page(name, *args):
    return reverse(name, args=args)


def test_a_provider_finds_the_voucher_and_claims_its_fee(browser, scene):
    provider = browser(scene.seller.person)
    assert reverse("fees") in provider.get(reverse("bills")).content.decode()
    listed = provider.get(reverse("fees"))
    assert scene.voucher.code in words(listed)
    assert "¥100,000.00" in words(listed)

    answer = send(provider, page("fee_claim", scene.voucher.code), **CLAIM)

    bill = Bill.objects.get()
    assert answer.url == page("bill", bill.number)
    assert (bill.total, bill.payee) == (200_000_00, scene.seller.organisation)
    shown = words(provider.get(answer.url))
    assert "Own share not proven" in shown
    assert "¥100,000.00" in shown
    assert "Prove your own share" not in shown


def test_nobody_else_finds_the_claim_page(browser, scene):
    rival = cast.make_provider(scene.authority, "Another Compute").person
    for person in (scene.applicant.person, scene.authority.finance[0], rival):
        found = browser(person).get(page("fee_claim", scene.voucher.code))
        assert found.status_code == 404
    assert words(browser(rival).get(reverse("fees"))).count("Nothing to claim.") == 1
    assert reverse("fees") not in browser(rival).get(reverse("bills")).content.decode()


def test_the_vouchers_page_tells_its_holder_who_claims(browser, scene):
    shown = words(browser(scene.applicant.person).get(page("voucher", scene.voucher.code)))
    assert "The provider claims the rest here" in shown
    assert "Claim a fee you paid" not in shown


def test_the_holder_proves_once_and_the_page_says_what_waits(browser, scene, claim):
    holder, url = browser(scene.applicant.person), page("own_share_new", claim.number)
    assert url in holder.get(page("bill", claim.number)).content.decode()
    typed = {**PROOF, "key": key_on(holder.get(url))}
    for _twice in range(2):
        answer = holder.post(url, {**typed, "file": document()})
        assert answer.url == page("bill", claim.number)

    proof = OwnShareProof.objects.get()
    assert (proof.amount, str(proof.paid_on)) == (100_000_00, "2025-06-30")
    answer = holder.get(page("bill", claim.number))
    shown = words(answer)
    assert "<b>Compute</b>" not in answer.content.decode()
    assert "Waits for an officer ¥100,000.00" in shown
    assert "Not looked at yet" in shown
    kept = holder.get(page("own_share_file", claim.number, proof.pk))
    assert (kept.content, kept["Content-Type"]) == (b"Transfer 1\n", "application/octet-stream")


def test_what_can_not_be_read_is_told_and_nothing_is_kept(browser, scene, claim):
    holder, url = browser(scene.applicant.person), page("own_share_new", claim.number)
    wrong = send(holder, url, **{**PROOF, "amount": "much"}, file=document())
    assert "Enter an amount as a number" in words(wrong)
    late = send(holder, url, **{**PROOF, "paid_on_month": "8"}, file=document())
    assert "Check it against the bank's document." in words(late)
    program = send(holder, url, **PROOF, file=document(b"MZ\x00\x01", "transfer.exe"))
    assert "can't be taken" in words(program)
    assert OwnShareProof.objects.count() == 0


def test_an_officer_finds_it_in_the_queue_and_decides_once(browser, scene, claim):
    proof = fees.prove(scene, claim)
    finance = browser(scene.authority.finance[0])
    url = page("own_share_decide", claim.number, proof.pk)
    queue = words(finance.get(reverse("settle_queue")))
    assert "Waits for proof of the own share" in queue
    assert url in finance.get(page("work_queue", "own-shares")).content.decode()
    waiting = words(finance.get(page("work_queue", "to-settle")))
    assert "¥100,000.00; ¥0.00 are proven" in waiting

    shown = words(finance.get(url))
    assert "Own share of the holder ¥100,000.00" in shown
    typed = {"accept": "yes", "note": "As on the statement", "key": key_on(finance.get(url))}
    for _twice in range(2):
        assert finance.post(url, typed).url == page("bill", claim.number)

    assert OwnShareDecision.objects.get().is_proof
    assert "The holder has proven that it paid its own share." in words(
        finance.get(page("bill", claim.number))
    )
    assert "own-shares" not in words(finance.get(page("work_queue", "own-shares")))
    assert url not in finance.get(page("work_queue", "own-shares")).content.decode()


def test_the_holder_reads_why_a_proof_was_refused(browser, scene, claim):
    proof = fees.prove(scene, claim)
    finance = browser(scene.authority.finance[0])
    url = page("own_share_decide", claim.number, proof.pk)
    assert "Why" in words(send(finance, url, accept="no"))
    send(finance, url, accept="no", note="Another payee")
    shown = words(browser(scene.applicant.person).get(page("bill", claim.number)))
    assert "Not accepted Another payee" in shown
    assert "Prove your own share" in shown


def test_the_provider_sees_the_figures_and_no_document(browser, scene, claim):
    proof = fees.prove(scene, claim)
    provider = browser(scene.seller.person)
    shown = words(provider.get(page("bill", claim.number)))
    assert "Waits for an officer ¥100,000.00" in shown
    assert "transfer.txt" not in shown
    for name, args in (
        ("own_share_file", (claim.number, proof.pk)),
        ("own_share_new", (claim.number,)),
    ):
        assert provider.get(page(name, *args)).status_code == 404


def test_where_no_law_asks_there_is_nothing_to_prove(browser):
    scene = cast.a_fee(cast.cost_share_law(is_proven=False))
    fees.use(scene)
    bill = fees.claim(scene)
    holder = browser(scene.applicant.person)
    assert "Own share" not in words(holder.get(page("bill", bill.number)))
    assert holder.get(page("own_share_new", bill.number)).status_code == 404


def test_the_holder_is_asked_and_told_by_letter(scene, claim):
    notices.write_letters(at=stage.LATER)
    letters = Message.objects.filter(user=scene.applicant.person)
    asked = letters.get(path=page("own_share_new", claim.number))
    assert "¥100,000.00" in asked.body
    fees.decide(scene, fees.prove(scene, claim), accept=False)
    notices.write_letters(at=stage.LATER)
    told = letters.latest("pk")
    assert "Another payee" in told.body
    fees.proven(scene, claim, text="Transfer 2")
    notices.write_letters(at=stage.LATER)
    assert "accepted" in letters.latest("pk").subject
