"""Wherever two people are asked for, one person with two accounts or two memberships is one.

Each scene does the first step under one account, and then asks for the second under another
account of the same person, or under the same account in another membership.
"""

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from billing import actions as billing
from billing.models import Batch
from ledger.kinds import ActKind
from parties import actions as parties
from parties.models import BankDetail
from parties.roles import OrganisationKind, Role
from policy import duties
from tests import cast
from tests.billing import stage
from tests.parties.award_scenes import (
    assessed,
    decision_made,
    judged_appeal,
    large_award,
    released_policy,
    review_given,
    second_confirmation,
    undone_decision,
)
from tests.parties.money_scenes import (
    applicant_of,
    approved_anew,
    approved_batch,
    authorised_batch,
    bank_detail_approved,
    biller_of,
    changed_batch,
    closed_period,
    decided_line,
    decided_own_share,
    decided_recovery,
    decider_of,
    issuer_of,
    proposed_bank_detail,
    recorded_collection,
    released_batch,
    second_resolved,
    settled_bill,
    settled_target,
    with_payable,
)
from tests.parties.two_steps import accreditation_decided, rule_released
from vouchers import actions as vouchers
from vouchers.models import PolicyRelease, Voucher
from vouchers.queries.issuing import issue_preview

OURS = ("parties", "ledger", "safeguards", "providers", "vouchers", "billing", "scoring")


def world():
    """Return every row of every table: a step that is refused leaves all of them as they were.

    But for the one that says that it was refused.
    """
    return {
        model._meta.label: [
            tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
            for row in model._default_manager.order_by("pk").values_list()
        ]
        for app in OURS
        for model in apps.get_app_config(app).get_models()
        if model._meta.managed and model._meta.label != "billing.RefusedAttempt"
    }


# Each pair of `policy.duties`, with the scenes that ask for its second step.
SCENES = {
    ("release_policy", "propose_policy"): [released_policy],
    ("decide_application", "submit_application"): [decision_made],
    ("confirm_decision", "submit_application"): [lambda: large_award(True)],
    ("confirm_decision", "decide_application"): [lambda: large_award(False)],
    ("confirm_decision", "confirm_decision"): [second_confirmation],
    ("submit_review", "submit_application"): [review_given],
    ("decide_appeal", "submit_application"): [lambda: judged_appeal("sender")],
    ("decide_appeal", "decide_application"): [lambda: judged_appeal("decider")],
    ("decide_appeal", "confirm_decision"): [lambda: judged_appeal("confirmer")],
    ("undo_decision", "submit_application"): [undone_decision],
    ("settle_bill", "submit_application"): [
        lambda: settled_bill(applicant_of),
        lambda: decided_line(applicant_of),
    ],
    ("settle_bill", "decide_application"): [
        lambda: settled_bill(decider_of),
        lambda: decided_line(decider_of),
    ],
    ("settle_bill", "confirm_decision"): [
        lambda: settled_bill(issuer_of),
        lambda: decided_line(issuer_of),
    ],
    ("record_assessment", "submit_application"): [lambda: assessed(True)],
    ("record_assessment", "decide_application"): [lambda: assessed(False)],
    ("settle_bill", "record_assessment"): [settled_target],
    ("settle_bill", "submit_bill"): [
        lambda: settled_bill(biller_of),
        lambda: decided_line(biller_of),
    ],
    ("decide_own_share", "prove_own_share"): [decided_own_share],
    ("change_batch", "approve_batch"): [lambda: changed_batch(1)],
    ("change_batch", "authorise_batch"): [lambda: changed_batch(2)],
    ("approve_batch", "prepare_batch"): [approved_batch],
    ("approve_batch", "authorise_batch"): [approved_anew],
    ("authorise_batch", "prepare_batch"): [lambda: authorised_batch(0)],
    ("authorise_batch", "approve_batch"): [lambda: authorised_batch(1)],
    ("release_batch", "prepare_batch"): [lambda: released_batch(0)],
    ("release_batch", "approve_batch"): [lambda: released_batch(1)],
    ("release_batch", "authorise_batch"): [lambda: released_batch(2, above="1")],
    ("second_resolution", "resolve_entry"): [second_resolved],
    ("close_period", "propose_period"): [closed_period],
    ("decide_recovery", "open_recovery"): [decided_recovery],
    ("record_collection", "propose_collection"): [
        lambda: recorded_collection("REPAYMENT"),
        lambda: recorded_collection("WRITE_OFF"),
    ],
    ("approve_bank_detail", "propose_bank_detail"): [bank_detail_approved],
    ("decide_accreditation", "apply_for_accreditation"): [accreditation_decided],
    ("release_rule", "propose_rule"): [rule_released],
}
# Duties that are written down before there is an action that does them.
NOT_DONE_YET = {"approve_suspension", "decide_case"}
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
    scene = with_payable()
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
    scene = with_payable()
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
    detail = proposed_bank_detail(applicant)
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
