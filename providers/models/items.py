"""What a provider can be accredited for, and which of it an offer needs."""

from collections.abc import Mapping
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class ServiceItem(models.TextChoices):
    """A kind of service on the published lists of providers.

    Chinese lists of computing power providers name these three (智能算力、通用算力、超算算力)
    and admit each provider for some of them.
    """

    AI_COMPUTE = "AI_COMPUTE", _("AI compute (GPU)")
    GENERAL_COMPUTE = "GENERAL_COMPUTE", _("General compute (CPU)")
    SUPERCOMPUTE = "SUPERCOMPUTE", _("Supercomputing")


# By the resource that an offer counts in: one of these items is needed to sell it.
ITEMS_OF: Final[Mapping[str, tuple[ServiceItem, ...]]] = {
    "GPU": (ServiceItem.AI_COMPUTE,),
    "CPU": (ServiceItem.GENERAL_COMPUTE, ServiceItem.SUPERCOMPUTE),
}
