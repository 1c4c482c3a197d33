"""What providers ask of authorities, and what authorities decide about providers."""

from typing import Any

from parties.models import Organisation, User
from parties.roles import OrganisationKind, Role
from providers import actions
from providers.models import (
    AccreditationApplication,
    AccreditationDecision,
    Agreement,
    AgreementAcceptance,
    Suspension,
)
from tests.cast.basics import NOON, TODAY, a_key
from tests.cast.people import Authority, Seller, a_person, an_organisation, with_role


def a_newcomer(name: str = "New Compute") -> tuple[Organisation, User]:
    """Return an organisation that wants to sell compute, and the person who acts for it."""
    organisation = an_organisation(OrganisationKind.PROVIDER, name)
    return organisation, with_role(a_person("Nina Lu"), organisation, Role.PROVIDER)


def an_accreditation_application(
    authority: Authority, organisation: Organisation, person: User, **more: Any
) -> AccreditationApplication:
    """Return an application for AI and general compute that waits for its decision."""
    facts = {
        "items": ["AI_COMPUTE", "GENERAL_COMPUTE"],
        "regions": "CN-5101",
        "description": "Two halls in Chengdu.",
        "contact_name": "Nina Lu",
        "contact_email": "nina@example.org",
        "declared": True,
        "documents": [],
        "at": NOON,
        "key": a_key("apply"),
    }
    return actions.apply_for_accreditation(
        organisation=organisation,
        authority=authority.organisation,
        actor=person,
        **{**facts, **more},
    )


def a_decided_accreditation(
    application: AccreditationApplication, officer: User, **more: Any
) -> AccreditationDecision:
    """Return the decision that grants all that was asked for, by batch 2025-1."""
    facts = {"items": application.items, "batch": "2025-1", "at": NOON, "key": a_key("decide")}
    return actions.decide_accreditation(
        application=application, actor=officer, **{**facts, **more}
    )


def a_suspension(authority: Authority, seller: Seller, **more: Any) -> Suspension:
    """Return a suspension that stops new orders until it is lifted."""
    facts = {"note": "An audit is under way.", "at": NOON, "key": a_key("suspend")}
    return actions.suspend_provider(
        provider=seller.provider, actor=authority.officer, **{**facts, **more}
    )


def an_agreement(authority: Authority, **more: Any) -> Agreement:
    """Return the next version of an authority's agreement, in force from today on."""
    facts = {
        "title": "Framework",
        "title_zh": "",
        "text": "One.\r\nTwo.",
        "text_zh": "",
        "from_on": TODAY,
        "actor": authority.officer,
        "at": NOON,
        "key": a_key("publish"),
    }
    return actions.publish_agreement(authority=authority.organisation, **{**facts, **more})


def an_accepted_agreement(
    agreement: Agreement, seller: Seller, **more: Any
) -> AgreementAcceptance:
    """Return a provider's acceptance of exactly the text that was published."""
    facts = {
        "sha256": agreement.sha256,
        "actor": seller.person,
        "at": NOON,
        "key": a_key("accept"),
    }
    return actions.accept_agreement(
        agreement=agreement, organisation=seller.organisation, **{**facts, **more}
    )
