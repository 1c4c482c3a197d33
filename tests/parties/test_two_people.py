"""Wherever two people are asked for, one person with two accounts or two memberships is one.

Each scene does the first step under one account, and then asks for the second under another
account of the same person, or under the same account in another membership.
"""

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from billing import actions as billing
from billing.models import Batch
from common.errors import Refused
from ledger.kinds import ActKind
from parties import actions as parties
from parties.models import BankDetail, Organisation, User
from parties.queries import SamePerson
from parties.roles import OrganisationKind, Role
from policy import duties
from safeguards import actions as safeguards
from tests import cast
from tests.billing import stage
from tests.cast.committee import assigned, law, reviewed
from tests.ledger.book import at_once
from vouchers import actions as vouchers
from vouchers.models import PolicyRelease, Voucher
from vouchers.queries import has_conflict
from vouchers.queries.issuing import issue_preview

_AFTER = cast.YEARS_END + timedelta(days=12)
OURS = ("parties", "ledger", "safeguards", "providers", "vouchers", "billing", "scoring")


def world():
    """Return every row of every table: a step that is refused leaves all of them as they were."""
    return {
        model._meta.label: [
            tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
            for row in model._default_manager.order_by("pk").values_list()
        ]
        for app in OURS
        for model in apps.get_app_config(app).get_models()
        if model._meta.managed
    }


@dataclass(frozen=True)
class Scene:
    """Who did the first step, where the second needs which role, and how it is asked for."""

    admin: User
    first: User
    where: Organisation
    role: Role
    second: Any  # (account) -> what the second step answers
    refusal: type[Refused] = SamePerson


def _released_policy():
    authority = cast.make_authority()
    programme = vouchers.create_programme(
        code=cast.M3,
        title="A programme",
        title_zh="",
        authority=authority.organisation,
        text=cast.policy_text(cast.M3),
        actor=authority.officer,
        at=cast.NOON,
        key="programme",
    )

    def release(account):
        return vouchers.release_policy(
            version=programme.policy_versions.get(),
            effective_from_on=cast.TODAY,
            actor=account,
            at=cast.NOON,
            key="release",
        )

    where = authority.organisation
    return Scene(authority.admin, authority.officer, where, Role.OFFICER, release)


def _decision(first=None):
    authority, applicant = cast.make_authority(), cast.an_sme()
    scheme = cast.make_programme(authority)
    sent = cast.a_sent_application(scheme, applicant, fee_total="2000000.00")

    def decide(account):
        return vouchers.decide_application(
            application=sent,
            outcome="PASS",
            awarded=None,
            note="",
            actor=account,
            at=cast.NOON,
            key="decide",
        )

    where = authority.organisation
    return Scene(authority.admin, applicant.person, where, Role.OFFICER, decide)


def _undone_decision():
    authority, applicant = cast.make_authority(), cast.an_sme()
    scheme = cast.make_programme(authority)
    decision = cast.an_approved_application(scheme, applicant)

    def undo(account):
        return vouchers.undo_decision(
            decision=decision, note="A mistake", actor=account, at=cast.NOON, key="undo"
        )

    where = authority.organisation
    return Scene(authority.admin, applicant.person, where, Role.OFFICER, undo)


def _large_award(by_sender):
    """An award that needs two people: 60 % of 2,000,000.00, above what one officer may give."""
    authority, applicant = cast.make_authority(), cast.an_sme()
    scheme = cast.make_programme(authority)
    decision = cast.an_approved_application(scheme, applicant, fee_total="2000000.00")

    def issue(account):
        return vouchers.issue_voucher(
            decision=decision, actor=account, at=cast.NOON, key="issue"
        )

    first = applicant.person if by_sender else authority.officer
    return Scene(authority.admin, first, authority.organisation, Role.OFFICER, issue)


def _committee():
    """An award that four people must stand for, confirmed by one of them."""
    authority, applicant = cast.make_authority(), cast.an_sme()
    text = cast.policy_text(cast.M3).replace(
        'name = "TWO_OFFICERS"\npeople = 2', 'name = "COMMITTEE"\npeople = 4'
    )
    scheme = cast.make_programme(authority, text=text)
    decision = cast.an_approved_application(scheme, applicant, fee_total="2000000.00")
    confirmer = cast.with_role(cast.a_person("Opal"), authority.organisation, Role.OFFICER)
    _confirm(decision, confirmer, "first")
    return authority, applicant, decision, confirmer


def _confirm(decision, account, key):
    return vouchers.confirm_decision(decision=decision, actor=account, at=cast.NOON, key=key)


def _second_confirmation():
    authority, _applicant, decision, confirmer = _committee()
    where = authority.organisation
    return Scene(
        authority.admin,
        confirmer,
        where,
        Role.OFFICER,
        lambda account: _confirm(decision, account, "second"),
    )


def _review():
    authority, applicant = cast.make_authority(), cast.an_sme()
    scheme = cast.make_programme(
        authority, text=law(reviewed().replace("blind = true", "blind = false"))
    )
    sent = cast.a_sent_application(scheme, applicant)

    def review(account):
        if not has_conflict(account, sent):
            assigned(sent, account, authority)
        return vouchers.submit_review(
            application=sent,
            points={"MERIT": 8, "PLAN": 4},
            comment="Clear.",
            actor=account,
            at=cast.NOON,
            key="review",
        )

    where = authority.organisation
    return Scene(authority.admin, applicant.person, where, Role.OFFICER, review)


def _judged_appeal(who):
    authority, applicant, decision, confirmer = _committee()
    appeal = vouchers.appeal_decision(
        decision=decision,
        grounds="It should be more.",
        actor=applicant.person,
        at=cast.NOON,
        key="appeal",
    )

    def judge(account):
        return vouchers.decide_appeal(
            appeal=appeal,
            outcome="DISMISSED",
            note="It is what the law gives.",
            actor=account,
            at=cast.NOON,
            key="judge",
        )

    first = {"sender": applicant.person, "decider": authority.officer, "confirmer": confirmer}
    return Scene(authority.admin, first[who], authority.organisation, Role.OFFICER, judge)


def _assessed(by_sender):
    scene = cast.a_target()
    where = scene.authority.organisation
    first = scene.applicant.person if by_sender else scene.authority.officer
    return Scene(
        scene.authority.admin,
        first,
        where,
        Role.OFFICER,
        lambda account: cast.an_assessment(scene, actor=account, key="assess"),
    )


def _settled_target():
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


def _billed():
    """A bill under an award that two people gave."""
    authority, applicant = cast.make_authority(), cast.an_sme()
    seller, scheme = cast.make_provider(authority), cast.make_programme(authority)
    voucher = cast.an_issued_voucher(scheme, applicant, fee_total="2000000.00")
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=8)
    return scene, stage.bill(scene, stage.a_line(hours=10))


def _settled_bill(doer):
    scene, bill = _billed()

    def settle(account):
        return stage.settle(bill, key="settle", actor=account)

    return _in_finance(scene, doer(scene), settle)


def _decided_line(doer):
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


def _due():
    scene = cast.make_scene()
    stage.an_own_account(scene.authority)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=40)
    stage.settle(stage.bill(scene))
    return scene


def _approved_batch():
    scene = _due()
    batch = stage.prepare(scene)

    def approve(account):
        return billing.approve_batch(batch=batch, actor=account, at=stage.LATER, key="approve")

    return _in_finance(scene, scene.authority.finance[0], approve)


def _released_batch(place):
    scene = _due()
    batch = stage.approve(scene, stage.prepare(scene))

    def release(account):
        return billing.release_batch(batch=batch, actor=account, at=stage.LATER, key="release")

    return _in_finance(scene, scene.authority.finance[place], release)


def _bank_detail():
    authority = cast.make_authority()
    applicant = cast.a_payee(authority)
    detail = _proposed(applicant)

    def approve(account):
        return parties.approve_bank_detail(
            bank_detail=detail, actor=account, at=cast.NOON, key="approve"
        )

    where = authority.organisation
    return Scene(authority.admin, applicant.person, where, Role.FINANCE, approve)


def _proposed(applicant):
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


def _rule():
    authority = cast.make_authority()
    second_admin = cast.with_role(cast.a_person(), authority.organisation, Role.ADMIN)

    def release(account):
        return safeguards.release_rule(
            code="billed_above_meter",
            parameters={"tolerance_ms": "1"},
            from_at=cast.NOON,
            proposed_by=authority.officer,
            actor=account,
            at=cast.NOON,
            key="rule",
        )

    return Scene(
        second_admin,
        authority.officer,
        authority.organisation,
        Role.ADMIN,
        release,
        safeguards.RuleNeedsSecondPerson,
    )


def applicant_of(scene):
    return scene.applicant.person


def decider_of(scene):
    return scene.authority.officer


def issuer_of(scene):
    return scene.authority.second_officer


def biller_of(scene):
    return scene.seller.person


# Each pair of `policy.duties`, with the scenes that ask for its second step.
def _accreditation():
    authority, (organisation, person) = cast.make_authority(), cast.a_newcomer()
    application = cast.an_accreditation_application(authority, organisation, person)

    def decide(account):
        return cast.a_decided_accreditation(application, account, key="decide")

    return Scene(authority.admin, person, authority.organisation, Role.OFFICER, decide)


SCENES = {
    ("release_policy", "propose_policy"): [_released_policy],
    ("decide_application", "submit_application"): [_decision],
    ("confirm_decision", "submit_application"): [lambda: _large_award(True)],
    ("confirm_decision", "decide_application"): [lambda: _large_award(False)],
    ("confirm_decision", "confirm_decision"): [_second_confirmation],
    ("submit_review", "submit_application"): [_review],
    ("decide_appeal", "submit_application"): [lambda: _judged_appeal("sender")],
    ("decide_appeal", "decide_application"): [lambda: _judged_appeal("decider")],
    ("decide_appeal", "confirm_decision"): [lambda: _judged_appeal("confirmer")],
    ("undo_decision", "submit_application"): [_undone_decision],
    ("settle_bill", "submit_application"): [
        lambda: _settled_bill(applicant_of),
        lambda: _decided_line(applicant_of),
    ],
    ("settle_bill", "decide_application"): [
        lambda: _settled_bill(decider_of),
        lambda: _decided_line(decider_of),
    ],
    ("settle_bill", "confirm_decision"): [
        lambda: _settled_bill(issuer_of),
        lambda: _decided_line(issuer_of),
    ],
    ("record_assessment", "submit_application"): [lambda: _assessed(True)],
    ("record_assessment", "decide_application"): [lambda: _assessed(False)],
    ("settle_bill", "record_assessment"): [_settled_target],
    ("settle_bill", "submit_bill"): [
        lambda: _settled_bill(biller_of),
        lambda: _decided_line(biller_of),
    ],
    ("approve_batch", "prepare_batch"): [_approved_batch],
    ("release_batch", "prepare_batch"): [lambda: _released_batch(0)],
    ("release_batch", "approve_batch"): [lambda: _released_batch(1)],
    ("approve_bank_detail", "propose_bank_detail"): [_bank_detail],
    ("decide_accreditation", "apply_for_accreditation"): [_accreditation],
    ("release_rule", "propose_rule"): [_rule],
}
# Duties that are written down before there is an action that does them.
NOT_DONE_YET = {"approve_write_off", "approve_suspension", "decide_case"}
ALL = [
    pytest.param(scene, id=f"{later} after {before} {number}")
    for (later, before), scenes in SCENES.items()
    for number, scene in enumerate(scenes)
]


def test_no_pair_of_duties_is_forgotten():
    pairs = {(later, before) for later, befores in duties.APART.items() for before in befores}

    assert {pair for pair in pairs if pair[0] not in NOT_DONE_YET} == set(SCENES)
    # Whoever writes the action takes it out of the list, and stages its scene.
    assert not NOT_DONE_YET & {kind.value for kind in ActKind}


def a_new_account_in_the_same_mailbox(scene):
    return cast.with_role(cast.another_account(scene.first), scene.where, scene.role)


def an_account_joined_after_the_first_step(scene):
    account = cast.with_role(cast.a_person("Another Name"), scene.where, scene.role)
    parties.join_accounts(
        user=scene.first,
        other=account,
        reason="One identity card",
        actor=scene.admin,
        at=cast.NOON,
        key="join",
    )
    return account


def the_same_account_in_two_organisations(scene):
    elsewhere = cast.an_organisation(OrganisationKind.AUTHORITY, "Another Bureau")
    cast.with_role(scene.first, elsewhere, scene.role)
    if not scene.first.memberships.filter(organisation=scene.where, role=scene.role).exists():
        cast.with_role(scene.first, scene.where, scene.role)
    return scene.first


@pytest.mark.django_db
@pytest.mark.parametrize("scene", ALL)
@pytest.mark.parametrize(
    "other",
    [
        a_new_account_in_the_same_mailbox,
        an_account_joined_after_the_first_step,
        the_same_account_in_two_organisations,
    ],
)
def test_one_person_does_not_do_both_steps(scene, other):
    found = scene()
    account = other(found)
    before = world()

    with pytest.raises(found.refusal):
        found.second(account)

    assert world() == before


@pytest.mark.django_db
@pytest.mark.parametrize("scene", ALL)
def test_another_person_of_the_same_role_does(scene):
    found = scene()
    another = cast.with_role(cast.a_person("Somebody Else"), found.where, found.role)

    assert found.second(another) is not None


@pytest.mark.django_db
def test_who_issues_an_award_of_one_person_may_settle_under_it():
    scene = cast.make_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=8)

    assert stage.settle(stage.bill(scene), actor=scene.authority.second_officer)


@pytest.mark.django_db
@pytest.mark.parametrize("scene", ALL)
def test_asked_twice_the_answer_stands_though_the_accounts_were_joined_since(scene):
    found = scene()
    another = cast.with_role(cast.a_person("Somebody Else"), found.where, found.role)
    first = found.second(another)
    parties.join_accounts(
        user=found.first,
        other=another,
        reason="It turned out so",
        actor=found.admin,
        at=cast.NOON,
        key="join",
    )
    before = world()

    assert found.second(another) == first
    assert world() == before


# --- the vouchers of a round at once ---------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("is_sender", [False, True])
def test_a_round_s_awards_are_left_out_for_whoever_has_a_hand_in_them(is_sender):
    authority, applicant = cast.make_authority(), cast.an_sme()
    scheme = cast.make_programme(authority)
    decision = cast.an_approved_application(scheme, applicant, fee_total="2000000.00")
    first = applicant.person if is_sender else authority.officer
    account = cast.with_role(cast.another_account(first), authority.organisation, Role.OFFICER)
    balances = stage.balances([scheme.programme.account("available")])

    found = vouchers.issue_vouchers(
        round=scheme.round, actor=account, at=cast.NOON, key="issue"
    )

    assert found == issue_preview(scheme.round, account, cast.NOON)
    assert [one.reference for one in found.left_out] == [decision.application.reference]
    assert (found.vouchers, Voucher.objects.count()) == (0, 0)
    assert stage.balances([scheme.programme.account("available")]) == balances


# --- what turns out between the second and the third step ------------------------------------


@pytest.mark.django_db
def test_a_batch_that_one_person_prepared_and_approved_is_not_released():
    scene = _due()
    batch = stage.approve(scene, stage.prepare(scene))
    preparer, approver, _third = scene.authority.finance
    parties.join_accounts(
        user=preparer,
        other=approver,
        reason="One staff number",
        actor=scene.authority.admin,
        at=cast.NOON,
        key="join",
    )
    before = world()

    with pytest.raises(billing.ApprovedByPreparer, match=batch.code):
        stage.release(scene, batch)

    assert world() == before
    assert stage.payable(scene) == 600_00


# --- the database itself ---------------------------------------------------------------------


def refuses(write):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write()
    assert refusal.value.__cause__.diag.constraint_name == "two_people"


@pytest.mark.django_db
def test_the_database_refuses_a_batch_of_one_person():
    scene = _due()
    batch = stage.prepare(scene)
    rows = Batch.objects.filter(pk=batch.pk)
    fellow = cast.another_account(scene.authority.finance[0])

    refuses(lambda: rows.update(approved_by=fellow))
    rows.update(approved_by=scene.authority.finance[1])
    refuses(lambda: rows.update(released_by=fellow))
    refuses(lambda: rows.update(released_by=cast.another_account(scene.authority.finance[1])))
    rows.update(released_by=scene.authority.finance[2])


@pytest.mark.django_db
def test_the_database_refuses_a_bank_detail_of_one_person():
    applicant = cast.an_sme()
    detail = _proposed(applicant)
    rows = BankDetail.objects.filter(pk=detail.pk)

    refuses(lambda: rows.update(approved_by=cast.another_account(applicant.person)))
    rows.update(approved_by=cast.a_person())


@pytest.mark.django_db
def test_the_database_refuses_a_policy_of_one_person():
    authority = cast.make_authority()
    scheme = cast.make_programme(authority)
    version = vouchers.propose_policy(
        programme=scheme.programme,
        text=cast.policy_text(cast.M3) + "\n",
        note="Anew",
        actor=authority.officer,
        at=cast.NOON,
        key="propose",
    )

    def write(account):
        return PolicyRelease.objects.create(
            version=version,
            effective_from_on=cast.TODAY,
            released_by=account,
            released_at=cast.NOON,
            act_id=version.act_id,
        )

    refuses(lambda: write(cast.another_account(authority.officer)))
    assert write(authority.second_officer).pk


# --- races -----------------------------------------------------------------------------------


def _joining(scene, account, key="join"):
    return parties.join_accounts(
        user=scene.first,
        other=account,
        reason="One identity card",
        actor=scene.admin,
        at=cast.NOON,
        key=key,
    )


def _in_thread(ask):
    answers = []

    def run():
        try:
            answers.append(ask())
        except Exception as error:
            answers.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, answers


@pytest.mark.slow
def test_an_approval_waits_for_a_join_that_is_under_way(committed_db):
    scene = _bank_detail()
    account = cast.with_role(cast.a_person(), scene.where, scene.role)

    with transaction.atomic():
        _joining(scene, account)
        thread, answers = _in_thread(lambda: scene.second(account))
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(30)

    assert [type(one) for one in answers] == [SamePerson]
    assert BankDetail.objects.get().status == BankDetail.Status.PROPOSED


@pytest.mark.slow
def test_a_join_waits_for_an_approval_that_is_under_way(committed_db):
    scene = _bank_detail()
    account = cast.with_role(cast.a_person(), scene.where, scene.role)

    with transaction.atomic():
        scene.second(account)
        thread, answers = _in_thread(lambda: _joining(scene, account))
        thread.join(0.5)
        assert thread.is_alive()
        assert User.objects.values("person").distinct().count() == User.objects.count()
    thread.join(30)

    assert answers == [User.objects.get(pk=scene.first.pk).person]
    assert BankDetail.objects.get().status == BankDetail.Status.APPROVED


@pytest.mark.slow
def test_joining_races_approving(committed_db):
    """Both lock accounts: neither may wait for what the other waits with."""
    authority = cast.make_authority()
    applicants = [cast.a_payee(authority, f"Small {number}") for number in range(12)]
    accounts = [
        cast.with_role(cast.a_person(), authority.organisation, Role.FINANCE)
        for _one in applicants
    ]
    details = [_proposed(one) for one in applicants]

    def ask(number):
        place, is_join = divmod(number, 2)
        if is_join:
            return parties.join_accounts(
                user=applicants[place].person,
                other=accounts[place],
                reason="One identity card",
                actor=authority.admin,
                at=cast.NOON,
                key=f"join {place}",
            )
        return parties.approve_bank_detail(
            bank_detail=details[place],
            actor=accounts[place],
            at=cast.NOON,
            key=f"approve {place}",
        )

    answers = at_once(24, ask)

    for place, detail in enumerate(details):
        approval, joining = answers[2 * place], answers[2 * place + 1]
        assert not isinstance(joining, Exception), joining
        detail.refresh_from_db()
        if isinstance(approval, Exception):
            assert isinstance(approval, SamePerson), approval
            assert detail.status == BankDetail.Status.PROPOSED
        else:
            assert detail.approved_by == accounts[place]


@pytest.mark.slow
def test_many_accounts_of_one_mailbox_made_at_once_are_one_person_s(committed_db):
    def sign_up(number):
        return parties.create_user(
            email=f"mina+{number}@example.org",
            name="Mina",
            language="en",
            password=None,
            at=cast.NOON,
        )

    answers = at_once(12, sign_up)

    assert {type(one) for one in answers} == {User}
    assert len({one.person_id for one in answers}) == 1
