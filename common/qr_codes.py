"""QR codes as pictures inside a page (ISO/IEC 18004)."""

import io

import segno
from django.utils.safestring import SafeString, mark_safe

BORDER = 4  # modules of quiet zone, as the standard asks


def qr_code(text: str, *, title: str, scale: int = 5) -> SafeString:
    """Draw a text as a QR code in SVG, with a title that says what it is."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        scale=scale,
        border=BORDER,
        title=title,
        light="#fff",
        svgclass="app-qr",
        lineclass=None,
        xmldecl=False,
        svgns=True,
        nl=False,
    )
    # segno escapes the title; the rest is made of figures alone.
    return mark_safe(out.getvalue().decode().replace("<svg ", '<svg role="img" ', 1))  # noqa: S308


def qr_svg(text: str) -> bytes:
    """Return a text as a QR code in an SVG file without a title, for a paper."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", border=BORDER, scale=10)
    return out.getvalue()
