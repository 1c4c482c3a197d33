"""What must be true of every page: for screen readers, on a telephone, in its language."""

import re
from pathlib import Path
from typing import Any

import axe_playwright_python

from tests.browser.visitor import Visitor

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RUN = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
WIDTHS = (1100, 360)
NARROWEST = 320  # 1280 px at 400 %
HEIGHT = 800
MARKUP = re.compile(r"</?(?:a|time|span|strong|li|p)\b[^>]*>|&(?:lt|gt|amp|#\w+);")


def problems_of(visitor: Visitor, language: str) -> list[str]:
    """Return what is wrong with the page that is shown, at every width; nothing is left out."""
    page = visitor.page
    found = []
    if page.locator("h1").count() != 1:
        found.append(f"{page.locator('h1').count()} headings of the first rank")
    if visitor.language != language:
        found.append(f"says that its language is {visitor.language}")
    markup = MARKUP.findall(visitor.words)
    if markup:
        found.append(f"shows its own markup: {markup[0]}")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    # The policy forbids scripts of others in the page; the browser's own console is free.
    page.evaluate(AXE)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"at {width} px: {_told(one)}" for one in page.evaluate(RUN)]
    page.set_viewport_size({"width": NARROWEST, "height": HEIGHT})
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > NARROWEST:
        found.append(f"is {wide} px wide on a screen of {NARROWEST} px: {_widest(visitor)}")
    page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
    return found


def _told(violation: dict[str, Any]) -> str:
    nodes = violation["nodes"]
    return f"{violation['id']} ({len(nodes)}): {nodes[0]['html'][:200]}"


def _widest(visitor: Visitor) -> str:
    return visitor.page.evaluate(
        """() => {
            const inside = one => one.closest('.app-scroll, .app-code');
            const wide = [...document.querySelectorAll('main *, header *, footer *')].filter(
                one => !inside(one) && one.getBoundingClientRect().right > innerWidth + 1);
            return wide.slice(0, 3).map(one => one.outerHTML.slice(0, 120)).join(' | ');
        }"""
    )
