"""The app's registration."""

from django.apps import AppConfig


class VouchersConfig(AppConfig):
    """See the package's own paragraph."""

    name = "vouchers"
