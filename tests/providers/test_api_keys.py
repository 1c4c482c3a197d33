"""An API key opens its provider's door until it is revoked, and only its digest is kept."""

import pytest
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from parties.queries import NotAllowed
from providers import actions
from providers.authentication import ApiKeyAuthentication, digest_of
from providers.models import ApiKey
from providers.queries import api_key_matching
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    return cast.make_provider(cast.make_authority())


def create(seller, key="k", actor=None):
    return actions.create_api_key(
        provider=seller.provider,
        name="the meter",
        actor=actor or seller.person,
        at=cast.NOON,
        key=key,
    )


def caller(header):
    headers = {"HTTP_AUTHORIZATION": header} if header else {}
    return ApiKeyAuthentication().authenticate(
        Request(APIRequestFactory().get("/api/v1/orders", **headers))
    )


def test_the_secret_is_shown_once_and_kept_as_a_digest(seller):
    api_key, secret = create(seller)

    assert secret.startswith("tess_live_")
    assert len(secret) == 53
    assert api_key.digest == digest_of(secret)
    assert api_key.prefix == secret[:16]
    assert create(seller) == (api_key, "")
    assert ApiKey.objects.count() == 1


def test_a_secret_finds_its_key_and_nothing_else_does(seller):
    api_key, secret = create(seller)

    assert api_key_matching(secret, cast.NOON) == api_key
    assert api_key_matching(secret + "x", cast.NOON) is None
    assert (
        api_key_matching(secret[:-1] + ("a" if secret[-1] != "a" else "b"), cast.NOON) is None
    )
    assert api_key_matching("", cast.NOON) is None
    assert api_key_matching(api_key.digest, cast.NOON) is None


def test_the_caller_is_the_provider(seller):
    api_key, secret = create(seller)

    user, auth = caller(f"Bearer {secret}")

    assert user.is_authenticated
    assert user.provider == seller.provider
    assert user.address == f"provider:{seller.organisation.code}"
    assert auth == api_key
    assert ApiKey.objects.get().used_at is not None


def test_no_key_is_no_caller(seller):
    assert caller("") is None
    assert caller("Basic abc") is None


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer tess_live_unknown",
        "Bearer other",
        "Bearer tess_live_a b",
        "Bearer tess_live_\xff",
    ],
)
def test_a_wrong_key_is_turned_away(seller, header):
    create(seller)

    with pytest.raises(AuthenticationFailed, match="unknown or was revoked"):
        caller(header)


def test_a_revoked_key_opens_nothing(seller):
    api_key, secret = create(seller)

    actions.revoke_api_key(api_key=api_key, actor=seller.person, at=cast.NOON, key="r")

    assert api_key_matching(secret, cast.NOON) is None
    with pytest.raises(AuthenticationFailed):
        caller(f"Bearer {secret}")
    with pytest.raises(actions.ApiKeyRevoked):
        actions.revoke_api_key(api_key=api_key, actor=seller.person, at=cast.NOON, key="r2")


def test_only_the_provider_s_people_create_and_revoke_keys(seller):
    stranger = cast.a_person()
    api_key, secret = create(seller)

    with pytest.raises(NotAllowed):
        create(seller, key="x", actor=stranger)
    with pytest.raises(NotAllowed):
        actions.revoke_api_key(api_key=api_key, actor=stranger, at=cast.NOON, key="y")
    assert api_key_matching(secret, cast.NOON) == api_key
