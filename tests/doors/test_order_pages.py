"""Both sides of an order see what was used and left, and do with it what is theirs to do."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from providers.queries import accepts_at_once
from tests.billing import stage
from tests.cast import (
    M3,
    a_hold,
    accepts_each,
    an_issued_voucher,
    an_sme,
    cancelled,
    make_provider,
    make_scene,
)
from tests.doors.pages import key_on, send, words
from vouchers import queries
from vouchers.models import Order, OrderUser, UseQuestion

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(db, now):
    return make_scene(M3)


@pytest.fixture
def order(scene):
    return a_hold(scene.voucher, scene.applicant, scene.seller)


@pytest.fixture
def waiting(scene):
    accepts_each(scene.seller)
    return a_hold(scene.voucher, scene.applicant, scene.seller)


def page_of(name, order, *more):
    return reverse(name, args=[order.code, *more])


def links(response):
    return response.content.decode()


def chosen(response):
    """Return the value of the radio that is chosen."""
    radios = re.findall(r"<input[^>]*type=\"radio\"[^>]*>", links(response))
    return next(re.search(r'value="(\w+)"', one)[1] for one in radios if "checked" in one)


# --- one order -------------------------------------------------------------------------------


def test_used_billed_and_left_stand_in_one_place(browser, scene, order, monkeypatch):
    stage.use(scene.seller, order, hours=40)
    stage.bill(scene, stage.a_line(hours="30"))
    monkeypatch.setattr(timezone, "now", lambda: stage.LATER)

    for person in (scene.applicant.person, scene.seller.person, scene.authority.officer):
        page = words(browser(person).get(page_of("order", order)))
        assert "Partly used" in page
        assert "40 GPU-hours Used" in page
        assert "30 GPU-hours Billed" in page
        assert "60 GPU-hours Left" in page
        assert "¥1,500.00 Still held" in page
        assert "60 GPU-hours of 100 GPU-hours are left" in page


def test_each_side_is_offered_what_it_may_do(browser, scene, waiting):
    holder = links(browser(scene.applicant.person).get(page_of("order", waiting)))
    provider = links(browser(scene.seller.person).get(page_of("order", waiting)))
    officer = links(browser(scene.authority.officer).get(page_of("order", waiting)))

    own = ("order_change", "order_cancel")
    assert all(page_of(name, waiting) in holder for name in (*own, "order_user_new"))
    assert all(page_of(name, waiting) in provider for name in (*own, "order_accept"))
    for name in ("order_accept", "order_decline"):
        assert page_of(name, waiting) not in holder
    assert page_of("order_user_new", waiting) not in provider
    for name in (*own, "order_accept", "order_decline", "order_user_new"):
        assert page_of(name, waiting) not in officer


def test_what_is_not_theirs_is_not_there(browser, scene, waiting):
    rival = make_provider(scene.authority, "Rival Compute")
    others = an_sme("Other Ltd")
    names = ("order", "order_accept", "order_decline", "order_change", "order_cancel")

    for name in (*names, "order_user_new"):
        for person in (rival.person, others.person):
            assert browser(person).get(page_of(name, waiting)).status_code == 404
        assert browser().get(page_of(name, waiting)).status_code == 302
    for name in ("order_accept", "order_decline"):
        answer = browser(scene.applicant.person).get(page_of(name, waiting))
        assert answer.status_code == 404
    assert (
        browser(scene.authority.officer).get(page_of("order_cancel", waiting)).status_code
        == 404
    )
    assert (
        browser(scene.seller.person).get(page_of("order_user_new", waiting)).status_code == 404
    )


# --- the provider's word ---------------------------------------------------------------------


def test_a_provider_accepts_what_it_read_once(browser, scene, waiting):
    client = browser(scene.seller.person)
    url = page_of("order_accept", waiting)
    page = client.get(url)
    assert "To be accepted by" in words(page)
    typed = {"hours": "100", "key": key_on(page)}

    answers = [client.post(url, typed) for _ in range(2)]

    assert [one.url for one in answers] == [page_of("order", waiting)] * 2
    waiting.refresh_from_db()
    assert waiting.status == "OPEN"


def test_hours_that_changed_meanwhile_are_said_on_the_page(browser, scene, waiting):
    client = browser(scene.seller.person)
    key = key_on(client.get(page_of("order_accept", waiting)))
    send(
        browser(scene.applicant.person),
        page_of("order_change", waiting),
        hours="200",
        reason="More runs.",
    )

    page = client.post(page_of("order_accept", waiting), {"hours": "100", "key": key})

    assert "is for 200 hours now" in words(page)
    waiting.refresh_from_db()
    assert waiting.status == "PLACED"


def test_a_provider_declines_with_a_reason_that_the_holder_reads(browser, scene, waiting):
    client = browser(scene.seller.person)
    asked = send(client, page_of("order_decline", waiting), reason="")
    assert "There is a problem" in words(asked)

    send(client, page_of("order_decline", waiting), reason="The cluster is full.")

    page = words(browser(scene.applicant.person).get(page_of("order", waiting)))
    assert "Why it ended The cluster is full." in page
    assert "Declined" in page
    assert queries.voucher_balance(scene.voucher).pending == 0


def test_a_provider_chooses_how_it_takes_orders(browser, scene):
    client = browser(scene.seller.person)
    assert chosen(client.get(reverse("order_acceptance"))) == "AT_ONCE"

    send(client, reverse("order_acceptance"), way="EACH")

    assert not accepts_at_once(scene.seller.provider)
    assert chosen(client.get(reverse("order_acceptance"))) == "EACH"
    assert browser(scene.applicant.person).get(reverse("order_acceptance")).status_code == 404


# --- changing, cancelling --------------------------------------------------------------------


def test_a_holder_changes_the_hours_and_both_see_it(browser, scene, order):
    send(
        browser(scene.applicant.person),
        page_of("order_change", order),
        hours="200",
        reason="Twice the runs.",
    )

    page = words(browser(scene.seller.person).get(page_of("order", order)))
    assert "¥3,000.00 Still held" in page
    assert "100 GPU-hours 200 GPU-hours ¥3,000.00 Twice the runs." in page


def test_a_refused_change_is_said_above_the_form(browser, scene, order):
    stage.use(scene.seller, order, hours=60)

    page = send(
        browser(scene.applicant.person),
        page_of("order_change", order),
        hours="50",
        reason="Fewer.",
    )

    assert "60 hours of the order" in words(page)
    assert 'value="50"' in page.content.decode()
    order.refresh_from_db()
    assert order.hold_amount == 1_500_00


def test_either_side_cancels_once(browser, scene, order):
    client = browser(scene.applicant.person)
    url = page_of("order_cancel", order)
    typed = {"reason": "The project waits.", "key": key_on(client.get(url))}

    answers = [client.post(url, typed) for _ in range(2)]

    assert [one.status_code for one in answers] == [302, 302]
    order.refresh_from_db()
    assert order.status == "CANCELLED"
    page = words(client.get(page_of("order", order)))
    assert "Cancelled" in page
    assert queries.voucher_balance(scene.voucher).free == 60_000_00


# --- who may use it --------------------------------------------------------------------------


def test_the_provider_sees_who_may_use_an_order(browser, scene, order):
    client = browser(scene.applicant.person)
    assert "Nobody is named." in words(client.get(page_of("order", order)))
    asked = send(client, page_of("order_user_new", order), name="Ada Lin")
    assert "an e-mail address or the login at the provider" in words(asked)

    send(client, page_of("order_user_new", order), name="Ada Lin", login="ada01")

    user = OrderUser.objects.get()
    seen = browser(scene.seller.person).get(page_of("order", order))
    assert "Ada Lin" in words(seen)
    assert page_of("order_user_end", order, user.pk) not in links(seen)
    hidden = words(browser(scene.authority.officer).get(page_of("order", order)))
    assert "ada01" not in hidden

    send(client, page_of("order_user_end", order, user.pk))
    assert "ada01" not in words(browser(scene.seller.person).get(page_of("order", order)))


def test_the_user_of_another_order_is_not_ended_here(browser, scene, order):
    client = browser(scene.applicant.person)
    send(client, page_of("order_user_new", order), name="Ada Lin", login="ada01")
    other = a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference="b")

    url = page_of("order_user_end", other, OrderUser.objects.get().pk)

    assert client.get(url).status_code == 404


# --- the list --------------------------------------------------------------------------------


def test_the_list_shows_ones_own_with_what_waits_first(browser, scene, order):
    accepts_each(scene.seller)
    waiting = a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference="b")
    others = an_sme("Other Ltd")
    theirs = a_hold(an_issued_voucher(scene.scheme, others), others, scene.seller)

    own = words(browser(scene.applicant.person).get(reverse("orders")))
    all_with_provider = words(browser(scene.seller.person).get(reverse("orders")))

    assert own.index(waiting.code) < own.index(order.code)
    assert theirs.code not in own
    assert theirs.code in all_with_provider


def test_the_list_is_filtered_by_status_and_words(browser, scene, order):
    again = a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference="proj-9")
    cancelled(order, scene.applicant.person)
    client = browser(scene.seller.person)

    by_status = words(client.get(reverse("orders"), {"status": "CANCELLED"}))
    by_words = words(client.get(reverse("orders"), {"words": "proj-9"}))
    nothing = words(client.get(reverse("orders"), {"words": "nobody"}))

    assert order.code in by_status
    assert again.code not in by_status
    assert again.code in by_words
    assert order.code not in by_words
    assert "No orders match." in nothing
    assert Order.objects.count() == 2


def test_an_empty_list_says_what_will_be_there(browser, now):
    page = words(browser(an_sme().person).get(reverse("orders")))

    assert "No orders yet." in page


# --- questions about use ---------------------------------------------------------------------


def test_a_line_of_use_is_asked_about_and_answered(browser, scene, order):
    stage.use(scene.seller, order, hours=4)
    holder, provider = browser(scene.applicant.person), browser(scene.seller.person)
    page = holder.get(page_of("order", order))
    url = page_of("use_question_new", order) + "?line=slurm%2Fjob-1"
    assert url in links(page)
    asked = holder.get(url)
    assert 'value="slurm/job-1" selected' in links(asked)

    send(holder, url, line="slurm/job-1", text="Who ran this?")

    question = UseQuestion.objects.get()
    answer_url = page_of("use_question_answer", order, question.pk)
    assert answer_url in links(provider.get(page_of("order", order)))
    assert answer_url not in links(holder.get(page_of("order", order)))
    assert holder.get(answer_url).status_code == 404
    send(provider, answer_url, text="Your nightly run.")
    assert "Who ran this?" in words(holder.get(page_of("order", order)))
    assert "Your nightly run." in words(holder.get(page_of("order", order)))


def test_only_lines_of_this_order_are_asked_about(browser, scene, order):
    holder = browser(scene.applicant.person)

    page = send(holder, page_of("use_question_new", order), line="slurm/job-9", text="Who?")

    assert "There is a problem" in words(page)
    assert not UseQuestion.objects.exists()
    assert (
        browser(scene.seller.person).get(page_of("use_question_new", order)).status_code == 404
    )
