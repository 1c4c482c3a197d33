"""First steps towards an award, each with the second step that asks for another person."""

from parties.roles import Role
from tests import cast
from tests.cast.committee import assigned, law, reviewed
from tests.parties.two_steps import Scene
from vouchers import actions as vouchers
from vouchers.queries import has_conflict


def released_policy():
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


def decision_made(first=None):
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


def undone_decision():
    authority, applicant = cast.make_authority(), cast.an_sme()
    scheme = cast.make_programme(authority)
    decision = cast.an_approved_application(scheme, applicant)

    def undo(account):
        return vouchers.undo_decision(
            decision=decision, note="A mistake", actor=account, at=cast.NOON, key="undo"
        )

    where = authority.organisation
    return Scene(authority.admin, applicant.person, where, Role.OFFICER, undo)


def large_award(by_sender):
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


def second_confirmation():
    authority, _applicant, decision, confirmer = _committee()
    where = authority.organisation
    return Scene(
        authority.admin,
        confirmer,
        where,
        Role.OFFICER,
        lambda account: _confirm(decision, account, "second"),
    )


def review_given():
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


def judged_appeal(who):
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


def assessed(by_sender):
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
