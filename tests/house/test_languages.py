"""Every sentence exists in both languages, with the same placeholders, and is compiled."""

import re
from pathlib import Path

import polib
from django.utils import translation

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|(?<!\{)\{\w+\}|%%")


def entries():
    return list(polib.pofile(str(CATALOGUE)))


def said(entry):
    return entry.msgstr_plural[0] if entry.msgid_plural else entry.msgstr


def test_nothing_is_left_untranslated_or_doubtful():
    wanting = [entry.msgid for entry in entries() if not said(entry) or "fuzzy" in entry.flags]
    assert wanting == []


def test_placeholders_are_the_same_in_both_languages():
    differing = [
        entry.msgid
        for entry in entries()
        if set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        != set(PLACEHOLDER.findall(said(entry)))
    ]
    assert differing == []


def test_the_compiled_catalogue_is_the_written_one():
    compiled = polib.mofile(str(CATALOGUE.with_suffix(".mo")))
    written = {(entry.msgctxt, entry.msgid): said(entry) for entry in entries()}
    assert {(entry.msgctxt, entry.msgid): said(entry) for entry in compiled} == written


def test_every_sentence_of_the_code_is_in_the_catalogue():
    """Sentences are found as plain literals, so that no outside program is needed."""
    known = {entry.msgid for entry in entries()} | {entry.msgid_plural for entry in entries()}
    missing = set()
    for path in ROOT.rglob("*.html"):
        if "templates" in path.relative_to(ROOT).parts[:1]:
            text = path.read_text("utf-8")
            found = re.findall(r"""\{%\s*translate\s+"([^"]+)"[^%]*%\}""", text)
            found += re.findall(r"""_\("([^"]+)"\)""", text)
            missing |= {one for one in found if not {one, one.replace("%", "%%")} & known}
    assert missing == set()


def test_the_portal_speaks_chinese():
    with translation.override("zh-hans"):
        assert translation.gettext("Sign in") == "登录"
