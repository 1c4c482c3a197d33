"""The app's registration."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """See the package's own paragraph."""

    name = "ledger"
