"""A key opens what its kind may do, from where it may be used, until it ends; so does a client."""

import base64
import re
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.test import Client
from django.urls import reverse
from oauth2_provider.models import AccessToken, Application

from config.urls import api_urlpatterns
from providers import actions
from providers.api import Operation
from providers.api.operations import Unknown
from providers.kinds import KeyKind, Scope, scopes_of
from providers.models import ApiKey
from tests.cast import M3, a_key, make_provider, make_scene
from tests.doors.pages import key_on, send, words
from tests.doors.programs import JULY, Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(now):
    return make_scene(M3)


@pytest.fixture
def client_of(scene):
    """Return a provider's client with its own secret, as its program keeps them."""

    def make(**more):
        return actions.create_api_client(
            provider=scene.seller.provider,
            name="billing server",
            actor=scene.seller.person,
            at=JULY,
            key=a_key(),
            **more,
        )

    return make


def ask_token(shown, *, secret=None, **more):
    pair = base64.b64encode(f"{shown.client_id}:{secret or shown.secret}".encode()).decode()
    return Client().post(
        "/api/v1/oauth/token",
        {"grant_type": "client_credentials", **more},
        headers={"Authorization": f"Basic {pair}"},
    )


def with_token(token):
    return Client(headers={"Authorization": f"Bearer {token}"})


# --- what a kind may do ----------------------------------------------------------------------


def test_a_read_only_key_reads_and_changes_nothing(scene):
    program = Program(scene.seller, kind=KeyKind.READ)

    assert program.secret.startswith("tess_read_")
    assert program.get("orders").status_code == 200
    assert program.post("vouchers/check", {"redemption_code": "X"}).status_code == 404
    for path in ("redemptions", "usage", "bills"):
        answer = program.post(path, {}, key="k-1")
        assert answer.status_code == 403
        assert answer.json()["code"] == "scope_missing"
        assert answer.json()["values"]["scope"].endswith(":write")


def operations():
    """Return every operation of the API, but the one that stands for all addresses without one."""
    views = [getattr(one.callback, "cls", None) for one in api_urlpatterns]
    return [one for one in views if one and issubclass(one, Operation) and one is not Unknown]


def test_every_operation_states_what_it_asks_for():
    stated = {}
    for view in operations():
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method):
                stated[view.__name__, method] = view.scopes.get(method.upper())
    assert stated
    assert None not in stated.values()
    for (_view, method), scope in stated.items():
        # What reads may be a POST; what is no POST here changes nothing.
        assert scope.is_reading or method == "post"


def test_what_is_done_once_a_key_keeps_its_first_answer():
    writing = [view for view in operations() if hasattr(view, "post")]
    assert writing
    for view in writing:
        is_writing = not view.scopes["POST"].is_reading
        assert getattr(view.post, "is_once", False) == is_writing, view


# --- from where ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "status"), [("203.0.113.9", 200), ("203.0.114.9", 403), ("2001:db8::1", 403)]
)
def test_a_key_is_used_from_its_networks_alone(scene, address, status):
    program = Program(scene.seller, networks=["203.0.113.7/24"])

    answer = program.client.get("/api/v1/orders", REMOTE_ADDR=address)

    assert answer.status_code == status
    assert ApiKey.objects.get().networks == ["203.0.113.0/24"]
    if status == 403:
        assert answer.json()["code"] == "address_not_allowed"
        assert answer.json()["values"] == {"address": address}


def test_a_caller_can_not_write_itself_another_address(scene, settings):
    program = Program(scene.seller, networks=["203.0.113.0/24"])
    forged = {"X-Forwarded-For": "203.0.113.9"}

    def asked(headers, peer):
        return program.client.get("/api/v1/orders", headers=headers, REMOTE_ADDR=peer)

    assert asked(forged, "198.51.100.1").status_code == 403
    settings.TRUSTED_PROXIES = 1
    assert asked(forged, "10.0.0.1").status_code == 200
    forged = {"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}
    assert asked(forged, "10.0.0.1").status_code == 403


def test_the_last_use_tells_when_and_from_where(scene, now, browser):
    program = Program(scene.seller)

    program.client.get("/api/v1/orders", REMOTE_ADDR="203.0.113.9")

    api_key = ApiKey.objects.get()
    assert (api_key.used_at, api_key.used_from) == (now, "203.0.113.9")
    assert "203.0.113.9" in words(browser(scene.seller.person).get(reverse("api_keys")))


@pytest.mark.parametrize("given", ["here", "203.0.113.0/33", "1.2.3"])
def test_what_is_no_network_is_refused_and_nothing_is_made(scene, given):
    with pytest.raises(actions.NetworkInvalid):
        Program(scene.seller, networks=[given])
    assert not ApiKey.objects.exists()


# --- rolled ----------------------------------------------------------------------------------


def test_a_rolled_key_works_until_the_instant_that_was_chosen(scene, now, monkeypatch):
    program = Program(scene.seller, networks=["127.0.0.0/8"])
    made, shown = actions.roll_api_key(
        api_key=program.api_key,
        ends_at=now + timedelta(hours=1),
        actor=scene.seller.person,
        at=now,
        key="roll",
    )
    again = actions.roll_api_key(
        api_key=program.api_key,
        ends_at=now + timedelta(hours=1),
        actor=scene.seller.person,
        at=now,
        key="roll",
    )

    new = with_token(shown.secret)
    assert (again[0], again[1].secret) == (made, "")
    assert (made.replaces, made.networks) == (program.api_key, ["127.0.0.0/8"])
    assert program.get("orders").status_code == new.get("/api/v1/orders").status_code == 200
    monkeypatch.setattr("django.utils.timezone.now", lambda: now + timedelta(hours=1))
    assert program.get("orders").status_code == 401
    assert new.get("/api/v1/orders").status_code == 200


def test_a_key_is_rolled_once_and_not_for_ever(scene, now):
    program = Program(scene.seller)

    def roll(hours, key):
        return actions.roll_api_key(
            api_key=program.api_key,
            ends_at=now + timedelta(hours=hours),
            actor=scene.seller.person,
            at=now,
            key=key,
        )

    with pytest.raises(actions.OverlapTooLong):
        roll(24 * 30 + 1, "a")
    assert ApiKey.objects.get().ends_at is None
    roll(24, "b")
    with pytest.raises(actions.ApiKeyRolled):
        roll(24, "c")
    assert ApiKey.objects.count() == 2


def test_the_page_rolls_limits_and_shows_the_new_secret_once(browser, scene):
    program = Program(scene.seller)
    client = browser(scene.seller.person)

    page = send(client, reverse("api_key_roll", args=[program.api_key.pk]), overlap="24")
    made = ApiKey.objects.get(replaces=program.api_key)
    send(client, reverse("api_key_limit", args=[made.pk]), networks="203.0.113.0/24 ::1/128")

    assert re.search(r"tess_live_[\w-]{43}", words(page))
    assert page["Cache-Control"] == "no-store"
    listed = words(client.get(reverse("api_keys")))
    assert "203.0.113.0/24 , ::1/128" in listed
    assert "Rolled until" in listed
    made.refresh_from_db()
    assert made.networks == ["203.0.113.0/24", "::1/128"]


def test_a_wrong_network_is_told_beside_its_field(browser, scene):
    client = browser(scene.seller.person)

    page = send(
        client, reverse("api_keys"), name="x", kind="LIVE", use="KEY", networks="nowhere"
    )

    assert "“nowhere” is no network." in words(page)
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("name", ["api_key_roll", "api_key_limit", "api_key_revoke"])
def test_a_key_of_another_provider_is_not_there(browser, scene, name):
    program = Program(scene.seller)
    other = make_provider(scene.authority, "Other Compute")

    answer = browser(other.person).get(reverse(name, args=[program.api_key.pk]))

    assert answer.status_code == 404


# --- clients ---------------------------------------------------------------------------------


def test_a_client_gets_a_short_lived_token_that_opens_its_provider(scene, client_of):
    api_key, shown = client_of()

    told = ask_token(shown).json()

    assert (told["token_type"], told["expires_in"]) == ("Bearer", 600)
    assert set(told["scope"].split()) == {scope.value for scope in Scope}
    (offer,) = with_token(told["access_token"]).get("/api/v1/offers").json()["results"]
    assert offer["code"] == scene.seller.offer.code
    api_key.refresh_from_db()
    assert api_key.used_at is not None


def test_neither_secret_nor_token_is_kept(client_of):
    _api_key, shown = client_of()

    token = ask_token(shown).json()["access_token"]

    kept = str(list(Application.objects.values())) + str(list(AccessToken.objects.values()))
    assert shown.secret not in kept
    assert token not in kept
    assert identify_hasher(Application.objects.get().client_secret)


def test_a_token_has_no_more_than_was_asked_for(client_of):
    _api_key, shown = client_of()

    token = ask_token(shown, scope="orders:read").json()["access_token"]

    assert with_token(token).get("/api/v1/orders").status_code == 200
    assert with_token(token).get("/api/v1/offers").json()["code"] == "scope_missing"


def test_a_read_only_client_gets_no_right_to_write(client_of):
    _api_key, shown = client_of(kind=KeyKind.READ)

    assert set(ask_token(shown).json()["scope"].split()) == set(scopes_of(KeyKind.READ))
    refused = ask_token(shown, scope="usage:write")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_a_wrong_secret_or_another_grant_gets_no_token(client_of):
    _api_key, shown = client_of()

    assert ask_token(shown, secret="wrong").json()["error"] == "invalid_client"
    assert ask_token(shown, grant_type="password").status_code == 400
    assert not AccessToken.objects.exists()


def test_a_token_ends(client_of, now, monkeypatch):
    _api_key, shown = client_of()
    token = ask_token(shown).json()["access_token"]
    AccessToken.objects.update(expires=now)

    assert with_token(token).get("/api/v1/orders").status_code == 401


def test_a_revoked_client_opens_nothing_with_the_tokens_it_has(scene, client_of):
    api_key, shown = client_of()
    token = ask_token(shown).json()["access_token"]

    actions.revoke_api_key(api_key=api_key, actor=scene.seller.person, at=JULY, key="r")

    assert with_token(token).get("/api/v1/orders").status_code == 401
    assert ask_token(shown).json()["error"] == "invalid_client"


def test_a_client_is_rolled_like_a_key(scene, client_of, now):
    api_key, shown = client_of()

    made, new = actions.roll_api_key(
        api_key=api_key, ends_at=now, actor=scene.seller.person, at=now, key="roll"
    )

    assert ask_token(shown).json()["error"] == "invalid_client"
    assert ask_token(new).status_code == 200
    assert made.application.client_id == new.client_id != shown.client_id


def test_the_page_makes_a_client_and_shows_its_secret_once(browser, scene):
    client = browser(scene.seller.person)
    typed = {"name": "erp", "kind": "READ", "use": "CLIENT"}
    typed["key"] = key_on(client.get(reverse("api_keys")))

    first = words(client.post(reverse("api_keys"), typed))
    again = words(client.post(reverse("api_keys"), typed))

    made = ApiKey.objects.get()
    assert made.application.client_id in first
    assert "/api/v1/oauth/token" in first
    secret = re.search(r"client_secret ([\w-]{43})", first)
    assert secret is not None
    assert secret.group(1) not in again
    assert made.kind == KeyKind.READ
