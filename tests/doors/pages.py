"""Reading pages as people do: their words, their keys, their forms."""

import html
import re

from django.http import HttpResponse
from django.test import Client


def words(response: HttpResponse) -> str:
    """Return a page's text without its markup, spaces folded."""
    text = re.sub(r"<(script|style).*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def key_on(response: HttpResponse) -> str:
    """Return the key that a page's form carries."""
    found = re.search(r'name="key" value="([^"]+)"', response.content.decode())
    assert found, "this page has no form with a key"
    return found.group(1)


def send(client: Client, url: str, **typed: str) -> HttpResponse:
    """Open a page, fill in its form, and send it once."""
    return client.post(url, {**typed, "key": key_on(client.get(url))})
