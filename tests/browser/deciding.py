"""A bureau with everything that is decided by several: reviews, appeals, notice, rounds, lots.

Everything is done through actions; what is open is open today, what is past was decided last year.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.files import checked_file
from parties.models import User
from tests import cast
from tests.browser.stage import month_of
from tests.cast import M3, NOON, Applicant, Authority, Scheme
from tests.cast.committee import (
    CLOSED,
    a_review,
    a_reviewer,
    allocated,
    assigned,
    law,
    reviewed,
)
from vouchers import actions
from vouchers.models import Application, Decision, Voucher

LOTTERY = allocated("LOTTERY", more='lottery_least = "70"\nlottery_most = "90"')
NOTICE = '[notice]\nclause = "Article 11"\ndays = 7\n'
HOLDING = (
    '[voucher]\nclause = "Article 13"\nextension_days_max = 60\n'
    'extensions_max = 1\nextension_by = "OFFICER"\n'
)


@dataclass(frozen=True)
class Deciding:
    """What waits for several people, and who they are."""

    authority: Authority
    reviewer: User
    firm: Applicant
    reviewed: Scheme
    lot: Scheme
    closed: Scheme
    decided: Scheme
    draft: Application
    asked: Application
    judged: Application
    refused: Application
    appealed: Application
    on_notice: Application
    by_committee: Application
    voucher: Voucher
    extended: Voucher


def make_deciding(at: datetime) -> Deciding:
    """Return the bureau: each thing that waits for a person waits for them at an instant."""
    authority = cast.make_authority("Bay Data Bureau")
    firm = cast.an_sme("Bay Maps")
    reviewer = a_reviewer(authority, "Rita Reader")
    judging = a_scheme(authority, "reviews", at, reviewed())
    noticed = a_scheme(authority, "notice", at, NOTICE)
    holding = a_scheme(authority, "holding", at, HOLDING)
    return Deciding(
        authority=authority,
        reviewer=reviewer,
        firm=firm,
        reviewed=judging,
        lot=a_scheme(authority, "lot", at, reviewed(), LOTTERY),
        closed=a_closed_round(authority),
        decided=a_lottery_drawn(authority),
        draft=a_draft_with_a_file(judging, firm, at),
        asked=asked(holding, firm, at),
        judged=judged(judging, reviewer, at),
        refused=refused(noticed, firm, at).application,
        appealed=appealed(noticed, cast.an_sme("Bay Appeals"), at),
        on_notice=cast.an_approved_application(
            noticed, cast.an_sme("Bay Notices"), at=at
        ).application,
        by_committee=by_committee(authority, at),
        voucher=cast.an_issued_voucher(a_scheme(authority, "more", at, HOLDING), firm, at=at),
        extended=extended(holding, cast.an_sme("Bay Later"), at),
    )


def a_scheme(authority: Authority, own: str, at: datetime, *sections: str) -> Scheme:
    """Return a programme under more sections, with a round that is open at an instant."""
    opens, closes = month_of(at.date())
    facts = {"fiscal_year": opens.year, "opens_on": opens, "closes_on": closes}
    return _under(authority, own, *sections, **facts)


def _under(
    authority: Authority, own: str, *sections: str, text: str = "", **facts: Any
) -> Scheme:
    code = f"cn-bay-{own}"
    text = (text or law(*sections)).replace(f'code = "{M3}"', f'code = "{code}"')
    return cast.make_programme(authority, code, text=text, budget=125_000_00 * 10, **facts)


def a_closed_round(authority: Authority) -> Scheme:
    """Return a programme whose round closed last year and waits to be decided together."""
    scheme = _under(authority, "closed", allocated("FIRST_COME", waiting_days=90))
    for number in range(3):
        cast.a_sent_application(scheme, cast.an_sme(f"Bay Early {number}"))
    return scheme


def a_lottery_drawn(authority: Authority) -> Scheme:
    """Return a programme whose round was shared out by lot last year."""
    scheme = _under(authority, "drawn", reviewed(), LOTTERY)
    officer = authority.officer
    actions.commit_lot(round=scheme.round, actor=officer, at=NOON, key=cast.a_key())
    for number in range(3):
        sent = cast.a_sent_application(scheme, cast.an_sme(f"Bay Lots {number}"))
        for _turn in range(2):
            a_review(sent, authority)
    actions.decide_round(round=scheme.round, actor=officer, at=CLOSED, key=cast.a_key())
    return scheme


def a_draft_with_a_file(scheme: Scheme, firm: Applicant, at: datetime) -> Application:
    """Return a draft that has one file."""
    draft = cast.a_draft(scheme, firm, at=at)
    file = checked_file("offer.txt", b"100,000.00 in all\n")
    actions.attach_file(application=draft, file=file, actor=firm.person, at=at)
    return draft


def asked(scheme: Scheme, firm: Applicant, at: datetime) -> Application:
    """Return an application whose applicant was asked for something."""
    sent = cast.a_sent_application(scheme, firm, at=at)
    actions.request_information(
        application=sent,
        question="What does the provider charge?",
        answer_name="fee_total",
        due_on=(at + timedelta(days=10)).date(),
        actor=scheme.authority.officer,
        at=at,
        key=cast.a_key(),
    )
    return sent


def judged(scheme: Scheme, reviewer: User, at: datetime) -> Application:
    """Return an application with one review, given to a second reviewer."""
    sent = cast.a_sent_application(scheme, cast.an_sme("Bay Judged"), at=at)
    a_review(sent, scheme.authority)
    assigned(sent, reviewer, scheme.authority)
    return sent


def refused(scheme: Scheme, firm: Applicant, at: datetime) -> Decision:
    """Return the decision that an application is not approved."""
    return actions.decide_application(
        application=cast.a_sent_application(scheme, firm, at=at),
        outcome=Decision.Outcome.FAIL,
        awarded=None,
        note="There is no plan.",
        actor=scheme.authority.officer,
        at=at,
        key=cast.a_key(),
    )


def appealed(scheme: Scheme, firm: Applicant, at: datetime) -> Application:
    """Return an application whose refusal was appealed against."""
    decision = refused(scheme, firm, at)
    actions.appeal_decision(
        decision=decision,
        grounds="There is one, in the annex.",
        actor=firm.person,
        at=at,
        key=cast.a_key(),
    )
    return decision.application


def by_committee(authority: Authority, at: datetime) -> Application:
    """Return an application that one of four people approved."""
    opens, closes = month_of(at.date())
    scheme = _under(
        authority,
        "committee",
        text=law().replace('name = "TWO_OFFICERS"\npeople = 2', 'name = "BOARD"\npeople = 4'),
        fiscal_year=opens.year,
        opens_on=opens,
        closes_on=closes,
    )
    firm = cast.an_sme("Bay Large")
    return cast.an_approved_application(scheme, firm, at=at, fee_total="2000000.00").application


def extended(scheme: Scheme, firm: Applicant, at: datetime) -> Voucher:
    """Return a voucher for which more days were asked for."""
    voucher = cast.an_issued_voucher(scheme, firm, at=at)
    actions.request_extension(
        voucher=voucher,
        days=30,
        reason="The chips are late.",
        actor=firm.person,
        at=at,
        key=cast.a_key(),
    )
    return voucher
