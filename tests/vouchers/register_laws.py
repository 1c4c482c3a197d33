"""Laws that ask registers, what a register answers, and what is proposed then."""

from tests import cast
from vouchers import actions, queries

NOTHING = {"links": []}
UNDERTAKING = (
    '\n[[caps]]\nclause = "One undertaking"\nscope = "UNDERTAKING"\nperiod = "LIFETIME"\n'
    'measured = ["ISSUED"]\namount = "100000"\n'
)


def law(code=cast.M3, *changes, more=""):
    text = cast.policy_text(code)
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text + more


def scheme_of(text, code=cast.M3):
    return cast.make_programme(cast.make_authority(), code, text=text)


def proposal(application, at=cast.NOON):
    return queries.proposal_of(application, at)


def codes(found):
    return {reason.code for reason in found.reasons}


def own(*pair):
    """Let the first hold 60 % of the second, as the register answers about both."""
    link = cast.a_link(pair[0].organisation, pair[1].organisation, "0.6")
    for one in pair:
        cast.told(one.organisation, ownership=cast.links(link))


def decide(scheme, application, key):
    return actions.decide_application(
        application=application,
        outcome="PASS",
        awarded=None,
        note="",
        actor=scheme.authority.officer,
        at=cast.NOON,
        key=key,
    )


def finding(day, kind="MAJOR_PENALTY"):
    return {"findings": [{"kind": kind, "day": day}]}
