"""What can come of a voucher, in words."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

# By the codes of `Outcome.Kind`.
OUTCOME_WORDS: Final[dict[str, Any]] = {
    "MODEL": _("A model was released"),
    "DATASET": _("A dataset was published"),
    "PAPER": _("A paper names the programme"),
    "PATENT": _("A patent was filed"),
    "PRODUCT": _("A product is in use"),
    "MILESTONE": _("The milestone of the application was reached"),
    "NONE": _("Nothing to report"),
}
