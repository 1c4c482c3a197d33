"""Providers as an authority has to do with them: one that asks, one that sells, one suspended."""

from dataclasses import dataclass
from datetime import datetime

from parties.models import User
from providers import actions
from providers.models import AccreditationApplication, Agreement
from tests import cast
from tests.cast import Authority, Seller


@dataclass(frozen=True)
class Market:
    """An authority of its own, so that its agreement stops nobody else's orders."""

    authority: Authority
    seller: Seller
    suspended: Seller
    newcomer: User
    application: AccreditationApplication
    accepted: Agreement
    agreement: Agreement


def make_market(at: datetime) -> Market:
    """Return providers in each state, with an agreement that was followed by another."""
    authority = cast.make_authority("Market Bureau")
    seller = cast.make_provider(authority, "Orchard Compute")
    suspended = cast.make_provider(authority, "Quarry Compute")
    accepted = cast.an_agreement(authority, from_on=at.date(), at=at)
    cast.an_accepted_agreement(accepted, seller, at=at)
    actions.record_node(
        provider=seller.provider,
        entry=actions.NodeEntry("orchard-1", "H100", 8, "CN-5101", None, None),
        actor=seller.person,
        at=at,
        key=cast.a_key("node"),
    )
    cast.a_suspension(authority, suspended, bills="WAIT", at=at)
    organisation, newcomer = cast.a_newcomer("Hopeful Compute")
    return Market(
        authority,
        seller,
        suspended,
        newcomer,
        cast.an_accreditation_application(authority, organisation, newcomer, at=at),
        accepted,
        cast.an_agreement(authority, text="One.\n\nTwo.", from_on=at.date(), at=at),
    )
