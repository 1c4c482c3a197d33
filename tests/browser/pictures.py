"""Pictures of the pages, for people to look at."""

import os
from pathlib import Path

from tests.browser.visitor import Visitor

# A folder for pictures of the pages, for people to look at.
PICTURES = os.environ.get("TESSERA_PICTURES")


def take_picture(visitor: Visitor, name: str, language: str) -> None:
    """Keep a picture of the page where somebody asked for pictures."""
    if PICTURES:
        plain = "-".join(part for part in name.replace("?", "/").split("/") if part).strip()
        path = Path(PICTURES) / f"{plain.replace(' ', '')[:90]}-{language}.png"
        visitor.page.screenshot(path=path, full_page=True)
