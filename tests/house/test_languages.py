"""Every sentence exists in both languages, with the same placeholders, and is compiled."""

import ast
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


def known():
    return {entry.msgid for entry in entries()} | {entry.msgid_plural for entry in entries()}


def test_every_sentence_of_a_page_is_in_the_catalogue():
    """Sentences are found as plain literals, so that no outside program is needed."""
    catalogue, missing = known(), set()
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text("utf-8")
        found = re.findall(r"""\{%\s*translate\s+"([^"]+)"[^%]*%\}""", text)
        found += re.findall(r"""_\("([^"]+)"\)""", text)
        found += blocks_in(text)
        missing |= {one for one in found if not {one, one.replace("%", "%%")} & catalogue}
    assert missing == set()


def blocks_in(text):
    """Give the sentences of `blocktranslate`, as the catalogue writes their placeholders."""
    for block in re.finditer(
        r"\{%\s*blocktranslate(.*?)%\}(.*?)\{%\s*endblocktranslate", text, re.DOTALL
    ):
        for part in re.split(r"\{%\s*plural\s*%\}", block[2]):
            yield re.sub(r"\{\{\s*(\w+)\s*\}\}", r"%(\1)s", part.replace("%", "%%"))


SAYING = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}
SAYING_IN_CONTEXT = {"pgettext", "pgettext_lazy"}
CODE = (
    "billing", "common", "config", "ledger", "notices", "parties", "providers", "safeguards",
    "scoring", "vouchers",
)  # fmt: skip


def sentences_in(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        texts = [
            argument.value
            for argument in node.args
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        ]
        if node.func.id in SAYING:
            yield from texts
        elif node.func.id in SAYING_IN_CONTEXT:
            yield from texts[1:]


def test_every_sentence_of_the_code_is_in_the_catalogue():
    catalogue = known()
    missing = {
        sentence
        for folder in CODE
        for path in (ROOT / folder).rglob("*.py")
        for sentence in sentences_in(path)
        if sentence not in catalogue
    }
    assert missing == set()


# What is the same in both languages: names, formats and figures alone.
SAME = re.compile(r"[^A-Za-z]*|.*(https?://|%\().*", re.DOTALL)


def test_no_sentence_is_the_same_in_both_languages():
    same = {
        entry.msgid
        for entry in entries()
        if said(entry) == entry.msgid and not SAME.fullmatch(entry.msgid)
    }
    assert same == set()


def test_the_portal_speaks_chinese():
    with translation.override("zh-hans"):
        assert translation.gettext("Sign in") == "登录"
