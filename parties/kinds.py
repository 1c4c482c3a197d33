"""Which public registers are asked, and how one organisation may control another."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Register(models.TextChoices):
    """The registers that a programme's law may need."""

    BUSINESS = "BUSINESS", _("Business register")
    CONDUCT = "CONDUCT", _("Register of conduct")
    OWNERSHIP = "OWNERSHIP", _("Register of ownership")
    AID = "AID", _("Register of aid")


class Control(models.TextChoices):
    """How one organisation controls another; votes control above a share only.

    Source: Regulation (EU) 2023/2831, article 2(2)(a) to (d).
    """

    VOTES = "VOTES", _("Share of votes")
    APPOINTMENT = "APPOINTMENT", _("Right to appoint the management")
    DOMINANT_INFLUENCE = "DOMINANT_INFLUENCE", _("Dominant influence")
    AGREEMENT = "AGREEMENT", _("Control by agreement")
