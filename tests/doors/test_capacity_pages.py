"""A provider looks a list over before it counts; everybody sees the sums."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook

from providers.models import CapacityVersion
from tests import cast
from tests.doors.pages import key_on, send, words

pytestmark = pytest.mark.django_db

LIST = "node,model,gpus,colour\nn1,h100,8,red\nn2,H100,0,red\nn3,H100,x,red\n"


@pytest.fixture
def authority(db):
    return cast.make_authority()


@pytest.fixture
def seller(authority):
    return cast.make_provider(authority)


def looked(client, text=LIST):
    return send(
        client,
        reverse("capacity_upload"),
        lines=text,
        region="CN-5101",
        from_on_day="1",
        from_on_month="6",
        from_on_year="2025",
    )


def test_a_list_is_looked_over_and_then_registered_once(browser, authority, seller):
    client = browser(seller.person)
    assert "Nothing is registered yet." in words(client.get(reverse("capacity")))

    look = looked(client)

    page = words(look)
    assert "This was a look: nothing is registered yet." in page
    assert "Entries that can be registered 1" in page
    assert "Nodes without a GPU, left out 1" in page
    assert "4 gpus x Write a whole number up to 100,000, for example 8." in page
    assert "Columns not used colour" in page
    assert CapacityVersion.objects.count() == 0

    typed = {
        "step": "enter",
        "key": key_on(look),
        "lines": LIST,
        "region": "CN-5101",
        "from_on": "2025-06-01",
        "file_name": "",
    }
    for _turn in range(2):
        assert client.post(reverse("capacity_upload"), typed).url == reverse("capacity")
    version = CapacityVersion.objects.get()
    assert (version.entries, version.gpus) == (1, 8)
    shown = words(client.get(reverse("capacity")))
    assert "n1 H100 8 CN-5101 1 June 2025, 00:00 (UTC) Until further notice" in shown
    table = client.get(reverse("capacity_csv")).content.decode("utf-8-sig")
    assert table.splitlines()[1] == "n1,H100,8,CN-5101,2025-06-01T00:00:00+00:00,"
    case = reverse("provider_case", args=[seller.organisation.code])
    assert "H100 CN-5101 1 8" in words(browser(authority.officer).get(case))


def test_what_a_provider_downloads_it_can_send_again(browser, seller):
    client = browser(seller.person)
    send(
        client, reverse("capacity_new"), node="n1", resource_class="h100", gpus="8", region="R"
    )
    table = client.get(reverse("capacity_csv")).content.decode("utf-8-sig")

    page = words(looked(client, table))

    assert "Entries that can be registered 1" in page
    assert "Things to correct 0" in page


def test_a_node_is_registered_and_seen_by_everybody_in_the_sums(browser, seller):
    client, public = browser(seller.person), reverse("capacity_public")
    assert "No capacity is registered for this day." in words(browser().get(public))

    send(
        client, reverse("capacity_new"), node="n1", resource_class="h100", gpus="8", region="R"
    )
    send(
        client, reverse("capacity_new"), node="n2", resource_class="A100", gpus="4", region="R"
    )

    page = words(browser().get(public))
    assert "A100 R 1 1 4" in page
    assert "H100 R 1 1 8" in page
    assert "All 1 2 12" in page
    before = {"on_day": "1", "on_month": "6", "on_year": "2025"}
    assert "No capacity is registered for this day." in words(browser().get(public, before))


def test_gpus_are_not_added_to_a_time_that_is_over(browser, seller):
    client = browser(seller.person)
    send(
        client, reverse("capacity_new"), node="n1", resource_class="h100", gpus="8", region="R"
    )

    page = looked(client)
    answer = client.post(
        reverse("capacity_upload"),
        {
            "step": "enter",
            "key": key_on(page),
            "lines": LIST,
            "region": "CN-5101",
            "from_on": "2025-06-01",
        },
    )

    assert "more GPUs of H100 on 1 June 2025 than were registered then" in words(answer)
    assert CapacityVersion.objects.count() == 1


def test_a_file_that_is_no_list_is_refused_with_what_is_missing(browser, seller):
    page = words(looked(browser(seller.person), "name,cores\nn1,64\n"))

    assert "Columns are missing: node, model, gpus. We found: name, cores." in page


@pytest.mark.parametrize(
    "name", ["capacity", "capacity_csv", "capacity_new", "capacity_upload"]
)
def test_the_register_is_the_provider_s_own(browser, seller, name):
    assert browser(seller.person).get(reverse(name)).status_code == 200
    assert browser(cast.an_sme().person).get(reverse(name)).status_code == 404
    assert browser().get(reverse(name)).status_code == 302


def test_a_workbook_is_a_list_with_the_rows_that_its_sender_sees(browser, seller):
    book, data = Workbook(), io.BytesIO()
    for cells in (
        ["Our nodes"],
        [],
        ["node", "model", "gpus"],
        ["n1", "H100", 8],
        ["n2", "H100"],
    ):
        book.active.append(cells)
    book.save(data)
    client = browser(seller.person)

    look = send(
        client,
        reverse("capacity_upload"),
        file=SimpleUploadedFile("nodes.xlsx", data.getvalue()),
        region="CN-5101",
        from_on_day="1",
        from_on_month="6",
        from_on_year="2025",
    )

    assert "Entries that can be registered 1" in words(look)
    assert "5 gpus – Write a whole number" in words(look)
    typed = {**look.context["form"].initial, "step": "enter", "key": key_on(look)}
    assert client.post(reverse("capacity_upload"), typed).url == reverse("capacity")
    assert CapacityVersion.objects.get().gpus == 8


def test_the_sample_is_a_list_that_is_taken_in_either_language(browser, seller):
    for language in ("en", "zh-hans"):
        sample = browser().get(
            reverse("capacity_sample"), headers={"accept-language": language}
        )
        page = words(looked(browser(seller.person), sample.content.decode("utf-8-sig")))
        assert "Entries that can be registered 3" in page


def test_what_is_no_workbook_is_refused_in_words(browser, seller):
    page = send(
        browser(seller.person),
        reverse("capacity_upload"),
        file=SimpleUploadedFile("nodes.xlsx", b"PK\x03\x04 no archive"),
        region="R",
        from_on_day="1",
        from_on_month="6",
        from_on_year="2025",
    )

    assert "We cannot open this workbook." in words(page)
