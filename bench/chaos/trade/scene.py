"""The scene of the trade: an authority, a provider with a key to the API, vouchers old and new."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction

from billing import actions as billing  # noqa: F401  (its models must be known before the cast)
from parties import actions as parties
from parties.models import User
from providers import actions as providers
from tests import cast
from vouchers import actions as vouchers

OLD_VOUCHERS = 24
# What the shipped programme says nothing of: what was paid and not owed sets itself off.
_RECOVERY = """
[recovery]
clause = "Article 21"
reply_days = 15
due_days = 30
offset = true
returns_to = "BUDGET"
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the trade has to know: codes, keys of rows, the API's secret, and its first instant."""

    begun_at: str
    programme: int
    provider: int
    offer: int
    offer_code: str
    secret: str
    voucher: int
    redemption_code: str
    seller: int
    holder: int
    officer: int
    finance: tuple[int, int, int]
    decisions: tuple[int, ...]
    # Of each person who sits at the portal's pages, by the account's number.
    sessions: dict[str, str]

    @property
    def begin(self) -> datetime:
        """The first instant: everything of the trade is dated from it."""
        return datetime.fromisoformat(self.begun_at)


def ensure_scene(path: Path) -> Scene:
    """Return the scene, set by actions in one transaction unless an earlier sitting has set it."""
    if not path.exists():
        fresh = path.with_suffix(".new")
        with transaction.atomic():
            scene = _set()
            fresh.write_text(json.dumps(asdict(scene)))
        fresh.replace(path)
    told = json.loads(path.read_text())
    lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
    return Scene(**{**told, **lists})


def _set() -> Scene:
    begin = datetime.now(UTC).replace(microsecond=0)
    authority = cast.make_authority()
    _own_account(authority)
    seller = cast.make_provider(authority)
    law = cast.policy_text(cast.M3) + _RECOVERY
    scheme = cast.make_programme(authority, cast.M3, budget=10**11, text=law)
    holder = cast.an_sme()
    decision = cast.an_approved_application(scheme, holder, fee_total="1000000.00")
    voucher = vouchers.issue_voucher(
        decision=decision,
        actor=authority.second_officer,
        at=begin - timedelta(days=60),
        key="issue the trade's voucher",
    )
    old = [
        cast.an_approved_application(scheme, cast.an_sme(f"Old Works {number}"))
        for number in range(OLD_VOUCHERS)
    ]
    _key, secret = providers.create_api_key(
        provider=seller.provider, name="chaos", actor=seller.person, at=begin, key="api"
    )
    people = (holder.person, authority.second_officer, *authority.finance)
    return Scene(
        begun_at=begin.isoformat(),
        programme=scheme.programme.pk,
        provider=seller.provider.pk,
        offer=seller.offer.pk,
        offer_code=seller.offer.code,
        secret=secret,
        voucher=voucher.pk,
        redemption_code=voucher.redemption_code,
        seller=seller.person.pk,
        holder=holder.person.pk,
        officer=authority.second_officer.pk,
        finance=(authority.finance[0].pk, authority.finance[1].pk, authority.finance[2].pk),
        decisions=tuple(one.pk for one in old),
        sessions={str(one.pk): _session_of(one) for one in people},
    )


def _session_of(person: User) -> str:
    """Sign a person in at the portal, and return the session's key."""
    (backend,) = settings.AUTHENTICATION_BACKENDS
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = backend
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def _own_account(authority: cast.Authority) -> None:
    """Give the authority an account to pay from."""
    detail = parties.propose_bank_detail(
        organisation=authority.organisation,
        scheme="OTHER",
        number="6222000099999999",
        agent="BKCHCNBJ",
        holder=authority.organisation.name,
        actor=authority.finance[1],
        at=cast.NOON,
        key="own account",
    )
    parties.approve_bank_detail(
        bank_detail=detail, actor=authority.finance[2], at=cast.NOON, key="own account"
    )
