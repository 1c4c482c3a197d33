"""What is covered is split to the funders exactly, and each payer owes its own part."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import actions
from billing.models import Funder, FunderShare
from billing.queries import due_by_payer
from billing.queries.funding import borne, payer_figures
from ledger.actions import NotEnough
from ledger.kinds import ActKind
from ledger.queries import accounts_out_of_step, acts_found, balances
from parties.queries import NotAllowed
from parties.roles import Role
from policy.funding import among_first, split
from policy.programme import read
from tests import cast
from tests.billing import stage
from vouchers.queries import voucher_balance

pytestmark = pytest.mark.django_db

FUNDERS = """
[[funders]]
clause = "Article 15"
name = "Province"
share = "1/3"

[[funders]]
clause = "Article 15"
name = "City"
share = "2/3"
"""


def a_law(funders=FUNDERS):
    """Return the offset law with funders."""
    return cast.policy_text(cast.M3) + funders


@pytest.fixture
def scene():
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, text=a_law())
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    return cast.Scene(authority, seller, scheme, applicant, voucher)


@pytest.fixture
def province(scene):
    """A payer; one finance officer of the city is one of the province too."""
    payer = cast.make_authority("Province of Guangdong")
    cast.with_role(scene.authority.finance[0], payer.organisation, Role.FINANCE)
    return payer


def name_province(scene, province, *, name="Province", actor=None, key="name"):
    return actions.name_funder(
        programme=scene.scheme.programme,
        name=name,
        payer=province.organisation,
        actor=actor or scene.authority.finance[0],
        at=stage.LATER,
        key=key,
    )


def settled(scene, *, hours=1, key="job-1"):
    """Use, bill and settle so many hours at 25.00; return the settlement."""
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference=key)
    stage.use(scene.seller, order, hours=hours, key=key)
    (settlement,) = stage.settle(stage.bill(scene, invoice=key))
    return settlement


def parts(settlement):
    return [(one.name, one.payer.code, one.amount) for one in borne(settlement)]


def owed(scene, *payers):
    """Return what the scene's provider is owed: by the authority, then by each payer."""
    programme, seller = scene.scheme.programme, scene.seller.organisation.code
    addresses = [
        programme.account("provider_payable", seller),
        *(programme.account("provider_payable", one, seller) for one in payers),
    ]
    found = balances(addresses)
    return [found[address].net if address in found else 0 for address in addresses]


def test_without_payers_the_authority_owes_all_and_the_shares_are_kept(scene):
    settlement = settled(scene, hours=1)

    city = scene.authority.organisation.code
    # 15.00 is covered; the odd fen of thirds would go to the largest remainder.
    assert parts(settlement) == [("Province", city, 5_00), ("City", city, 10_00)]
    assert owed(scene) == [15_00]


def test_a_named_payer_owes_its_part_and_the_rest_stays_with_the_authority(scene, province):
    name_province(scene, province)

    settlement = settled(scene, hours=1)

    code = province.organisation.code
    assert parts(settlement)[0] == ("Province", code, 5_00)
    assert owed(scene, code) == [10_00, 5_00]
    stage.assert_in_step()


def test_naming_counts_from_then_on_alone(scene, province):
    before = settled(scene, key="job-1")
    name_province(scene, province)

    after = settled(scene, key="job-2")

    city, code = scene.authority.organisation.code, province.organisation.code
    assert [one[1] for one in parts(before)] == [city, city]
    assert [one[1] for one in parts(after)] == [code, city]
    assert owed(scene, code) == [25_00, 5_00]


def test_who_is_named_twice_by_one_key_is_named_once(scene, province):
    first = name_province(scene, province)

    assert name_province(scene, province) == first
    assert Funder.objects.count() == 1
    assert acts_found("").filter(kind=ActKind.NAME_FUNDER.value).count() == 1


@pytest.mark.parametrize(
    ("who", "refusal"),
    [("funder", actions.FunderUnknown), ("payer", actions.PayerNotAuthority)],
)
def test_a_wrong_naming_is_refused_and_nothing_is_written(scene, province, who, refusal):
    payer = scene.seller if who == "payer" else province
    name = "Park" if who == "funder" else "Province"

    with pytest.raises(refusal):
        name_province(scene, payer, name=name)

    assert not Funder.objects.exists()


def test_only_finance_of_the_programme_names_payers(scene, province):
    with pytest.raises(NotAllowed):
        name_province(scene, province, actor=province.finance[0])

    assert not Funder.objects.exists()


def test_nobody_names_a_payer_that_they_do_not_act_for(scene, province):
    with pytest.raises(NotAllowed):
        name_province(scene, province, actor=scene.authority.finance[1])

    assert not Funder.objects.exists()


def test_a_payers_statement_is_read_by_the_payers_own_alone(both, province):
    _batch, of_province = a_sent_batch(both, province)

    with pytest.raises(actions.StatementOfNobody):
        actions.read_statement(
            name="other.xml",
            data=stage.answer(of_province),
            actor=both.authority.finance[1],
            at=stage.LATER,
            key="other",
        )

    assert figures(both)[province.organisation.code] == (5_00, 0, 5_00, 0, 0)


def test_a_correction_goes_back_to_the_same_funders(scene, province):
    name_province(scene, province)
    free = voucher_balance(scene.voucher).net
    settlement = settled(scene)

    correct(scene, settlement)

    assert borne(settlement) == []
    assert owed(scene, province.organisation.code) == [0, 0]
    assert voucher_balance(scene.voucher).net == free
    stage.assert_in_step()


def correct(scene, settlement, key="correct"):
    from ledger.queries import transfers_of

    moved = transfers_of(settlement.act_id).get(hold_id=settlement.order.hold)
    return actions.correct_transfer(
        transfer_id=moved.id,
        reason="Billed to the wrong order",
        actor=scene.authority.finance[0],
        at=stage.LATER + timedelta(days=1),
        key=key,
    )


def test_asked_twice_a_correction_takes_the_shares_back_once(scene, province):
    name_province(scene, province)
    settlement = settled(scene)

    assert correct(scene, settlement) == correct(scene, settlement)
    assert FunderShare.objects.filter(settlement=settlement).count() == 4


def test_what_a_payer_sent_to_the_bank_stays_and_so_does_the_rest(scene, province):
    from ledger import actions as ledger
    from ledger.kinds import AccountKind, Flow

    name_province(scene, province)
    settlement = settled(scene)
    programme, code = scene.scheme.programme, province.organisation.code
    payable = programme.account("provider_payable", code, scene.seller.organisation.code)
    act = ledger.begin(
        kind=ActKind.RELEASE_BATCH,
        key="sent",
        actor="system",
        about="batch:X",
        at=stage.LATER,
        payload={},
    )
    clearing = programme.account("clearing", "X")
    ledger.open_account(act, clearing, AccountKind.CLEARING, "CNY")
    ledger.post(act, [ledger.Move(Flow.INSTRUCT, payable, clearing, 1)])

    with pytest.raises(NotEnough), transaction.atomic():
        correct(scene, settlement)

    assert [one.amount for one in borne(settlement)] == [5_00, 10_00]
    assert owed(scene, code) == [10_00, 4_99]


def test_shares_that_do_not_add_up_are_refused_by_the_database(scene):
    settlement = settled(scene)
    wrong = FunderShare(
        settlement=settlement,
        name="Park",
        payer=scene.authority.organisation,
        amount=1,
        act=settlement.act,
    )

    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
    with pytest.raises(IntegrityError, match="do not add up"), transaction.atomic():
        wrong.save()


WEIGHTS = st.lists(st.integers(1, 1_000), min_size=1, max_size=5)


def a_law_of(weights):
    """Return a law whose funders bear so much, each of the sum."""
    return read(
        a_law(
            "".join(
                f'[[funders]]\nclause = "A"\nname = "F{number}"\n'
                f'share = "{weight}/{sum(weights)}"\n'
                for number, weight in enumerate(weights)
            )
        )
    )


@given(weights=WEIGHTS, covered=st.integers(0, 10**14))
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_the_shares_add_up_to_what_is_covered(weights, covered):
    shares = [part for _name, part in split(covered, a_law_of(weights))]

    assert sum(shares) == covered
    for weight, share in zip(weights, shares, strict=True):
        assert abs(share * sum(weights) - weight * covered) < sum(weights)


@given(
    shares=st.lists(st.integers(0, 10**9), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 10**10), max_size=20),
)
def test_lines_and_funders_add_up_both_ways(shares, cuts):
    total = sum(shares)
    ends = sorted({0, total, *(cut for cut in cuts if cut <= total)})
    borne_until = [among_first(end, shares) for end in ends]

    lines = [
        [after - before for before, after in zip(first, last, strict=True)]
        for first, last in pairwise(borne_until)
    ]

    for (start, end), line in zip(pairwise(ends), lines, strict=True):
        assert sum(line) == end - start
        assert min(line) >= 0
    assert [sum(parts) for parts in zip(*lines, strict=True)] == (shares if lines else [])
    with pytest.raises(ValueError, match="not there"):
        among_first(total + 1, shares)


def an_account(authority, number):
    """Give an authority an account to pay from, of its own."""
    from parties import actions as parties

    detail = parties.propose_bank_detail(
        organisation=authority.organisation,
        scheme="OTHER",
        number=number,
        agent="BKCHCNBJ",
        holder=authority.organisation.name,
        actor=authority.finance[1],
        at=cast.NOON,
        key=cast.a_key("own"),
    )
    parties.approve_bank_detail(
        bank_detail=detail, actor=authority.finance[2], at=cast.NOON, key=cast.a_key("own")
    )


CITY_ACCOUNT, PROVINCE_ACCOUNT = "6222000099999999", "6222000088888888"


@pytest.fixture
def both(scene, province):
    """15.00 is owed by the city (10.00) and the province (5.00); each has an account."""
    an_account(scene.authority, CITY_ACCOUNT)
    an_account(province, PROVINCE_ACCOUNT)
    name_province(scene, province)
    settled(scene)
    return scene


def a_sent_batch(scene, payer):
    """Prepare, approve and release the batch of one payer; return it with its file."""
    batch = actions.prepare_batch(
        programme=scene.scheme.programme,
        actor=scene.authority.finance[0],
        at=stage.LATER,
        key=cast.a_key("prepare"),
        payer=payer.organisation,
    )
    file = stage.release(scene, stage.approve(scene, stage.lock(scene, batch)))
    return batch, bytes(file.content)


def figures(scene):
    """Return what each payer bears, has due, at the bank and paid, by its code."""
    return {
        one.payer.code: (one.bears, one.due, one.at_bank, one.paid, one.other)
        for one in payer_figures(scene.scheme.programme)
    }


def test_each_payer_has_its_own_batch_file_and_account(both, province):
    city, code = both.authority.organisation.code, province.organisation.code
    batch, of_city = a_sent_batch(both, both.authority)
    other, of_province = a_sent_batch(both, province)

    assert (batch.total, other.total) == (10_00, 5_00)
    assert CITY_ACCOUNT in of_city.decode()
    assert PROVINCE_ACCOUNT not in of_city.decode()
    assert PROVINCE_ACCOUNT in of_province.decode()
    assert figures(both) == {city: (10_00, 0, 10_00, 0, 0), code: (5_00, 0, 5_00, 0, 0)}

    stage.read(both, stage.answer(of_city, "ST-1"))
    stage.read(both, stage.answer(of_province, "ST-2"))

    assert figures(both) == {city: (10_00, 0, 0, 10_00, 0), code: (5_00, 0, 0, 5_00, 0)}
    assert accounts_out_of_step() == []
    stage.assert_in_step()


def test_what_is_due_is_told_by_payer(both, province):
    due = due_by_payer(both.scheme.programme)

    assert [(one.code, [owed.amount for owed in payables]) for one, payables in due] == [
        (both.authority.organisation.code, [10_00]),
        (province.organisation.code, [5_00]),
    ]


def test_a_statement_of_one_payer_answers_no_payment_of_another(both, province):
    a_sent_batch(both, both.authority)
    _other, of_province = a_sent_batch(both, province)
    wrong = stage.answer(of_province).replace(PROVINCE_ACCOUNT.encode(), CITY_ACCOUNT.encode())

    statement = stage.read(both, wrong)

    assert [line[2] for line in stage.lines_of(statement)] == ["bank_other_account"]
    assert figures(both)[province.organisation.code] == (5_00, 0, 5_00, 0, 0)


def test_a_returned_payment_is_due_of_the_same_payer_again(both, province):
    city, code = both.authority.organisation.code, province.organisation.code
    a_sent_batch(both, both.authority)
    batch, of_province = a_sent_batch(both, province)
    (payment,) = batch.payments.all()

    stage.read(both, stage.answer(of_province, returned={payment.end_to_end_id: "AC04"}))

    assert figures(both) == {city: (10_00, 0, 10_00, 0, 0), code: (5_00, 5_00, 0, 0, 0)}
    stage.assert_in_step()


@given(data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.slow
def test_settle_correct_and_pay_keep_shares_and_payments_equal(db, data):
    weights = data.draw(st.lists(st.integers(1, 9), min_size=2, max_size=4))
    steps = data.draw(
        st.lists(
            st.sampled_from(["settle", "correct", "pay", "return"]), min_size=3, max_size=8
        )
    )
    with transaction.atomic():
        scene, payers = a_scene_of(weights)
        done: list = []
        for number, step in enumerate(steps):
            if step == "settle":
                done.append(settled(scene, hours=number + 1, key=f"job-{number}"))
            elif step == "correct" and done:
                try:
                    with transaction.atomic():
                        correct(scene, done[-1], key=f"correct-{number}")
                    done.pop()
                except NotEnough:
                    continue
            elif step in ("pay", "return"):
                pay_all(scene, payers, is_returned=step == "return")
            assert_even(scene)
        stage.assert_in_step()
        assert accounts_out_of_step() == []
        transaction.set_rollback(True)


def a_scene_of(weights):
    """Return a scene of so many funders, each with a payer and an account of its own."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    names = "".join(
        f'\n[[funders]]\nclause = "A"\nname = "F{n}"\nshare = "{weight}/{sum(weights)}"\n'
        for n, weight in enumerate(weights)
    )
    scheme = cast.make_programme(authority, text=a_law(names))
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)
    an_account(authority, CITY_ACCOUNT)
    payers = [authority]
    for number in range(1, len(weights)):
        payer = cast.make_authority(f"Payer {number}")
        cast.with_role(authority.finance[0], payer.organisation, Role.FINANCE)
        an_account(payer, f"62220000{number:08}")
        name_province(scene, payer, name=f"F{number}", key=f"name-{number}")
        payers.append(payer)
    return scene, payers


def pay_all(scene, payers, *, is_returned):
    """Send what every payer owes, and read the bank's answer: paid, or all of it returned."""
    for payer in payers:
        try:
            batch, file = a_sent_batch(scene, payer)
        except actions.NothingDue:
            continue
        ids = list(batch.payments.values_list("end_to_end_id", flat=True))
        more = {"returned": dict.fromkeys(ids, "AC04")} if is_returned else {}
        stage.read(scene, stage.answer(file, batch.code, **more))


def assert_even(scene):
    """What each payer bears is due, at the bank or paid; together it is what is covered."""
    found = payer_figures(scene.scheme.programme)
    assert [one.other for one in found] == [0] * len(found)
    owed_in_all = sum(one.due + one.at_bank + one.paid for one in found)
    assert owed_in_all == sum(one.bears for one in found)
    spent = 60_000_00 - voucher_balance(scene.voucher).net
    assert owed_in_all == spent
