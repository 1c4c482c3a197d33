"""What can hold value, what can move it where, and what can happen: the ledger's vocabulary.

The database holds copies of `ACCOUNT_KINDS` and `FLOWS`; `verify_ledger` proves them equal.
The order of `ActKind` is the order of a voucher's life and the system's table of contents.
"""

from enum import IntEnum, StrEnum
from typing import NamedTuple


class AccountKind(IntEnum):
    """The chart of accounts, from appropriation to paid (docs/ledger.md)."""

    APPROPRIATION = 10
    AVAILABLE = 20
    VOUCHER = 30
    PROVIDER_PAYABLE = 40
    BENEFICIARY_PAYABLE = 41
    DELIVERED = 42
    CLEARING = 50
    PAID = 60
    EXPIRED = 70
    LAPSED = 75
    RECEIVABLE = 80
    RECOVERED = 90


class Flow(IntEnum):
    """Why value moves."""

    ALLOT = 1
    ISSUE = 2
    REDEEM = 3
    CLAIM = 4
    DELIVER = 5
    INSTRUCT = 6
    PAY = 7
    RETURN_PAYMENT = 8
    EXPIRE = 9
    DECOMMIT = 10
    LAPSE = 11
    RECOVER = 12
    OFFSET = 13
    REPAY = 14
    REALLOT = 15
    WITHDRAW = 16
    SPLIT = 17
    WRITE_OFF = 18
    REFUND = 19
    APPORTION = 20


class TransferKind(IntEnum):
    """What a transfer does to value."""

    POST = 1
    HOLD = 2
    CAPTURE = 3
    RELEASE = 4
    REVERSE = 5
    LAPSE = 6


class HoldState(IntEnum):
    """Where a hold stands."""

    OPEN = 1
    CLOSED = 2
    LAPSED = 3


class KindRow(NamedTuple):
    """One kind of account: its guard (1 credit-normal, -1 debit-normal, 0 boundary) and upkeep.

    A record-only account (`is_kept` false) has no balance row to contend for: its balance is
    the newest snapshot plus the transfers since.
    """

    kind: AccountKind
    guard: int
    is_kept: bool


K = AccountKind
ACCOUNT_KINDS = (
    KindRow(K.APPROPRIATION, 0, False),
    KindRow(K.AVAILABLE, 1, True),
    KindRow(K.VOUCHER, 1, True),
    KindRow(K.PROVIDER_PAYABLE, 1, False),
    KindRow(K.BENEFICIARY_PAYABLE, 1, False),
    KindRow(K.DELIVERED, 0, False),
    KindRow(K.CLEARING, 1, True),
    KindRow(K.PAID, 0, False),
    KindRow(K.EXPIRED, 1, False),
    KindRow(K.LAPSED, 0, False),
    KindRow(K.RECEIVABLE, -1, True),
    KindRow(K.RECOVERED, 1, False),
)

FLOWS = (
    (Flow.ALLOT, K.APPROPRIATION, K.AVAILABLE),
    (Flow.WITHDRAW, K.AVAILABLE, K.APPROPRIATION),
    (Flow.ISSUE, K.AVAILABLE, K.VOUCHER),
    (Flow.REDEEM, K.VOUCHER, K.PROVIDER_PAYABLE),
    (Flow.CLAIM, K.VOUCHER, K.BENEFICIARY_PAYABLE),
    (Flow.DELIVER, K.VOUCHER, K.DELIVERED),
    (Flow.INSTRUCT, K.PROVIDER_PAYABLE, K.CLEARING),
    (Flow.INSTRUCT, K.BENEFICIARY_PAYABLE, K.CLEARING),
    (Flow.PAY, K.CLEARING, K.PAID),
    (Flow.RETURN_PAYMENT, K.CLEARING, K.PROVIDER_PAYABLE),
    (Flow.RETURN_PAYMENT, K.CLEARING, K.BENEFICIARY_PAYABLE),
    (Flow.EXPIRE, K.VOUCHER, K.EXPIRED),
    (Flow.DECOMMIT, K.EXPIRED, K.AVAILABLE),
    (Flow.LAPSE, K.EXPIRED, K.LAPSED),
    (Flow.LAPSE, K.AVAILABLE, K.LAPSED),
    (Flow.RECOVER, K.RECEIVABLE, K.RECOVERED),
    (Flow.OFFSET, K.PROVIDER_PAYABLE, K.RECEIVABLE),
    (Flow.OFFSET, K.BENEFICIARY_PAYABLE, K.RECEIVABLE),
    (Flow.REPAY, K.PAID, K.RECEIVABLE),
    (Flow.REALLOT, K.RECOVERED, K.AVAILABLE),
    (Flow.REALLOT, K.RECOVERED, K.VOUCHER),
    (Flow.WRITE_OFF, K.RECOVERED, K.RECEIVABLE),
    (Flow.REFUND, K.PAID, K.PROVIDER_PAYABLE),
    (Flow.REFUND, K.PAID, K.BENEFICIARY_PAYABLE),
    (Flow.SPLIT, K.VOUCHER, K.VOUCHER),
    (Flow.APPORTION, K.PROVIDER_PAYABLE, K.PROVIDER_PAYABLE),
    (Flow.APPORTION, K.BENEFICIARY_PAYABLE, K.BENEFICIARY_PAYABLE),
)


class ActKind(StrEnum):
    """Everything that somebody can do, in the order of a voucher's life."""

    REGISTER_ORGANISATION = "register_organisation"
    ASK_REGISTERS = "ask_registers"
    GIVE_ROLE = "give_role"
    INVITE_COLLEAGUE = "invite_colleague"
    REMOVE_COLLEAGUE = "remove_colleague"
    END_ROLE = "end_role"
    JOIN_ACCOUNTS = "join_accounts"
    PART_ACCOUNTS = "part_accounts"
    PROPOSE_BANK_DETAIL = "propose_bank_detail"
    APPROVE_BANK_DETAIL = "approve_bank_detail"
    STOP_BANK_DETAIL = "stop_bank_detail"
    RELEASE_RULE = "release_rule"
    APPLY_FOR_ACCREDITATION = "apply_for_accreditation"
    DECIDE_ACCREDITATION = "decide_accreditation"
    ACCREDIT_PROVIDER = "accredit_provider"
    SUSPEND_PROVIDER = "suspend_provider"
    LIFT_SUSPENSION = "lift_suspension"
    PUBLISH_AGREEMENT = "publish_agreement"
    ACCEPT_AGREEMENT = "accept_agreement"
    RECORD_CAPACITY = "record_capacity"
    PUBLISH_OFFER = "publish_offer"
    PUBLISH_PRICE = "publish_price"
    PUBLISH_PRICE_LIST = "publish_price_list"
    WITHDRAW_OFFER = "withdraw_offer"
    WITHDRAW_PRICE = "withdraw_price"
    STATE_QUEUE = "state_queue"
    SET_PRICE_CAP = "set_price_cap"
    RECORD_EQUIVALENT = "record_equivalent"
    CHOOSE_ACCEPTANCE = "choose_acceptance"
    CREATE_API_KEY = "create_api_key"
    CREATE_API_CLIENT = "create_api_client"
    ROLL_API_KEY = "roll_api_key"
    LIMIT_API_KEY = "limit_api_key"
    REVOKE_API_KEY = "revoke_api_key"
    ADD_WEBHOOK = "add_webhook"
    ROLL_WEBHOOK = "roll_webhook"
    DISABLE_WEBHOOK = "disable_webhook"
    ENABLE_WEBHOOK = "enable_webhook"
    REMOVE_WEBHOOK = "remove_webhook"
    CREATE_PROGRAMME = "create_programme"
    PROPOSE_POLICY = "propose_policy"
    RELEASE_POLICY = "release_policy"
    OPEN_ROUND = "open_round"
    COMMIT_LOT = "commit_lot"
    RECORD_UPSTREAM_AWARDS = "record_upstream_awards"
    SUBMIT_APPLICATION = "submit_application"
    WITHDRAW_APPLICATION = "withdraw_application"
    REQUEST_INFORMATION = "request_information"
    ANSWER_REQUEST = "answer_request"
    NAME_DEPUTY = "name_deputy"
    ASSIGN_APPLICATION = "assign_application"
    DECLARE_CONFLICT = "declare_conflict"
    SUBMIT_REVIEW = "submit_review"
    ADMIT_APPLICATION = "admit_application"
    DECIDE_APPLICATION = "decide_application"
    DECIDE_ROUND = "decide_round"
    CONFIRM_DECISION = "confirm_decision"
    AWARD_WAITING = "award_waiting"
    UNDO_DECISION = "undo_decision"
    APPEAL_DECISION = "appeal_decision"
    DECIDE_APPEAL = "decide_appeal"
    ISSUE_VOUCHER = "issue_voucher"
    ISSUE_VOUCHERS = "issue_vouchers"
    PLACE_HOLD = "place_hold"
    ACCEPT_ORDER = "accept_order"
    DECLINE_ORDER = "decline_order"
    CHANGE_ORDER = "change_order"
    CANCEL_ORDER = "cancel_order"
    NAME_ORDER_USER = "name_order_user"
    END_ORDER_USER = "end_order_user"
    RELEASE_HOLD = "release_hold"
    LAPSE_HOLD = "lapse_hold"
    RETURN_VOUCHER = "return_voucher"
    EXPIRE_VOUCHER = "expire_voucher"
    SPLIT_VOUCHER = "split_voucher"
    TAKE_BACK = "take_back"
    REQUEST_EXTENSION = "request_extension"
    DECIDE_EXTENSION = "decide_extension"
    REVOKE_VOUCHER = "revoke_voucher"
    SUSPEND_VOUCHER = "suspend_voucher"
    RESUME_VOUCHER = "resume_voucher"
    RECORD_ASSESSMENT = "record_assessment"
    KEEP_USAGE_FILE = "keep_usage_file"
    NAME_COLUMNS = "name_columns"
    CHECK_USAGE_FILE = "check_usage_file"
    ASK_FILE_TASK = "ask_file_task"
    RECORD_USAGE = "record_usage"
    REGISTER_METER_KEY = "register_meter_key"
    RECORD_TELEMETRY = "record_telemetry"
    CORRECT_USAGE = "correct_usage"
    ASK_ABOUT_USE = "ask_about_use"
    ANSWER_ABOUT_USE = "answer_about_use"
    NAME_FUNDER = "name_funder"
    SUBMIT_BILL = "submit_bill"
    ATTACH_INVOICE = "attach_invoice"
    SUBMIT_CLAIM = "submit_claim"
    CONFIRM_LINES = "confirm_lines"
    TAKE_BACK_CONFIRMATION = "take_back_confirmation"
    OBJECT_TO_LINE = "object_to_line"
    REPLY_TO_OBJECTION = "reply_to_objection"
    WITHDRAW_OBJECTION = "withdraw_objection"
    PROVE_OWN_SHARE = "prove_own_share"
    DECIDE_OWN_SHARE = "decide_own_share"
    SETTLE_BILL = "settle_bill"
    DECIDE_LINE = "decide_line"
    PROPOSE_PERIOD = "propose_period"
    CLOSE_PERIOD = "close_period"
    ARCHIVE_USAGE = "archive_usage"
    PREPARE_BATCH = "prepare_batch"
    REMOVE_PAYMENT = "remove_payment"
    ADD_PAYMENT = "add_payment"
    LOCK_BATCH = "lock_batch"
    SEND_BACK_BATCH = "send_back_batch"
    APPROVE_BATCH = "approve_batch"
    AUTHORISE_BATCH = "authorise_batch"
    ASK_RELEASE = "ask_release"
    RELEASE_BATCH = "release_batch"
    HAND_OVER_BATCH = "hand_over_batch"
    CANCEL_BATCH = "cancel_batch"
    READ_STATEMENT = "read_statement"
    CONFIRM_PAYMENT = "confirm_payment"
    RETURN_PAYMENT = "return_payment"
    RESOLVE_ENTRY = "resolve_entry"
    SECOND_RESOLUTION = "second_resolution"
    UNDO_RESOLUTION = "undo_resolution"
    CORRECT_TRANSFER = "correct_transfer"
    OPEN_RECOVERY = "open_recovery"
    REPLY_TO_RECOVERY = "reply_to_recovery"
    DECIDE_RECOVERY = "decide_recovery"
    OFFSET_RECOVERY = "offset_recovery"
    PROPOSE_COLLECTION = "propose_collection"
    RECORD_REPAYMENT = "record_repayment"
    WRITE_OFF_RECOVERY = "write_off_recovery"
    REPORT_OUTCOME = "report_outcome"
    SCORE_VOUCHER = "score_voucher"
    SET_STANDING = "set_standing"
    RAISE_ALERT = "raise_alert"
    SEAL = "seal"
