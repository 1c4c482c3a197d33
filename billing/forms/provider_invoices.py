"""The file of a provider's own invoice."""

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.forms.pages import UploadField
from billing.invoices.reading import FILE_BYTES_MAX
from common.forms import KeyedForm


class AttachInvoiceForm(KeyedForm):
    """An invoice in XML, to be attached to a bill."""

    file = UploadField(
        label=_("Invoice"),
        bytes_max=FILE_BYTES_MAX,
        help_text=_("XML: EN 16931 in UBL 2.1, or a fapiao (e-invoice/2019, 数电票)"),
        widget=forms.FileInput({"accept": ".xml"}),
    )
