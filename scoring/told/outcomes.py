"""The steps of a trace after use: outcome, score, standing."""

from datetime import date

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from scoring.kinds import OUTCOME_WORDS
from scoring.queries.traces import Trace
from scoring.told.rows import Row, Step, step


def outcomes(found: Trace) -> Step:
    """Return the step “outcomes” of a trace."""
    rows = [
        Row(
            "outcome",
            str(one["pk"]),
            one["title"] or str(OUTCOME_WORDS[one["kind"]]),
            at=date.fromisoformat(one["happened_on"]),
            how=f"{OUTCOME_WORDS[one['kind']]}. {one['evidence_url']}".strip(),
            url=one["evidence_url"],
        )
        for voucher in found.vouchers.rows
        for one in voucher.outcomes_told
    ]
    return step("outcome", _("Outcome"), rows)


def scores(found: Trace) -> Step:
    """Return the step “scores” of a trace."""
    rows = [
        Row(
            "voucher",
            voucher.code,
            voucher.code,
            at=parse_datetime(voucher.score_told["at"]),
            how=_("%(score)s of 1, by formula %(formula)s.")
            % {"score": voucher.score_told["x"], "formula": voucher.score_told["formula"]},
        )
        for voucher in found.vouchers.rows
        if voucher.score_told
    ]
    return step("score", _("Score of the use"), rows)


def standings(found: Trace) -> Step:
    """Return the step “standings” of a trace."""
    rows: dict[int, Row] = {}
    for voucher in found.vouchers.rows:
        standing = voucher.standing_told
        if standing:
            rows[standing["pk"]] = Row(
                "standing",
                str(standing["pk"]),
                voucher.organisation.name_here,
                at=parse_datetime(standing["at"]),
                how=_("%(score)s of 1; it counts in the next decision.")
                % {"score": standing["score"]},
                working=standing["working"].get("lines", []),
            )
    return step("standing", _("Standing"), rows.values())
