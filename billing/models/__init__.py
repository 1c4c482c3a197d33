"""Metered usage, bills and claims, the verdict on each line, and the way to the bank and back."""

from billing.models.archive import ArchivedSum, MeteredUse, UsageArchive
from billing.models.bills import Bill, BillLine, Settlement, Verdict
from billing.models.files import ColumnMapping, FileCheck, FileTask, KeptFile, KeptFilePart
from billing.models.objections import (
    LineConfirmation,
    Objection,
    ObjectionFile,
    ObjectionReply,
    ObjectionWithdrawal,
)
from billing.models.payments import BankLine, BankStatement, Batch, Payment, PaymentFile
from billing.models.periods import ClosedPeriod
from billing.models.telemetry import MeterKey, TelemetryBatch, TelemetryMinute
from billing.models.usage import (
    UsageCorrection,
    UsageDevice,
    UsageFile,
    UsageHour,
    UsageKey,
    UsageLine,
    UsageSum,
)

__all__ = [
    "ArchivedSum",
    "BankLine",
    "BankStatement",
    "Batch",
    "Bill",
    "BillLine",
    "ClosedPeriod",
    "ColumnMapping",
    "FileCheck",
    "FileTask",
    "KeptFile",
    "KeptFilePart",
    "LineConfirmation",
    "MeterKey",
    "MeteredUse",
    "Objection",
    "ObjectionFile",
    "ObjectionReply",
    "ObjectionWithdrawal",
    "Payment",
    "PaymentFile",
    "Settlement",
    "TelemetryBatch",
    "TelemetryMinute",
    "UsageArchive",
    "UsageCorrection",
    "UsageDevice",
    "UsageFile",
    "UsageHour",
    "UsageKey",
    "UsageLine",
    "UsageSum",
    "Verdict",
]
