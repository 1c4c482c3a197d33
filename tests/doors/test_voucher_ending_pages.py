"""A voucher's code, paper, days and end through the pages, and a round's vouchers by a list."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import translation

from tests import cast
from tests.cast.committee import law
from tests.doors.pages import key_on, send, words
from vouchers.models import ExtensionVerdict, Revocation, Voucher

pytestmark = pytest.mark.django_db

DAYS = (
    '[voucher]\nclause = "Article 13"\nextension_days_max = 60\n'
    'extensions_max = 1\nextension_by = "OFFICER"\n'
)


def page_of(name, voucher):
    return reverse(name, args=[voucher.code])


def test_the_code_is_masked_until_its_holder_asks(browser):
    scene = cast.make_scene()
    holder, code = browser(scene.applicant.person), scene.voucher.redemption_code
    page = holder.get(page_of("voucher", scene.voucher)).content.decode()
    assert code not in page
    assert f"••••-••••-••••-{code[-4:]}" in page

    shown = holder.get(page_of("voucher_code", scene.voucher))
    assert code in words(shown)
    assert "<svg" in shown.content.decode()
    assert shown["Cache-Control"] == "no-store"
    for person in (scene.authority.officer, cast.an_sme("Another Ltd").person):
        for name in ("voucher_code", "voucher_pdf"):
            assert browser(person).get(page_of(name, scene.voucher)).status_code == 404


def test_the_paper_is_a_pdf_in_the_language_of_the_page(browser):
    scene = cast.make_scene()
    holder = browser(scene.applicant.person)
    paper = holder.get(page_of("voucher_pdf", scene.voucher))
    assert paper["Content-Type"] == "application/pdf"
    assert paper["Content-Disposition"] == f'attachment; filename="{scene.voucher.code}.pdf"'
    assert paper.content.startswith(b"%PDF-1.7")
    assert b"pdfuaid" in paper.content
    with translation.override("zh-hans"):
        chinese = holder.get(
            page_of("voucher_pdf", scene.voucher), headers={"accept-language": "zh-hans"}
        )
    assert chinese.content != paper.content


def test_days_are_asked_for_and_given(browser):
    authority, applicant = cast.make_authority(), cast.an_sme()
    voucher = cast.an_issued_voucher(cast.make_programme(authority, text=law(DAYS)), applicant)
    holder, officer = browser(applicant.person), browser(authority.officer)
    assert "Ask for more days" in words(holder.get(page_of("voucher", voucher)))
    too_many = send(holder, page_of("extension_new", voucher), days="61", reason="Late chips.")
    assert "Enter 1 to 60 days" in words(too_many)
    send(holder, page_of("extension_new", voucher), days="60", reason="Late chips.")
    assert "More days asked for" in words(officer.get(reverse("queue")))
    silent = send(officer, page_of("extension_decide", voucher), outcome="REFUSED", note="")
    assert "Say why they are not given" in words(silent)
    send(officer, page_of("extension_decide", voucher), outcome="GRANTED", note="")
    assert ExtensionVerdict.objects.get().outcome == "GRANTED"
    page = words(holder.get(page_of("voucher", voucher)))
    assert "60 days Late chips. Given" in page
    assert "Ask for more days" not in page


def test_a_voucher_is_revoked_with_its_reason(browser):
    scene = cast.make_scene()
    officer = browser(scene.authority.officer)
    assert (
        browser(scene.applicant.person)
        .get(page_of("voucher_revoke", scene.voucher))
        .status_code
        == 404
    )
    send(
        officer,
        page_of("voucher_revoke", scene.voucher),
        note="False statements.",
        may_apply_again="no",
    )
    assert Revocation.objects.get().may_apply_again is False
    page = words(browser(scene.applicant.person).get(page_of("voucher", scene.voucher)))
    assert "Cancelled" in page
    assert "False statements." in page
    assert "Place an order" not in page


def test_only_the_listed_vouchers_are_issued_having_been_looked_at(browser):
    authority = cast.make_authority()
    scheme = cast.make_programme(authority)
    wanted, other = (
        cast.an_approved_application(scheme, cast.an_sme(name)).application
        for name in ("Wanted Ltd", "Other Ltd")
    )
    officer = browser(authority.second_officer)
    place = reverse("vouchers_issue", args=[scheme.programme.code, scheme.round.code])
    page = officer.get(place)
    assert "Vouchers 2" in words(page)

    listed = SimpleUploadedFile(
        "list.csv",
        f"application,name\r\n{wanted.reference},x\r\nA-222222,y\r\n{wanted.reference},x".encode(),
    )
    looked = officer.post(place, {"key": key_on(page), "file": listed, "then": "look"})
    told = words(looked)
    assert "Vouchers 1" in told
    assert "No award of this round waits under this reference." in told
    assert "Named twice in the list" in told
    assert not Voucher.objects.exists()

    typed = {"key": key_on(looked), "references": wanted.reference, "then": "issue"}
    for _turn in range(2):
        officer.post(place, typed)
    assert [one.organisation.name for one in Voucher.objects.all()] == ["Wanted Ltd"]
    other.refresh_from_db()
    assert other.status == "APPROVED"


def test_a_list_with_a_line_that_names_nothing_is_refused(browser):
    authority = cast.make_authority()
    scheme = cast.make_programme(authority)
    cast.an_approved_application(scheme, cast.an_sme())
    officer = browser(authority.second_officer)
    place = reverse("vouchers_issue", args=[scheme.programme.code, scheme.round.code])
    answer = officer.post(
        place,
        {"key": key_on(officer.get(place)), "references": "A-222222\nnothing", "then": "issue"},
    )
    assert "Line 2 has no reference: “nothing”" in words(answer)
    assert not Voucher.objects.exists()
