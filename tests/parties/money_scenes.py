"""First steps towards money, each with the second step that asks for another person."""

from datetime import timedelta

from billing import actions as billing
from billing.models import BankResolution, CollectionProposal, Payment
from parties import actions as parties
from parties.queries import SamePerson
from parties.roles import Role
from tests import cast
from tests.billing import bank_scene, closing, fees, recovering, stage
from tests.parties.two_steps import Scene

_AFTER = cast.YEARS_END + timedelta(days=12)


def settled_target():
    scene = cast.a_target()
    cast.an_assessment(scene)
    bill = billing.claim_target(
        voucher=scene.voucher, actor=scene.seller.person, at=_AFTER, key="claim"
    )
    return Scene(
        scene.authority.admin,
        scene.authority.second_officer,
        scene.authority.organisation,
        Role.FINANCE,
        lambda account: stage.settle(bill, key="settle", actor=account, at=_AFTER),
    )


def decided_own_share():
    scene = cast.a_fee()
    fees.use(scene)
    person = cast.with_role(scene.applicant.person, scene.authority.organisation, Role.FINANCE)
    proof = fees.prove(scene, fees.claim(scene), actor=person)
    return Scene(
        scene.authority.admin,
        person,
        scene.authority.organisation,
        Role.FINANCE,
        lambda account: fees.decide(scene, proof, actor=account, key="decide"),
    )


def _billed():
    """A bill under an award that two people gave."""
    authority, applicant = cast.make_authority(), cast.an_sme()
    seller, scheme = cast.make_provider(authority), cast.make_programme(authority)
    voucher = cast.an_issued_voucher(scheme, applicant, fee_total="2000000.00")
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=8)
    return scene, stage.bill(scene, stage.a_line(hours=10))


def settled_bill(doer):
    scene, bill = _billed()

    def settle(account):
        return stage.settle(bill, key="settle", actor=account)

    return _in_finance(scene, doer(scene), settle)


def decided_line(doer):
    scene, bill = _billed()
    stage.settle(bill)

    def decide(account):
        return billing.decide_line(
            line=bill.lines.get(),
            accept=True,
            note="Looked at it",
            actor=account,
            at=stage.LATER,
            key="decide line",
        )

    return _in_finance(scene, doer(scene), decide)


def _in_finance(scene, first, step, refusal=SamePerson):
    authority = scene.authority
    return Scene(authority.admin, first, authority.organisation, Role.FINANCE, step, refusal)


def with_payable(above=None):
    """600.00 is due; batches above an amount are authorised by one more person."""
    authority, applicant = cast.make_authority(), cast.an_sme()
    text = cast.paying_text(authorise_above=above) if above else ""
    seller, scheme = cast.make_provider(authority), cast.make_programme(authority, text=text)
    scene = cast.Scene(
        authority, seller, scheme, applicant, cast.an_issued_voucher(scheme, applicant)
    )
    stage.an_own_account(scene.authority)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    stage.settle(stage.bill(scene))
    return scene


def approved_batch():
    scene = with_payable()
    batch = stage.prepare(scene)

    def approve(account):
        return billing.approve_batch(batch=batch, actor=account, at=stage.LATER, key="approve")

    return _in_finance(scene, scene.authority.finance[0], approve)


def approved_anew():
    """The list was authorised, sent back, and locked again."""
    scene, batch = _sent_back()

    def approve(account):
        return billing.approve_batch(batch=batch, actor=account, at=stage.LATER, key="approve")

    return _in_finance(scene, scene.authority.finance[2], approve)


def changed_batch(place):
    """The list was approved and authorised, and sent back."""
    scene, batch = _sent_back(is_locked=False)

    def lock(account):
        return billing.lock_batch(batch=batch, actor=account, at=stage.LATER, key="lock")

    return _in_finance(scene, scene.authority.finance[place], lock)


def _sent_back(*, is_locked=True):
    scene = with_payable(above="1")
    batch = stage.authorise(scene, stage.approve(scene, stage.prepare(scene)))
    batch = billing.send_back_batch(
        batch=batch,
        note="A party was forgotten",
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key="back",
    )
    return scene, stage.lock(scene, batch) if is_locked else batch


def authorised_batch(place):
    scene = with_payable(above="1")
    batch = stage.approve(scene, stage.prepare(scene))

    def authorise(account):
        return billing.authorise_batch(
            batch=batch, actor=account, at=stage.LATER, key="authorise"
        )

    return _in_finance(scene, scene.authority.finance[place], authorise)


def released_batch(place, above=None):
    scene = with_payable(above)
    batch = stage.approve(scene, stage.prepare(scene))
    if above:
        batch = stage.authorise(scene, batch)

    def release(account):
        return billing.release_batch(batch=batch, actor=account, at=stage.LATER, key="release")

    return _in_finance(scene, scene.authority.finance[place], release)


def second_resolved():
    scene, _batch = bank_scene.make()
    line = bank_scene.odd_line(scene)
    bank_scene.resolve(scene, line, BankResolution.Kind.THIS_PAYMENT, Payment.objects.get())

    def agree(account):
        return billing.second_resolution(
            line=line, note="So it is", actor=account, at=stage.LATER, key="agree"
        )

    return _in_finance(scene, scene.authority.finance[0], agree)


def closed_period():
    scene = with_payable()
    closing.propose(scene)

    def close(account):
        return closing.close(scene, actor=account, key="close")

    return _in_finance(scene, scene.authority.finance[1], close)


def decided_recovery():
    scene = recovering.a_scene()
    case = recovering.opened(scene, recovering.paid(scene)[1])

    def decide(account):
        return recovering.decided(scene, case, actor=account, key="decide")

    return _in_finance(scene, scene.authority.finance[0], decide)


def recorded_collection(kind):
    scene = recovering.a_scene()
    case = recovering.upheld(scene, recovering.paid(scene)[1])
    proposal = recovering.proposed(scene, case, CollectionProposal.Kind[kind], 200_00)

    def record(account):
        return recovering.recorded(scene, proposal, actor=account, key="record")

    return _in_finance(scene, scene.authority.finance[0], record)


def bank_detail_approved():
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)
    detail = proposed_bank_detail(applicant)

    def approve(account):
        return parties.approve_bank_detail(
            bank_detail=detail, actor=account, at=cast.NOON, key="approve"
        )

    where = authority.organisation
    return Scene(authority.admin, applicant.person, where, Role.FINANCE, approve)


def proposed_bank_detail(applicant):
    return parties.propose_bank_detail(
        organisation=applicant.organisation,
        scheme="IBAN",
        number="GB82 WEST 1234 5698 7654 32",
        agent="WESTGB2L",
        holder="Small Model Ltd",
        actor=applicant.person,
        at=cast.NOON,
        key=cast.a_key("propose"),
    )


def applicant_of(scene):
    return scene.applicant.person


def decider_of(scene):
    return scene.authority.officer


def issuer_of(scene):
    return scene.authority.second_officer


def biller_of(scene):
    return scene.seller.person
