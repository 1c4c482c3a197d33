"""Awards above: looked over line by line, recorded once, and followed at once."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from ledger.queries import extent
from tests import cast
from tests.billing import stage
from tests.doors.pages import key_on, words
from vouchers.forms.matches import FileUnreadable, read_awards
from vouchers.models import Application, UpstreamAward, Voucher

pytestmark = pytest.mark.django_db

HEADER = "upstream,reference,identifier_scheme,identifier,base,award,awarded_on,facility"
HEADER_ZH = "上级项目,上级编号,登记类型,登记号码,核定合同金额,上级补助金额,批准日期,设施类型"


@pytest.fixture
def scheme(db):
    return cast.a_match()


@pytest.fixture
def firm(db):
    return cast.an_sme(region="CN-3301")


@pytest.fixture
def client(browser, scheme):
    return browser(scheme.authority.officer)


@pytest.fixture
def url(scheme):
    return reverse("awards_new", args=[scheme.programme.code])


def line(firm, reference="N-1", *, upstream=cast.NATIONAL, base='"800,000.00"', more="HIGH"):
    number = firm.organisation.identifier
    return f"{upstream},{reference},CN_USCC,{number},{base},240000,2025-05-20,{more}"


def looked_over(client, url, scheme, *lines, **given):
    typed = {"round": scheme.round.code, "key": key_on(client.get(url))}
    return client.post(url, {**typed, "lines": "\n".join(lines), **given})


def recorded(client, url, scheme, answer, *lines, key=None):
    typed = {"round": scheme.round.code, "lines": "\r\n".join(lines), "step": "record"}
    return client.post(url, {**typed, "key": key or key_on(answer)})


def test_a_look_writes_nothing_and_recording_gives_vouchers_once(client, url, scheme, firm):
    before = extent()
    lines = (HEADER, line(firm), line(firm, "N-2", base="100000"))
    answer = looked_over(client, url, scheme, HEADER, line(firm), line(firm, "N-2"))
    assert "Record 2 awards" in words(answer)
    assert (extent(), UpstreamAward.objects.count()) == (before, 0)

    lines = (HEADER, line(firm), line(firm, "N-2"))
    key = key_on(answer)
    for _twice in range(2):
        done = recorded(client, url, scheme, answer, *lines, key=key)
        assert done.url == reverse("programme", args=[scheme.programme.code])
    assert UpstreamAward.objects.count() == Voucher.objects.count() == 2
    shown = words(client.get(done.url))
    assert "2 awards are recorded, 2 vouchers issued." in shown
    assert "N-2" in shown
    assert "Awards above recorded" in shown
    assert stage.nets(scheme.programme)["available"] == cast.MATCH_BUDGET - 240_000_00


def test_a_file_in_chinese_as_a_spreadsheet_saves_it_is_read(client, url, scheme, firm):
    number = firm.organisation.identifier
    row = f"{cast.NATIONAL},国智〔2025〕1号,统一社会信用代码,{number},８０００００,240000,2025年5月20日,LOW"
    file = SimpleUploadedFile("a.csv", f"{HEADER_ZH}\r\n{row}\r\n".encode("gb18030"))
    typed = {"round": scheme.round.code, "key": key_on(client.get(url)), "file": file}
    answer = client.post(url, typed)
    shown = words(answer)
    assert "国智〔2025〕1号" in shown
    assert "¥800,000.00" in shown
    assert "Record 1 award" in shown


def test_each_wrong_line_is_told_by_its_row_and_left_out(client, url, scheme, firm):
    cast.recorded(scheme, cast.an_award(firm, reference="OLD"))
    answer = looked_over(
        client,
        url,
        scheme,
        HEADER,
        line(firm, "OLD"),
        line(firm, "a", upstream="other"),
        line(firm, "b", base="=1+1"),
        line(firm, "c", base="1.005"),
        f"{cast.NATIONAL},d,CN_USCC,91510100999999999X,5,1,2025-05-20,HIGH",
        f"{cast.NATIONAL},e,MOON,1,5,1,2025-05-20,HIGH",
        f"{cast.NATIONAL},f,CN_USCC,{firm.organisation.identifier},5,1,2025-02-30,HIGH",
        "x",
        line(firm, "good"),
    )
    shown = words(answer)
    for said in (
        f"2 reference OLD This award was recorded before: {firm.organisation.name}, "
        "¥800,000.00 counted, ¥240,000.00 awarded on 2025-05-20. It counts once.",
        "3 upstream other This programme follows cn-national-ai-voucher alone.",
        "4 base =1+1 Write an amount of 0 or more",
        "5 base 1.005 Use no more decimals than the currency has.",
        "6 identifier 91510100999999999X No organisation here has this number.",
        "7 identifier_scheme MOON Name the register: CN_USCC",
        "8 awarded_on 2025-02-30 Write a day as 2025-05-31.",
        "9 identifier_scheme – Fill it in.",
        "Record 1 award",
    ):
        assert said in shown, said
    assert UpstreamAward.objects.count() == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("",), "Choose a file, or type the lines."),
        (("a,b,c", "1,2,3"), "These columns are missing: upstream, reference"),
        ((HEADER + ",base",), "More than one column says base."),
        ((HEADER,), "The file has no lines."),
        ((HEADER, *["x"] * 1001), "The file is too large."),
        ((HEADER, 'x,"y'), "can't be read. Check its quotation marks."),
        ((HEADER, "\t".join("x" * 8)), "Fill it in."),
    ],
)
def test_what_is_no_list_is_refused_in_words(client, url, scheme, lines, said):
    before = extent()
    assert said in words(looked_over(client, url, scheme, *lines))
    assert extent() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x00\x01", "The file is not text."),
        (b"PK\x03\x04\xff\xff\x81", "The file is not text."),
        (b"a" * (512 * 1024 + 1), "The file is too large."),
        (b"", "Choose a file, or type the lines."),
    ],
)
def test_a_hostile_file_is_refused_in_words(client, url, scheme, content, said):
    file = SimpleUploadedFile("a.csv", content)
    typed = {"round": scheme.round.code, "key": key_on(client.get(url)), "file": file}
    assert said in words(client.post(url, typed))
    assert UpstreamAward.objects.count() == 0


def test_markup_in_a_list_stays_text(client, url, scheme, firm):
    answer = looked_over(client, url, scheme, HEADER, line(firm, "<b>x</b>"))
    assert "&lt;b&gt;x&lt;/b&gt;" in answer.content.decode()
    assert "<b>x</b>" not in answer.content.decode()


def test_what_was_looked_over_is_read_again_when_it_is_recorded(client, url, scheme, firm):
    answer = looked_over(client, url, scheme, HEADER, line(firm))
    bad = recorded(client, url, scheme, answer, HEADER, line(firm, upstream="other"))
    assert "None of these 1 lines can be recorded." in words(bad)
    assert UpstreamAward.objects.count() == 0


def test_only_an_officer_of_the_programme_finds_the_page(browser, scheme, url, firm):
    authority = scheme.authority
    for person in (authority.finance[0], authority.admin, firm.person, authority.regulator):
        assert browser(person).get(url).status_code == 404
    other = cast.make_programme(authority, cast.M3)
    elsewhere = reverse("awards_new", args=[other.programme.code])
    assert browser(authority.officer).get(elsewhere).status_code == 404


def test_nobody_is_led_to_apply_where_nobody_applies(browser, scheme, firm):
    shown = words(browser(firm.person).get(reverse("apply")))
    assert scheme.programme.title not in shown
    start = reverse("application_start", args=[scheme.programme.code, scheme.round.code])
    typed = {"organisation": firm.organisation.code}
    assert browser(firm.person).post(start, typed).status_code == 404
    assert Application.objects.count() == 0


def test_the_list_speaks_chinese(client, url, scheme, firm):
    client.cookies["django_language"] = "zh-hans"
    shown = words(looked_over(client, url, scheme, HEADER, line(firm), line(firm)))
    assert "该编号与第 2 行重复。" in shown
    assert "登记 1 项补助" in shown


@pytest.mark.parametrize(
    "text", ["", "\n", "a", ",,,,,,,", '"', HEADER + "\n" + '"' * 9, "\t;,"]
)
def test_no_text_breaks_the_reader(text):
    try:
        rows, problems = read_awards(text, "CNY")
    except FileUnreadable:
        return
    assert problems or rows


def test_the_officers_page_of_what_is_referred_says_why(browser, scheme, firm):
    report = cast.recorded(scheme, cast.an_award(firm, facility=""))
    cast.followed(report)
    application = report.recorded[0].application
    officer = browser(scheme.authority.second_officer)
    shown = words(officer.get(reverse("decide", args=[application.reference])))
    assert "Not known yet: what this share depends on." in shown
    assert "the rule that follows an award above" in shown
    assert "cn-national-ai-voucher N-1" in shown
    mine = words(browser(firm.person).get(reverse("application", args=[application.reference])))
    assert "the rule that follows an award above" in mine
