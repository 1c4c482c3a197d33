"""The chart and the roads are what docs/ledger.md says, and the database refuses every other."""

import itertools
import re
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from ledger import actions as ledger
from ledger import queries
from ledger.kinds import ACCOUNT_KINDS, FLOWS, AccountKind, Flow
from tests.ledger.book import begin, sum_of_everything

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "ledger.md"
GUARDS = {"boundary": 0, "debit-normal ≥ 0": -1}

FACTS = st.dictionaries(
    st.text(max_size=8),
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    max_size=5,
)


def test_the_written_chart_is_the_one_in_force():
    rows = re.findall(
        r"^\| ([A-Z_]+) \| `\S+` \| ([^|]+) \| (yes|no) \|", DOCUMENT.read_text(), re.M
    )

    assert [
        (AccountKind[kind], GUARDS.get(guard, 1), kept == "yes") for kind, guard, kept in rows
    ] == [tuple(row) for row in ACCOUNT_KINDS]


@pytest.mark.slow
@pytest.mark.django_db
def test_value_moves_on_the_listed_roads_and_on_no_other():
    with transaction.atomic():
        act = begin("open")
        for kind in AccountKind:
            for name in ("one", "two"):
                ledger.open_account(act, f"{kind.name.lower()}:P:{name}", kind, "CNY")
    open_roads = set()

    for flow, debit, credit in itertools.product(Flow, AccountKind, AccountKind):
        source, target = f"{debit.name.lower()}:P:one", f"{credit.name.lower()}:P:two"
        try:
            with transaction.atomic():
                act = begin(f"{flow}/{debit}/{credit}")
                ledger.post(act, [ledger.Move(flow, source, target, 1)])
        except ledger.NoSuchRoad:
            continue
        except ledger.NotEnough:
            # The road is there, and the account has nothing to send.
            pass
        open_roads.add((flow, debit, credit))

    assert open_roads == set(FLOWS)
    assert sum_of_everything() == 0
    assert queries.accounts_out_of_step() == []


@given(FACTS, FACTS)
def test_a_request_is_known_by_its_content_whatever_the_order_of_its_fields(one, other):
    reordered = dict(reversed(one.items()))
    # True and 1 are equal to Python, and two contents to us.
    are_same = repr(sorted(one.items())) == repr(sorted(other.items()))

    assert ledger.payload_hash(reordered) == ledger.payload_hash(one)
    assert (ledger.payload_hash(one) == ledger.payload_hash(other)) is are_same
