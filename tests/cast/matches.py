"""A programme that follows the national award, and awards for it."""

from datetime import date
from typing import Any

from parties.models import User
from policy.programme import shipped
from tests.cast.basics import NOON, a_key
from tests.cast.people import Applicant, Authority, make_authority
from tests.cast.programmes import Scheme, make_programme
from vouchers import actions
from vouchers.actions import AwardsReport
from vouchers.models import Voucher
from vouchers.queries import AwardRow

M8, NATIONAL = "cn-hangzhou-2025-mianshen", "cn-national-ai-voucher"
MATCH_BUDGET = 1_000_000_00


def a_match(authority: Authority | None = None, *, budget: int = MATCH_BUDGET) -> Scheme:
    """Return Hangzhou's match of the national voucher, in force and with an open round."""
    return make_programme(authority or make_authority(), M8, text=shipped()[M8], budget=budget)


def an_award(applicant: Applicant, *, reference: str = "N-1", **more: Any) -> AwardRow:
    """Return a national award on 800,000.00 of fees, of which a match of 15 % is 120,000.00."""
    organisation = applicant.organisation
    base = more.get("base", 800_000_00)
    facts = {
        "row": 2,
        "upstream": NATIONAL,
        "reference": reference,
        "identifier_scheme": organisation.identifier_scheme,
        "identifier": organisation.identifier,
        "base": base,
        "award": base * 3 // 10,
        "facility": "HIGH",
        "awarded_on": date(2025, 5, 20),
    }
    return AwardRow(**{**facts, **more})


def recorded(
    scheme: Scheme, *rows: AwardRow, key: str | None = None, actor: User | None = None
) -> AwardsReport:
    """Record awards above in the scheme's round."""
    return actions.record_upstream_awards(
        round=scheme.round,
        rows=rows,
        actor=actor or scheme.authority.officer,
        at=NOON,
        key=key or a_key("awards"),
    )


def followed(report: AwardsReport) -> list[Voucher | None]:
    """Return what following each recorded award gave: a voucher, or nothing yet."""
    applications = [award.application for award in report.recorded]
    return [
        actions.follow_upstream_award(application=one, at=NOON, key=f"match:{one.reference}")
        for one in applications
    ]


def a_match_of(authority: Authority, applicant: Applicant, text: str) -> tuple[Scheme, Voucher]:
    """Return a match by another law, with the voucher that followed one award of an applicant."""
    scheme = make_programme(authority, M8, text=text, budget=MATCH_BUDGET)
    (voucher,) = followed(recorded(scheme, an_award(applicant)))
    assert voucher is not None, "nobody looks at a match"
    return scheme, voucher
