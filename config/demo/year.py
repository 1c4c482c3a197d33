"""The whole of the demo, from an empty database to its last hour."""

from datetime import datetime
from functools import partial

from django.db import transaction

from config.demo.bills import Billing
from config.demo.catalogue import answer_orders, fill_catalogue
from config.demo.orders import Life, sweep
from config.demo.outcomes import plan_scores
from config.demo.payments import Treasury
from config.demo.people import Cast
from config.demo.programmes import open_programmes
from config.demo.providers import Market
from config.demo.requests import plan_requests
from config.demo.usage import plan_reports
from config.demo.world import World


@transaction.atomic
def live_through(*, seed: int, until: datetime, is_small: bool = False) -> World:
    """Make the demo's world and let it live until an instant, in one transaction.

    The same seed and instant give the same figures; only codes, which are secret, differ.
    """
    world = World.make(seed=seed, until=until, is_small=is_small)
    cast = Cast(world)
    gecko = fill_catalogue(world, cast)
    Market(world, cast, gecko)
    schemes = open_programmes(world, cast)
    billing, life = Billing(world, schemes), Life(world)
    life.answers = partial(answer_orders, world, gecko)
    life.claims = billing.claim
    plan_requests(world, schemes, life)
    plan_reports(world, schemes)
    billing.plan()
    Treasury(world, schemes).plan()
    plan_scores(world)
    sweep(world)
    world.live()
    return world
