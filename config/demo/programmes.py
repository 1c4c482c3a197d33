"""The three programmes: shipped documents with their dates and days moved, and their rounds."""

import re
from datetime import datetime

from common.money import GPU_MS_PER_HOUR
from config.demo.people import Cast
from config.demo.world import Scheme, Shop, World
from policy.programme import shipped
from vouchers import actions

OFFSET, CLAIMS, HOURS = "demo-offset", "demo-claims", "demo-gpu-hours"
# The first day and the last of each round, in days of the demo; the last is still open.
ROUNDS = ((1, 20), (85, 104), (231, 320))
HOLD_DAYS, VALIDITY_DAYS, VALIDITY_LEAST = 60, 119, 45
STAYS_OPEN_DAYS = 120

_TITLES = {
    OFFSET: ("Compute vouchers at the counter (demo year)", "算力券抵扣（演示年度）"),
    CLAIMS: ("Compute vouchers after use (demo year)", "算力券后补助（演示年度）"),
    HOURS: ("Research GPU-hours (demo year)", "科研卡时（演示年度）"),
}
_SHIPPED = {OFFSET: "cn-chengdu-2025", CLAIMS: "cn-nanning-2025", HOURS: "uk-airr"}
# Minor units, or GPU-ms, for each round.
_BUDGETS = {
    OFFSET: 900_000_00,
    CLAIMS: 120_000_00,
    HOURS: 12_000 * GPU_MS_PER_HOUR,
}


def document(code: str, world: World) -> str:
    """Return the text of a programme of the demo, made of a shipped one."""
    calendar = world.calendar
    first, last = calendar.start.date(), calendar.on(ROUNDS[-1][1] + STAYS_OPEN_DAYS)
    title, title_zh = _TITLES[code]
    changes = [
        (r'^code = ".*"$', f'code = "{code}"'),
        (r'^title_en = ".*"$', f'title_en = "{title}"'),
        (r'^title_zh = ".*"$', f'title_zh = "{title_zh}"'),
        (r'^issuer = ".*"$', 'issuer = "Demo authority / 演示主管部门"'),
        (r"(^\[validity\]\n(?:.*\n)*?days = )\d+$", rf"\g<1>{calendar.length(VALIDITY_DAYS)}"),
        (r"^days_min = \d+$", f"days_min = {calendar.length(VALIDITY_LEAST)}"),
    ]
    window = f"{{ from = {first}, until = {last} }}"
    if code == CLAIMS:
        changes.append((r"^application = .*$", f"application = {window}"))
        changes.append((r"^use = .*$", f"use = {window}"))
    else:
        changes.append((r"(^\[windows\]\nclause = .*$)", rf"\g<1>\napplication = {window}"))
        hold = rf"\g<1>{calendar.length(HOLD_DAYS)}"
        changes.append((r"(^\[hold\]\nclause = .*\ndays = )\d+$", hold))
    if code == HOURS:
        changes.append((r"^open = \{ until = .* \}$", f"open = {{ until = {last} }}"))
        changes.append((r"^months = 3$", f"months = {1 if world.is_small else 3}"))
    text = shipped()[_SHIPPED[code]]
    for pattern, made in changes:
        text, count = re.subn(pattern, made, text, flags=re.MULTILINE)
        if not count:
            raise ValueError(f"{_SHIPPED[code]} has no line like {pattern}")
    note = f"# Demonstration, made of {_SHIPPED[code]}: dates and days are moved.\n"
    return note + text


def open_programmes(world: World, cast: Cast) -> dict[str, Scheme]:
    """Create the three programmes, put their policies in force, and plan their rounds."""
    shops = [Shop(seller) for seller in cast.sellers]
    china = [one for one in shops if one.seller.organisation.country == "CN"]
    britain = [one for one in shops if one.seller.organisation.country == "GB"]
    others = [one for one in cast.china if not one.script]
    parts = {
        OFFSET: (cast.bureau, cast.china, china),
        CLAIMS: (cast.bureau, others, china),
        HOURS: (cast.council, cast.britain, britain),
    }
    schemes = {}
    for code, (office, applicants, sellers) in parts.items():
        title, title_zh = _TITLES[code]
        programme = actions.create_programme(
            code=code,
            title=title,
            title_zh=title_zh,
            authority=office.organisation,
            text=document(code, world),
            actor=office.officer,
            at=world.now,
            key=world.key(),
        )
        actions.release_policy(
            version=programme.policy_versions.get(number=1),
            effective_from_on=world.calendar.on(-1),
            actor=office.second_officer,
            at=world.now,
            key=world.key(),
        )
        schemes[code] = Scheme(programme, office, applicants, sellers)
        for number, days in enumerate(ROUNDS, start=1):
            _plan_round(world, schemes[code], number, *days)
    return schemes


def _plan_round(world: World, scheme: Scheme, number: int, first: int, last: int) -> None:
    programme, office = scheme.programme, scheme.office
    year = world.calendar.on(first).year

    def open_it(at: datetime) -> None:
        scheme.rounds.append(
            actions.open_round(
                programme=programme,
                code=f"{year}-{number}",
                fiscal_year=year,
                budget=_BUDGETS[programme.code],
                opens_on=world.calendar.on(first),
                closes_on=world.calendar.on(last),
                actor=office.finance[0],
                at=at,
                key=world.key(),
            )
        )

    world.plan(world.calendar.at(first), open_it)
