"""These tests need no database; sentences are said in their source language."""

import os

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.utils import translation

if not settings.configured and "DJANGO_SETTINGS_MODULE" not in os.environ:
    settings.configure(USE_I18N=False)
if not apps.ready:
    django.setup()


@pytest.fixture(autouse=True)
def untranslated():
    with translation.override(None):
        yield
