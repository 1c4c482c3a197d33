"""From metered usage to paid: what is recorded, billed, settled, sent to the bank and answered."""

from billing.actions.archive import (
    ArchiveNotTrue,
    LinesCameMeanwhile,
    MonthNotDecided,
    archive_month,
    archive_usage,
)
from billing.actions.bank import StatementOfNobody, read_statement
from billing.actions.batches import (
    ApprovedByPreparer,
    BankDetailMissing,
    BatchNotReady,
    NothingDue,
    approve_batch,
    cancel_batch,
    prepare_batch,
    release_batch,
)
from billing.actions.bills import (
    AmountTooLarge,
    BillNotForMode,
    InvoiceNumberMissing,
    LineArchived,
    LineInvalid,
    NothingToBill,
    PeriodFarOff,
    PeriodInvalid,
    submit_bill,
)
from billing.actions.claims import (
    ClaimByTarget,
    ClaimInvalid,
    VoucherNotActive,
    claim_target,
    submit_claim,
)
from billing.actions.corrections import TransferNotCorrectable, correct_transfer
from billing.actions.file_tasks import ask_to_check, ask_to_send, do_file_task
from billing.actions.files import (
    ColumnsNotNamed,
    Reading,
    check_usage_file,
    keep_usage_file,
    name_columns,
    send_checked_file,
)
from billing.actions.lines import (
    BillNotSettled,
    LineAcceptedBefore,
    LineNotWithheld,
    NoteMissing,
    UsageMissing,
    decide_line,
    object_to_line,
)
from billing.actions.periods import (
    PeriodClosed,
    PeriodNotOver,
    PeriodUndecided,
    close_period,
)
from billing.actions.settlement import BillSettled, SettlementWaits, settle_bill
from billing.actions.targets import NotAssessed, NothingMoreEarned, TargetClaimed
from billing.actions.usage import UsageReport, record_usage, record_usage_file
from billing.actions.usage_months import keep_usage_months
from billing.queries import BillLineInput

__all__ = [
    "AmountTooLarge",
    "ApprovedByPreparer",
    "ArchiveNotTrue",
    "BankDetailMissing",
    "BatchNotReady",
    "BillLineInput",
    "BillNotForMode",
    "BillNotSettled",
    "BillSettled",
    "ClaimByTarget",
    "ClaimInvalid",
    "ColumnsNotNamed",
    "InvoiceNumberMissing",
    "LineAcceptedBefore",
    "LineArchived",
    "LineInvalid",
    "LineNotWithheld",
    "LinesCameMeanwhile",
    "MonthNotDecided",
    "NotAssessed",
    "NoteMissing",
    "NothingDue",
    "NothingMoreEarned",
    "NothingToBill",
    "PeriodClosed",
    "PeriodFarOff",
    "PeriodInvalid",
    "PeriodNotOver",
    "PeriodUndecided",
    "Reading",
    "SettlementWaits",
    "StatementOfNobody",
    "TargetClaimed",
    "TransferNotCorrectable",
    "UsageMissing",
    "UsageReport",
    "VoucherNotActive",
    "approve_batch",
    "archive_month",
    "archive_usage",
    "ask_to_check",
    "ask_to_send",
    "cancel_batch",
    "check_usage_file",
    "claim_target",
    "close_period",
    "correct_transfer",
    "decide_line",
    "do_file_task",
    "keep_usage_file",
    "keep_usage_months",
    "name_columns",
    "object_to_line",
    "prepare_batch",
    "read_statement",
    "record_usage",
    "record_usage_file",
    "release_batch",
    "send_checked_file",
    "settle_bill",
    "submit_bill",
    "submit_claim",
]
