"""Metered usage, bills and claims, the verdict on each line, and the way to the bank and back."""

from billing.models.archive import ArchivedSum, MeteredUse, UsageArchive
from billing.models.batches import BatchJob, BatchStep, DuplicateAnswer, RefusedAttempt
from billing.models.bills import Bill, BillLine, Settlement, Verdict
from billing.models.files import ColumnMapping, FileCheck, FileTask, KeptFile, KeptFilePart
from billing.models.funding import Funder, FunderShare
from billing.models.notes import CorrectionNote
from billing.models.objections import (
    LineConfirmation,
    Objection,
    ObjectionFile,
    ObjectionReply,
    ObjectionWithdrawal,
)
from billing.models.own_shares import OwnShareDecision, OwnShareProof
from billing.models.payments import Batch, Payment, PaymentFile
from billing.models.periods import (
    ClosedPeriod,
    PeriodAccrual,
    PeriodCorrection,
    PeriodProposal,
)
from billing.models.provider_invoices import ProviderInvoice
from billing.models.recoveries import (
    Collection,
    CollectionProposal,
    Recovery,
    RecoveryPart,
    RecoveryReply,
)
from billing.models.statements import BankLine, BankResolution, BankStatement
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
    "BankResolution",
    "BankStatement",
    "Batch",
    "BatchJob",
    "BatchStep",
    "Bill",
    "BillLine",
    "ClosedPeriod",
    "Collection",
    "CollectionProposal",
    "ColumnMapping",
    "CorrectionNote",
    "DuplicateAnswer",
    "FileCheck",
    "FileTask",
    "Funder",
    "FunderShare",
    "KeptFile",
    "KeptFilePart",
    "LineConfirmation",
    "MeterKey",
    "MeteredUse",
    "Objection",
    "ObjectionFile",
    "ObjectionReply",
    "ObjectionWithdrawal",
    "OwnShareDecision",
    "OwnShareProof",
    "Payment",
    "PaymentFile",
    "PeriodAccrual",
    "PeriodCorrection",
    "PeriodProposal",
    "ProviderInvoice",
    "Recovery",
    "RecoveryPart",
    "RecoveryReply",
    "RefusedAttempt",
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
