"""Nonsense in an address, a header or a body is turned away in words, never with a crash."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    ["/catalogue/%00/", "/vouchers/%00/", "/bills/%00/", "/?next=%00", "/api/v1/orders/%00"],
)
def test_an_address_with_a_null_character_is_not_found(path):
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize(
    "shown", ["tess_live_\0", "tess_live_é", "tess_live_\x7f", "tess_live_"]
)
def test_a_key_that_no_key_can_be_is_refused(shown):
    answer = Client().get("/api/v1/orders", headers={"Authorization": f"Bearer {shown}"})

    assert answer.status_code == 401
    assert answer.json()["code"]


def test_the_door_without_a_password_is_the_demos_alone(settings):
    settings.DEMO = False
    assert (
        Client().post("/demo/sign-in", {"email": "officer.a@demo.example"}).status_code == 404
    )

    settings.DEMO = True
    assert Client().post("/demo/sign-in", {"email": "\0@demo.example"}).status_code == 404
    assert Client().post("/demo/sign-in", {"email": "finn@example.org"}).status_code == 404
