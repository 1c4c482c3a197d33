"""Why an invoice's file is not read, in words with the fix."""

from django.utils.translation import gettext_lazy as _

from common.errors import Refused


class InvoiceUnreadable(Refused):
    """A file that can't be read as an invoice; nothing of it counts."""

    code = "invoice_unreadable"
    sentence = _("The file can’t be read as an invoice.")


class InvoiceTooLarge(InvoiceUnreadable):
    """More bytes than an invoice has."""

    code = "invoice_too_large"
    sentence = _(
        "The file has more than %(most)s bytes. Send the invoice without embedded attachments."
    )


class InvoiceNotXml(InvoiceUnreadable):
    """A file that is not XML, or breaks off."""

    code = "invoice_not_xml"
    sentence = _(
        "The file can’t be read as XML (line %(line)s: %(words)s). Export the invoice once more."
    )


class InvoiceBringsDefinitions(InvoiceUnreadable):
    """XML with a document type or entities, which no invoice has."""

    code = "invoice_brings_definitions"
    sentence = _(
        "The file has a document type definition, which invoices never have. It may have been "
        "tampered with: export the invoice once more."
    )


class InvoiceOfAnotherKind(InvoiceUnreadable):
    """XML that is none of the documents that we read."""

    code = "invoice_of_another_kind"
    sentence = _("The file’s first element is “%(found)s”. We read these: %(known)s.")


class InvoiceValueUnreadable(InvoiceUnreadable):
    """A value that we rely on and can't read."""

    code = "invoice_value_unreadable"
    sentence = _(
        "In line %(line)s of the file “%(value)s” stands where we expect %(expected)s."
    )
