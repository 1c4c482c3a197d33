"""People are told what was done: once, in their language, with the page where they see it."""

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.test import Client

from notices import actions, queries
from notices.models import Horizon, Message, Told
from parties import actions as parties
from parties.models import User
from parties.roles import Role
from providers import actions as providers
from tests import cast
from tests.cast import NOON
from tests.scoring import road
from vouchers import actions as vouchers

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=60)


def letters_to(user: User) -> list[tuple[str, str]]:
    return list(Message.objects.filter(user=user).order_by("pk").values_list("subject", "path"))


def sweep(at: datetime = LATER) -> int:
    return actions.write_letters(at=at)


def test_an_applicant_is_told_from_sent_to_voucher():
    scene = cast.make_scene()
    sweep()
    reference, code = scene.voucher.decision.application.reference, scene.voucher.code
    assert letters_to(scene.applicant.person) == [
        (f"We have your application {reference}", f"/applications/{reference}/"),
        (f"Your application {reference} was approved", f"/applications/{reference}/"),
        (f"Your voucher is ready: {code}", f"/vouchers/{code}/"),
    ]
    body = Message.objects.get(user=scene.applicant.person, subject__startswith="Your voucher")
    assert "¥60,000.00" in body.body
    assert scene.voucher.redemption_code not in body.body


def test_a_letter_is_in_the_language_of_who_reads_it():
    scene = cast.make_scene()
    second = cast.with_role(
        cast.a_person("Wang Fang"), scene.applicant.organisation, Role.APPLICANT
    )
    User.objects.filter(pk=second.pk).update(language="zh-hans")
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    sweep()
    english = Message.objects.get(user=scene.applicant.person, path=f"/orders/{order.code}/")
    chinese = Message.objects.get(user=second, path=f"/orders/{order.code}/")
    assert english.subject == f"Order {order.code}: ¥1,500.00 is held"
    assert order.code in chinese.subject
    assert "30 June 2025" not in chinese.body


def test_a_refusal_gives_its_reasons():
    authority = cast.make_authority()
    scheme = cast.make_programme(authority)
    applicant = cast.an_sme()
    application = cast.a_sent_application(scheme, applicant)
    vouchers.decide_application(
        application=application,
        outcome="FAIL",
        awarded=None,
        note="The fee is for storage alone.",
        actor=authority.officer,
        at=NOON,
        key=cast.a_key(),
    )
    sweep()
    letter = queries.inbox(applicant.person).first()
    assert letter.subject == f"Your application {application.reference} was not approved"
    assert "• The fee is for storage alone." in letter.body


def test_a_provider_is_told_what_is_due_and_what_was_paid():
    scene = cast.make_scene()
    road.used_and_settled(scene.scheme, scene.seller, scene.voucher, scene.applicant, hours=40)
    road.answered_by_bank(scene.scheme, road.sent_to_bank(scene.scheme))
    sweep()
    number = scene.seller.provider.bills.get().number
    subjects = [subject for subject, _path in letters_to(scene.seller.person)][-3:]
    assert subjects == [
        f"We have your bill {number}",
        f"Bill {number} is settled",
        "Payment of ¥600.00 sent",
    ]


def test_a_returned_payment_asks_the_payee_and_finance_to_act():
    scene = cast.make_scene()
    road.used_and_settled(scene.scheme, scene.seller, scene.voucher, scene.applicant, hours=40)
    batch = road.sent_to_bank(scene.scheme)
    road.answered_by_bank(scene.scheme, batch, returned=True)
    sweep()
    subject = "Action needed: the payment of ¥600.00 to Acme Compute came back"
    assert letters_to(scene.seller.person)[-1] == (subject, "/organisation/")
    for person in scene.authority.finance:
        assert letters_to(person)[-1] == (subject, f"/batches/{batch.code}/")


def test_a_batch_is_announced_to_those_who_may_take_the_next_step():
    scene = cast.make_scene()
    road.used_and_settled(scene.scheme, scene.seller, scene.voucher, scene.applicant, hours=40)
    batch = road.sent_to_bank(scene.scheme)
    sweep()
    waits = f"Action needed: batch {batch.code} waits for a second approval"
    ready = f"Action needed: batch {batch.code} waits to be released"
    told = [
        [subject for subject, _path in letters_to(person) if batch.code in subject]
        for person in scene.authority.finance
    ]
    # The batch was approved before the sweep: each letter goes to who had not acted by then.
    assert told == [[], [waits], [waits, ready]]


def test_a_changed_bank_detail_is_told_to_the_organisation():
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    sweep()
    assert letters_to(seller.person) == [
        ("A new bank detail for Acme Compute was proposed", "/organisation/"),
        ("The bank detail of Acme Compute was changed", "/organisation/"),
    ]


def test_a_change_of_bank_detail_tells_from_when_it_is_paid_and_that_it_was_stopped():
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    colleague = cast.with_role(cast.a_person("Lin Mo"), seller.organisation, Role.PROVIDER)
    changed = cast.a_bank_detail(seller.organisation, seller.person, authority)
    parties.stop_bank_detail(
        bank_detail=changed, note="Not ours.", actor=colleague, at=NOON, key="stop"
    )
    sweep()
    subjects = [
        "A new bank detail for Acme Compute was proposed",
        "The bank detail of Acme Compute was changed",
        "A bank detail of Acme Compute was stopped",
    ]
    for person in (seller.person, colleague):
        told = [subject for subject, _path in letters_to(person)]
        assert told[-3:] == subjects
        letter = Message.objects.filter(user=person, subject=subjects[1]).latest("pk")
        assert "From 9 June 2025 on payments to you go there" in letter.body
    assert letters_to(authority.finance[2])[-1] == (subjects[2], "/organisation/")


def test_who_asks_to_be_accredited_is_told_what_was_decided():
    authority, newcomer = cast.make_authority(), cast.a_newcomer()
    application = cast.an_accreditation_application(authority, *newcomer)
    cast.a_decided_accreditation(
        application, authority.officer, items=["AI_COMPUTE"], reasons="No CPU cores."
    )
    sweep()
    assert letters_to(authority.officer)[-1] == (
        "New Compute asks to be accredited",
        f"/accreditation/{application.code}/",
    )
    assert letters_to(newcomer[1]) == [
        ("City Data Bureau has accredited you", "/provider/accreditation/")
    ]
    body = Message.objects.get(user=newcomer[1]).body
    assert "For AI compute (GPU), by batch 2025-1, from 2 June 2025." in body
    assert "No CPU cores." in body


def test_providers_are_told_of_an_agreement_that_they_have_to_accept():
    authority = cast.make_authority()
    seller, newcomer = cast.make_provider(authority), cast.a_newcomer()
    agreement = cast.an_agreement(authority, from_on=cast.TODAY + timedelta(days=10))
    sweep()
    assert letters_to(seller.person)[-1] == (
        "Action needed by 12 June 2025: the agreement of City Data Bureau",
        f"/agreements/{agreement.pk}/",
    )
    letter = Message.objects.filter(user=seller.person).latest("pk")
    assert "“Framework” was published. From 12 June 2025 on" in letter.body
    assert letters_to(newcomer[1]) == []


def test_a_suspension_and_its_end_are_told_to_the_provider_holders_and_officers():
    scene = cast.make_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    suspension = cast.a_suspension(scene.authority, scene.seller, bills="WAIT")
    providers.lift_suspension(
        suspension=suspension, note="", actor=scene.authority.officer, at=NOON, key="lift"
    )
    sweep()
    subjects = ["Acme Compute is suspended", "The suspension of Acme Compute is lifted"]
    for person, path in (
        (scene.seller.person, "/provider/accreditation/"),
        (scene.applicant.person, f"/orders/{order.code}/"),
        (
            scene.authority.officer,
            f"/accreditation/providers/{scene.seller.organisation.code}/",
        ),
    ):
        assert letters_to(person)[-2:] == [(subject, path) for subject in subjects]
    body = Message.objects.get(user=scene.applicant.person, subject=subjects[0]).body
    assert "An audit is under way." in body
    assert "settlement waits until the suspension is over" in body


def test_a_lapsed_hold_is_told_to_holder_and_provider():
    scene = cast.make_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    vouchers.lapse_hold(order=order, at=order.lapses_at, key="lapse")
    sweep()
    news = (f"Order {order.code}: the hold has lapsed", f"/orders/{order.code}/")
    assert letters_to(scene.applicant.person)[-1] == news
    assert letters_to(scene.seller.person)[-1] == news


def test_a_sweep_run_twice_writes_nothing_twice():
    cast.make_scene()
    first = sweep()
    kept = Message.objects.count()
    assert first == kept > 0
    assert sweep() == 0
    assert Message.objects.count() == kept


def test_every_act_is_noted_as_told_with_or_without_a_letter():
    scene = cast.make_scene()
    sweep()
    from ledger.queries import acts_found

    assert Told.objects.count() == acts_found("").count()
    assert not Message.objects.filter(user=scene.authority.admin).exists()


def test_one_letter_that_fails_holds_up_no_other(monkeypatch, caplog):
    from ledger.kinds import ActKind
    from notices import letters

    scene = cast.make_scene()

    def fails(deed):
        raise ZeroDivisionError

    whole = dict(letters.LETTERS)
    monkeypatch.setitem(letters.LETTERS, ActKind.DECIDE_APPLICATION, fails)
    sweep()
    assert "No letters about act" in caplog.text
    assert len(letters_to(scene.applicant.person)) == 2
    monkeypatch.setitem(
        letters.LETTERS, ActKind.DECIDE_APPLICATION, whole[ActKind.DECIDE_APPLICATION]
    )
    sweep()
    assert len(letters_to(scene.applicant.person)) == 3


def test_letters_are_emailed_once_with_the_page_they_are_about(settings):
    settings.PUBLIC_URL = "https://vouchers.example.org"
    scene = cast.make_scene()
    sweep()
    waiting = Message.objects.count()
    assert actions.send_messages(at=LATER) == waiting
    assert actions.send_messages(at=LATER) == 0
    assert len(mail.outbox) == waiting
    letter = next(one for one in mail.outbox if scene.voucher.code in one.subject)
    assert letter.to == [scene.applicant.person.email]
    assert f"https://vouchers.example.org/vouchers/{scene.voucher.code}/" in letter.body


def test_a_letter_in_the_hands_of_a_sender_that_died_is_sent_later():
    cast.make_scene()
    sweep()
    Message.objects.update(sending_at=LATER)
    assert actions.send_messages(at=LATER + timedelta(minutes=9)) == 0
    assert actions.send_messages(at=LATER + timedelta(minutes=11)) == Message.objects.count()


def test_a_voucher_near_its_end_is_reminded_of_once_at_30_and_at_7_days():
    scene = cast.make_scene()
    last = scene.voucher.valid_until_on
    noon = NOON.replace(year=last.year, month=last.month, day=last.day)

    def reminded(days_left: int) -> list[str]:
        actions.write_reminders(at=noon - timedelta(days=days_left))
        found = Message.objects.exclude(kind="").order_by("pk")
        return [one.subject for one in found]

    code = scene.voucher.code
    in_30 = f"Action needed: your voucher {code} expires in 30 days"
    in_7 = f"Action needed: your voucher {code} expires in 7 days"
    assert reminded(31) == []
    assert reminded(30) == reminded(29) == [in_30]
    assert reminded(7) == reminded(6) == [in_30, in_7]


def test_the_inbox_shows_own_letters_only_and_opening_one_marks_it_read():
    scene = cast.make_scene()
    sweep()
    mine = queries.inbox(scene.applicant.person).first()
    reader, stranger = Client(), Client()
    reader.force_login(scene.applicant.person)
    stranger.force_login(scene.seller.person)
    assert mine.subject in reader.get("/messages/").content.decode()
    assert mine.subject not in stranger.get("/messages/").content.decode()
    assert stranger.get(f"/messages/{mine.pk}/").status_code == 404
    assert queries.message_of(scene.applicant.person, mine.pk).read_at is None
    page = reader.get(f"/messages/{mine.pk}/")
    assert page.status_code == 200
    assert queries.message_of(scene.applicant.person, mine.pk).read_at is not None


def test_after_a_restore_with_lower_transactions_all_acts_are_looked_at_again():
    scene = cast.make_scene()
    Horizon.objects.create(pk=1, txid=2**62)
    sweep()
    assert len(letters_to(scene.applicant.person)) == 3


def test_a_question_reaches_the_applicant_and_its_answer_the_officer():
    scheme = cast.make_programme(cast.make_authority(), cast.M3)
    applicant = cast.an_sme()
    sent = cast.a_sent_application(scheme, applicant)
    vouchers.request_information(
        application=sent,
        question="Send the contract.",
        answer_name="",
        due_on=NOON.date() + timedelta(days=10),
        actor=scheme.authority.officer,
        at=NOON,
        key=cast.a_key("ask"),
    )
    sweep()
    letter = Message.objects.get(user=applicant.person, subject__startswith="Action needed")
    assert letter.subject == f"Action needed by 12 June 2025: a question about {sent.reference}"
    assert "Send the contract." in letter.body
    assert letter.path == f"/applications/{sent.reference}/answer/"

    vouchers.answer_request(
        application=sent,
        text="Here it is.",
        files=[],
        actor=applicant.person,
        at=NOON,
        key=cast.a_key("answer"),
    )
    sweep()
    assert letters_to(scheme.authority.officer)[-1] == (
        f"Small Model Ltd answered your question about {sent.reference}",
        f"/applications/{sent.reference}/decide/",
    )


def test_both_sides_of_a_target_are_told_what_was_found_and_who_may_claim():
    scene = cast.a_target()
    cast.an_assessment(scene, "4000")
    sweep(cast.YEARS_END)
    path = f"/vouchers/{scene.voucher.code}/target/claim/"
    subject = f"Target {scene.voucher.code} was assessed: 4,000 PFLOPS"
    agreed = (f"Target {scene.voucher.code} names you", "/targets/")
    assert letters_to(scene.seller.person)[-2:] == [agreed, (subject, path)]
    for person in (scene.applicant.person, scene.seller.person):
        assert letters_to(person)[-1] == (subject, path)
        body = queries.inbox(person).first().body
        assert "It earns ¥800,000.00" in body
        assert "Acme Compute may claim it, once, and only Acme Compute." in body


def test_whose_award_is_followed_is_told_that_nothing_need_be_done():
    scheme, firm = cast.a_match(), cast.an_sme(region="CN-3301")
    report = cast.recorded(scheme, cast.an_award(firm))
    (voucher,) = cast.followed(report)
    sweep()
    reference = report.recorded[0].application.reference
    assert letters_to(firm.person) == [
        (
            f"Your award N-1 is followed by {scheme.programme.title}",
            f"/applications/{reference}/",
        ),
        (f"Your application {reference} was approved", f"/applications/{reference}/"),
        (f"Your voucher is ready: {voucher.code}", f"/vouchers/{voucher.code}/"),
    ]
