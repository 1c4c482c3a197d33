"""A holder names who of its teams may use an order; the provider sees who, and since when."""

import pytest

from ledger.actions import KeyReused
from ledger.queries import extent
from parties.queries import NotAllowed
from tests import cast
from vouchers import actions, queries
from vouchers.models import OrderUser

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.make_scene()


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def name(scene, order, *, person="Ada Lin", email="", login="ada01", key=None, actor=None):
    return actions.name_order_user(
        order=order,
        name=person,
        email=email,
        login=login,
        actor=actor or scene.applicant.person,
        at=cast.NOON,
        key=key or cast.a_key("name"),
    )


def end(scene, user, key=None, actor=None):
    return actions.end_order_user(
        user=user,
        actor=actor or scene.applicant.person,
        at=cast.NOON,
        key=key or cast.a_key("end"),
    )


def refuses(refusal, ask, match=None):
    before, found = extent(), list(OrderUser.objects.values_list("pk", "ended_at"))
    with pytest.raises(refusal, match=match):
        ask()
    assert (extent(), list(OrderUser.objects.values_list("pk", "ended_at"))) == (before, found)


def test_who_is_named_may_use_the_order_until_that_is_ended(scene, order):
    ada = name(scene, order, key="n")
    bo = name(scene, order, person="Bo", email="bo@example.org", login="")

    assert name(scene, order, key="n") == ada
    assert list(queries.users_of(order)) == [ada, bo]
    assert queries.users_named([order]) == {order.pk: [ada, bo]}

    ended = end(scene, ada, key="e")
    assert end(scene, ada, key="e") == ended
    assert list(queries.users_of(order)) == [bo]
    # Named again, it is another row: what was stays written.
    again = name(scene, order)
    assert again.pk != ada.pk
    assert OrderUser.objects.count() == 3


def test_nobody_is_named_twice_or_under_a_used_key(scene, order):
    name(scene, order, key="n")

    refuses(actions.OrderUserNamed, lambda: name(scene, order, person="Ada L."), "Ada L.")
    refuses(KeyReused, lambda: name(scene, order, login="other", key="n"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"person": " "},
        {"person": "x" * 81},
        {"login": ""},
        {"login": "x" * 81},
        {"email": "not an address", "login": ""},
        {"email": "not an address"},
    ],
)
def test_whom_no_provider_could_find_is_not_named(scene, order, wrong):
    refuses(actions.OrderUserInvalid, lambda: name(scene, order, **wrong))


def test_only_the_holder_names_and_ends(scene, order):
    ada = name(scene, order)

    for actor in (
        scene.seller.person,
        scene.authority.officer,
        cast.an_sme("Other Ltd").person,
    ):
        refuses(NotAllowed, lambda a=actor: name(scene, order, login="b", actor=a))
        refuses(NotAllowed, lambda a=actor: end(scene, ada, actor=a))


def test_who_may_not_use_it_any_more_is_not_ended_again(scene, order):
    ada = name(scene, order)
    end(scene, ada)

    refuses(actions.OrderUserEnded, lambda: end(scene, ada), "Ada Lin may not")


def test_an_order_that_is_over_gets_nobody(scene, order):
    cast.cancelled(order, scene.applicant.person)

    refuses(actions.OrderNotOpen, lambda: name(scene, order))


def test_an_order_has_so_many_people_and_no_more(scene, order, monkeypatch):
    monkeypatch.setattr(actions.order_users, "USERS_MAX", 2)
    name(scene, order, login="a")
    name(scene, order, login="b")

    refuses(actions.OrderUsersFull, lambda: name(scene, order, login="c"), "^2 people")
