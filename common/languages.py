"""Texts that are kept in both languages, said in the one that is spoken."""

from django.utils.translation import get_language


def is_chinese() -> bool:
    """Say whether Chinese is spoken here and now."""
    return (get_language() or "").startswith("zh")


def in_language(en: str, zh: str) -> str:
    """Return the text in the language that is spoken, or the one there is."""
    return (zh or en) if is_chinese() else (en or zh)
