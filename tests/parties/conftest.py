"""A folder of registers of a test's own."""

import pytest


@pytest.fixture
def folder(settings, tmp_path):
    settings.REGISTERS_FOLDER = str(tmp_path / "registers")
    return tmp_path / "registers"
