"""What is not known is referred, no ceiling is passed in a round, and no document is half obeyed."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from policy.allocation import Entry, allot
from policy.calculation import work_out
from policy.claims import Claim, FeeLine, OtherAid, Past
from policy.dossiers import Dossier, DossierInvalid, read_dossier
from policy.eligibility import ApplicantFacts, answer
from policy.programme import ProgrammeInvalid, read, shipped
from policy.settlement import settle_claim

DAY = date(2026, 6, 15)
PLAIN = shipped()["cn-xiamen-2024"].replace(
    '[floor]\nclause = "厦府办规〔2024〕6号：年度实际支出5万元以上"\nbase_min = "50000"\n', ""
)
TIER = '[[tiers]]\nclause = "厦府办规〔2024〕6号：不超过实际支出的50%"\nrate = "0.50"\n'
OFFSET = shipped()["cn-chengdu-2025"]
OFFSET_TIER = OFFSET[OFFSET.index("[[tiers]]") : OFFSET.index("[[caps]]")]
STATE_AID = (
    '\n[state_aid]\nclause = "x"\nregime = "EU_DE_MINIMIS"\nmost = "600"\ncurrency = "CNY"\n'
)


def fees(amount, **more):
    line = more.pop("line", {})
    return Claim(
        **{"as_of": DAY, "fee_lines": (FeeLine("compute", Decimal(amount), **line),), **more}
    )


def cap(lines):
    return f'\n[[caps]]\nclause = "x"\n{lines}\n'


def stacked(limits):
    return (
        PLAIN.replace('rate = "0.50"', 'rate = "0.90"')
        + f'\n[stacking]\nclause = "x"\nlevels = ["CITY"]\n{limits}'
    )


def limit(rate, more=""):
    return f'\n[[stacking.limits]]\nclause = "x"\ntotal_rate_max = "{rate}"\n{more}\n'


# A round


def entries(*claims, **of):
    """Two or more applications of one organisation, unless told otherwise."""
    organisations = of.get("organisations", ["O"] * len(claims))
    return [
        Entry(
            reference=f"R{n}",
            dossier=Dossier(claim, None),
            organisation=organisation,
            arrived=n,
        )
        for n, (claim, organisation) in enumerate(zip(claims, organisations, strict=True))
    ]


BRACKETS = (
    '[share]\nclause = "x"\nselect = "MARGINAL"\n\n[[tiers]]\nclause = "x"\nrate = "0.50"\n'
    'year_total_max = "1000"\n\n[[tiers]]\nclause = "x"\nrate = "0.10"\n'
)


@pytest.mark.parametrize("method", ["FIRST_COME", "PRO_RATA"])
@pytest.mark.parametrize(
    ("text", "claim", "organisations", "together"),
    [
        (PLAIN.replace('"50000000"', '"600"'), {}, ["O1", "O2"], 600_00),
        (PLAIN, {"pool_left": 600_00}, ["O1", "O2"], 600_00),
        (PLAIN + STATE_AID, {"other_aid": ()}, ["O", "O"], 600_00),
        (PLAIN.replace(TIER, BRACKETS), {}, ["O", "O"], 600_00),
        (
            PLAIN + cap('scope = "PROJECT"\nmeasured = ["ISSUED"]\namount = "600"'),
            {"project": "P"},
            ["O1", "O2"],
            600_00,
        ),
        (
            PLAIN.replace('kind = "PAID"', 'kind = "PAID"\nonce_per_contract = true'),
            {"contract": "C"},
            ["O1", "O2"],
            500_00,
        ),
        (PLAIN, {}, ["O1", "O2"], 1_000_00),
    ],
)
def test_no_round_passes_a_ceiling_that_its_claims_share(
    text, claim, organisations, together, method
):
    found = allot(
        entries(fees(1000, **claim), fees(1000, **claim), organisations=organisations),
        read(text),
        100_000_00,
        method,
        is_part_given=True,
    )

    assert sum(one.awarded for one in found) == together


# Documents that could only be half obeyed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            PLAIN + cap('scope = "PROGRAMME"\nmeasured = ["ISSUED"]\namount = "100"'),
            "the pool is for everybody and by calendar year",
        ),
        (
            PLAIN + cap('scope = "PROGRAMME"\nperiod = "LIFETIME"\namount = "100"'),
            "the pool is for everybody and by calendar year",
        ),
        (
            PLAIN + cap('scope = "CONTRACT"\nmeasured = ["REDEEMED"]\namount = "100"'),
            "any number of vouchers could be issued until one is redeemed",
        ),
        (
            OFFSET.replace(OFFSET_TIER, '[[tiers]]\nclause = "x"\nfixed = "500"\n\n'),
            "an order in mode M3 knows only its holder's kind",
        ),
        (
            OFFSET.replace(
                OFFSET_TIER,
                '[[tiers]]\nclause = "x"\nrate = "0.2"\nyear_total_max = "5000"\n\n'
                '[[tiers]]\nclause = "x"\nrate = "0.5"\n\n',
            ),
            "an order in mode M3 knows only its holder's kind",
        ),
        (
            OFFSET + '\n[share]\nclause = "x"\nselect = "HIGHEST"\n',
            "takes the first tier that fits its holder",
        ),
        (
            PLAIN + STATE_AID + 'value_per_hour = "0.5"\n',
            "is for hours in kind; take it out",
        ),
        (
            PLAIN.replace(
                TIER,
                '[[tiers]]\nclause = "x"\nrate = "0.5"\nresources = ["compute"]\n\n'
                '[[tiers]]\nclause = "x"\nfixed = "100"\n',
            ),
            "let no other tier ask of single fees",
        ),
        (
            PLAIN.replace(TIER, BRACKETS + 'year_total_max = "500"\n'),
            "put brackets in rising order",
        ),
        (
            PLAIN.replace("[applicant]", "contract_months_max = 5000\n\n[applicant]", 1),
            "write a whole number from 0 to 1200",
        ),
    ],
)
def test_what_would_be_obeyed_in_part_is_refused(text, said):
    with pytest.raises(ProgrammeInvalid) as refusal:
        read(text)

    assert said in str(refusal.value)


# Facts that nobody knows


def facts(**more):
    return ApplicantFacts(
        **{
            "organisation_kind": "SME",
            "region": "CN-3502",
            "applied_on": DAY,
            "provider_related": False,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("text", "claim", "recommended"),
    [
        # Other support unknown: no more than the limit itself, and a person looks.
        (stacked(limit("0.40")), fees(1000), 400_00),
        # Which limit holds hangs on a size that nobody knows: then it is the lower one.
        (
            stacked(limit("0.40", 'kinds = ["LARGE_ENTERPRISE"]') + limit("0.80")),
            fees(1000, other_aid=()),
            400_00,
        ),
        (
            stacked(limit("0.80")),
            fees(
                1000,
                other_aid=(
                    OtherAid(
                        source="x", level="CITY", amount=Decimal(1), on=DAY, currency="EUR"
                    ),
                ),
            ),
            799_00,
        ),
        (
            PLAIN + cap('scope = "APPLICATION"\nkinds = ["SME"]\namount = "100"'),
            fees(1000),
            100_00,
        ),
        (
            PLAIN.replace(
                TIER,
                '[[tiers]]\nclause = "x"\nrate = "0.5"\nused = { until = 2026-06-30 }\n\n'
                '[[tiers]]\nclause = "x"\nrate = "0.1"\n',
            ),
            fees(1000),
            100_00,
        ),
        (
            PLAIN
            + cap(
                'scope = "ORGANISATION"\nperiod = "ROUND"\nmeasured = ["ISSUED"]\n'
                'amount = "900"'
            ),
            fees(1000),
            500_00,
        ),
        (shipped()["cn-nanning-2025"], fees(1000), 0),
    ],
)
def test_an_amount_that_hangs_on_an_unknown_fact_is_referred(text, claim, recommended):
    award = work_out(claim, read(text))

    assert (award.outcome, award.recommended) == ("REFER", recommended)


def test_a_limit_by_the_years_total_counts_the_year():
    text = stacked(limit("0.40", 'year_total_max = "500000"') + limit("0.80"))

    within = work_out(fees(1000, other_aid=()), read(text))
    beyond = work_out(fees(1000, other_aid=(), declared_this_year=Decimal(499_001)), read(text))

    assert (within.recommended, beyond.recommended) == (400_00, 800_00)


def test_a_claim_is_settled_within_the_common_limit_too():
    share = settle_claim(fees(500), 400_00, read(stacked(limit("0.40"))))

    assert share.covered == 200_00


@pytest.mark.parametrize(
    ("rule", "aid"),
    [
        ('levels = ["CITY"]\nsame = "ANYTHING"', {"level": ""}),
        ('regions = ["CN-35"]\nsame = "ANYTHING"', {"level": "CITY"}),
        ('kinds = ["COMPUTE"]\nsame = "ANYTHING"', {"level": "CITY"}),
        ('same = "CONTRACT"', {"level": "CITY"}),
    ],
)
def test_other_support_of_which_too_little_is_known_is_referred(rule, aid):
    text = PLAIN + f'\n[[exclusions]]\nclause = "x"\nstance = "DENY"\n{rule}\n'
    known = OtherAid(source="x", amount=Decimal(1), on=DAY, **aid)

    assert answer(facts(contract="C", other_aid=(known,)), read(text)).outcome == "REFER"


def test_minimal_aid_counts_what_this_programme_issued():
    past = Past(measure="ISSUED", on=date(2026, 1, 2), amount=500_00)
    linked, other = replace(past, is_own=False), replace(past, is_of_undertaking=False)
    law = read(PLAIN + STATE_AID)

    def left(*before):
        return work_out(fees(10_000, other_aid=(), past=before), law).recommended

    assert (left(), left(past), left(linked), left(other)) == (600_00, 100_00, 100_00, 600_00)


@pytest.mark.parametrize(
    ("rating", "outcome"), [("A", "PASS"), ("A-", "FAIL"), ("AA", "FAIL"), (None, "REFER")]
)
def test_a_rating_is_one_of_those_listed_and_none_that_begins_like_it(rating, outcome):
    text = PLAIN.replace('bars = ["SERIOUS', 'credit_ratings = ["A"]\nbars = ["SERIOUS')

    assert answer(facts(credit_rating=rating), read(text)).outcome == outcome


# Rounding and brackets


@pytest.mark.parametrize("tier", ['rate = "1"', 'fixed = "9000"'])
def test_rounding_up_gives_no_more_than_the_fee(tier):
    text = PLAIN.replace('rate = "0.50"', tier).replace(
        'of = "1"\ndecimals = 2\nmode = "DOWN"', 'of = "10000"\ndecimals = 0\nmode = "HALF_UP"'
    )

    assert work_out(fees(6000), read(text)).recommended == 0
    assert work_out(fees(24_000), read(text)).recommended in (20_000_00, 10_000_00)


def test_what_lies_beyond_the_last_bracket_is_said_and_referred():
    text = PLAIN.replace(
        TIER,
        '[share]\nclause = "x"\nselect = "MARGINAL"\notherwise = "REFER"\n\n'
        '[[tiers]]\nclause = "x"\nrate = "0.5"\nyear_total_max = "500"\n',
    )

    award = work_out(fees(1000), read(text))

    assert (award.outcome, award.recommended) == ("REFER", 250_00)
    assert award.reasons[0].en == "No share is given for 500 CNY of these fees."


def test_crossing_out_of_the_last_tier_is_seen():
    text = PLAIN.replace(
        TIER,
        '[share]\nclause = "x"\notherwise = "NOTHING"\ncrossing = "REFER"\n\n'
        '[[tiers]]\nclause = "x"\nrate = "0.5"\nyear_total_max = "500"\n',
    )

    award = work_out(fees(1000, declared_this_year=Decimal(400)), read(text))

    assert award.outcome == "REFER"
    assert "BRACKET_CROSSED" in [reason.code for reason in award.reasons]


def test_a_figure_too_fine_to_be_written_out_is_refused():
    text = '{"claim": {"as_of": "2026-01-01", "declared_this_year": "1E-999999999"}}'

    with pytest.raises(DossierInvalid, match="write a decimal"):
        read_dossier(text)


def test_years_before_the_first_are_no_error():
    text = PLAIN + cap(
        'scope = "UNDERTAKING"\nperiod = "ROLLING"\nrolling_years = 100\n'
        'measured = ["ISSUED"]\namount = "900"'
    )
    past = Past(measure="ISSUED", on=date(49, 1, 1), amount=800_00)

    found = work_out(fees(1000, as_of=date(50, 1, 1), past=(past,)), read(text))

    assert found.recommended == 100_00
