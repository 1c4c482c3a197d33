"""Publish the framework text of an authority, and accept it for a provider."""

import hashlib
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from common.formatting import day_text
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import Organisation, User
from parties.queries import require_role
from parties.roles import Role
from providers.models import Agreement, AgreementAcceptance, Provider
from providers.queries.agreements import agreement_lacking

TEXT_MAX = 100_000


class AgreementTextMissing(Refused):
    """An agreement without a title or a text, or with too long a one."""

    code = "agreement_text_missing"
    sentence = _(
        "Give the agreement a title and a text in at least one language, of at most %(most)s "
        "characters."
    )


class AgreementInThePast(Refused):
    """A version that would bind from a day that is over."""

    code = "agreement_in_the_past"
    sentence = _(
        "A version can't be in force from %(from)s, which is over. Choose a later day."
    )


class AgreementChanged(Refused):
    """What was accepted is not the text that is kept."""

    code = "agreement_changed"
    sentence = _("This is not the text that you were shown. Open the page again and read it.")


class AgreementFollowed(Refused):
    """A newer version was published."""

    code = "agreement_followed"
    sentence = _("A newer version of “%(title)s” was published. Open it and accept that one.")


class AgreementAccepted(Refused):
    """The organisation accepted this version before."""

    code = "agreement_accepted"
    sentence = _("%(organisation)s has accepted this version already; nothing to do.")


class AgreementNotAccepted(Refused):
    """The provider may not take orders before it has accepted the authority's agreement."""

    code = "agreement_not_accepted"
    sentence = _(
        "%(provider)s has not accepted the agreement of %(authority)s that is in force, so it "
        "takes no new orders under its programmes. Choose another provider, or ask it to."
    )


@transaction.atomic
def publish_agreement(
    *,
    authority: Organisation,
    title: str,
    title_zh: str,
    text: str,
    text_zh: str,
    from_on: date,
    actor: User,
    at: datetime,
    key: str,
) -> Agreement:
    """Publish the next version of an authority's framework text, in force from a day on (UTC).

    From that day a provider takes no new order under the authority's programmes before it has
    accepted this version; orders placed before go on.

    :raises NotAllowed: if the person is no officer or administrator of the authority.
    :raises AgreementTextMissing: if neither language has a title and a text.
    :raises AgreementInThePast: if the day is over.
    """
    require_role(actor, Role.OFFICER, Role.ADMIN, organisation=authority)
    texts = {
        "title": title.strip(),
        "title_zh": title_zh.strip(),
        "text": _lines(text),
        "text_zh": _lines(text_zh),
    }
    has_one = (texts["title"] and texts["text"]) or (texts["title_zh"] and texts["text_zh"])
    if not has_one or max(map(len, texts.values())) > TEXT_MAX:
        raise AgreementTextMissing(most=f"{TEXT_MAX:,}")
    sha256 = fingerprint(**texts)
    act = ledger.begin(
        kind=ActKind.PUBLISH_AGREEMENT,
        key=key,
        actor=actor.address,
        about=authority.address,
        at=at,
        payload={"sha256": sha256, "from_on": from_on},
        details={"sha256": sha256},
    )
    if act.is_replay:
        return Agreement.objects.get(act_id=act.id)
    if from_on < day_of(at):
        raise AgreementInThePast(**{"from": day_text(from_on)})
    # Two versions of an authority queue here for the next number.
    Organisation.objects.select_for_update(no_key=True).get(pk=authority.pk)
    newest = Agreement.objects.filter(authority=authority).order_by("-number").first()
    return Agreement.objects.create(
        authority=authority,
        number=newest.number + 1 if newest else 1,
        sha256=sha256,
        from_on=from_on,
        published_by=actor,
        published_at=at,
        act_id=act.id,
        **texts,
    )


def _lines(text: str) -> str:
    """Return a text with the line ends of every program alike, as its fingerprint needs them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def fingerprint(*, title: str, title_zh: str, text: str, text_zh: str) -> str:
    """Return the SHA-256 of an agreement's four texts, each with its length, in hexadecimal."""
    digest = hashlib.sha256()
    for one in (title, title_zh, text, text_zh):
        content = one.encode()
        digest.update(b"%d:" % len(content) + content)
    return digest.hexdigest()


@transaction.atomic
def accept_agreement(
    *,
    agreement: Agreement,
    organisation: Organisation,
    sha256: str,
    actor: User,
    at: datetime,
    key: str,
) -> AgreementAcceptance:
    """Accept a version of an agreement for a provider, by the fingerprint of the text read.

    :raises NotAllowed: if the person does not act for the provider.
    :raises AgreementChanged: if the fingerprint is another text's.
    :raises AgreementFollowed: if a newer version was published.
    :raises AgreementAccepted: if the organisation accepted it before.
    """
    require_role(actor, Role.PROVIDER, organisation=organisation)
    if sha256 != agreement.sha256:
        raise AgreementChanged
    act = ledger.begin(
        kind=ActKind.ACCEPT_AGREEMENT,
        key=key,
        actor=actor.address,
        about=organisation.address,
        at=at,
        payload={"agreement": agreement.pk, "sha256": sha256},
        details={"agreement": agreement.number, "sha256": sha256},
    )
    if act.is_replay:
        return AgreementAcceptance.objects.get(act_id=act.id)
    # Two colleagues at once queue here, so that the second sees what the first did.
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    later = Agreement.objects.filter(
        authority=agreement.authority_id, number__gt=agreement.number
    )
    if later.exists():
        raise AgreementFollowed(title=agreement.title_here)
    if AgreementAcceptance.objects.filter(
        agreement=agreement, organisation=organisation
    ).exists():
        raise AgreementAccepted(organisation=organisation.name_here)
    return AgreementAcceptance.objects.create(
        agreement=agreement,
        organisation=organisation,
        sha256=sha256,
        accepted_by=actor,
        accepted_at=at,
        act_id=act.id,
    )


def require_agreed(provider: Provider, authority: Organisation, at: datetime) -> None:
    """Refuse a provider that has not accepted the authority's agreement, if it has one.

    :raises AgreementNotAccepted: if the version in force is not accepted.
    """
    if agreement_lacking(authority, provider.organisation, at) is not None:
        raise AgreementNotAccepted(
            provider=provider.organisation.name_here, authority=authority.name_here
        )
