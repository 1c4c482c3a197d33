"""What people are told: one function for each kind of act that has a letter."""

from collections.abc import Callable, Mapping

from ledger.kinds import ActKind
from notices.letters.applications import (
    application_received,
    decision_made,
    information_requested,
    request_answered,
    voucher_expired,
    voucher_expires,
    voucher_issued,
)
from notices.letters.bills import bill_received, bill_settled, lines_unconfirmed
from notices.letters.catalogue import cap_set
from notices.letters.deciding import (
    appeal_decided,
    appeal_sent,
    application_given,
    deputy_named,
)
from notices.letters.letter import Deed, Letter, Letters, Words
from notices.letters.objections import (
    disputed_line_decided,
    lines_disputed,
    objection_answered,
    objection_unreplied,
    objection_withdrawn,
)
from notices.letters.orders import (
    hold_lapsed,
    hold_placed,
    order_accepted,
    order_cancelled,
    order_changed,
    order_declined,
    order_unanswered,
    order_user_changed,
    use_asked_about,
)
from notices.letters.own_shares import own_share_decided
from notices.letters.payments import (
    bank_detail_changed,
    bank_detail_proposed,
    bank_detail_stopped,
    batch_sent_back,
    batch_waiting,
    payment_on_its_way,
    payment_returned,
    payment_sent,
)
from notices.letters.people import colleague_invited
from notices.letters.providers import (
    accreditation_decided,
    accreditation_sent,
    agreement_published,
    provider_suspended,
    suspension_lifted,
)
from notices.letters.recoveries import (
    RECOVERY_DUE,
    RECOVERY_LATE,
    recovery_collected,
    recovery_decided,
    recovery_due,
    recovery_opened,
)
from notices.letters.targets import award_followed, target_assessed
from notices.letters.vouchers import (
    extension_decided,
    extension_requested,
    voucher_revoked,
)
from notices.letters.webhooks import webhook_disabled

__all__ = [
    "LETTERS",
    "RECOVERY_DUE",
    "RECOVERY_LATE",
    "Deed",
    "Letter",
    "Words",
    "letters_about",
    "lines_unconfirmed",
    "objection_unreplied",
    "order_unanswered",
    "recovery_due",
    "voucher_expires",
]

LETTERS: Mapping[str, Callable[[Deed], Letters]] = {
    ActKind.INVITE_COLLEAGUE: colleague_invited,
    ActKind.PROPOSE_BANK_DETAIL: bank_detail_proposed,
    ActKind.APPROVE_BANK_DETAIL: bank_detail_changed,
    ActKind.DISABLE_WEBHOOK: webhook_disabled,
    ActKind.STOP_BANK_DETAIL: bank_detail_stopped,
    ActKind.APPLY_FOR_ACCREDITATION: accreditation_sent,
    ActKind.DECIDE_ACCREDITATION: accreditation_decided,
    ActKind.SUSPEND_PROVIDER: provider_suspended,
    ActKind.LIFT_SUSPENSION: suspension_lifted,
    ActKind.PUBLISH_AGREEMENT: agreement_published,
    ActKind.RECORD_UPSTREAM_AWARDS: award_followed,
    ActKind.SUBMIT_APPLICATION: application_received,
    ActKind.REQUEST_INFORMATION: information_requested,
    ActKind.ANSWER_REQUEST: request_answered,
    ActKind.NAME_DEPUTY: deputy_named,
    ActKind.ASSIGN_APPLICATION: application_given,
    ActKind.DECIDE_APPLICATION: decision_made,
    ActKind.DECIDE_ROUND: decision_made,
    ActKind.AWARD_WAITING: decision_made,
    ActKind.APPEAL_DECISION: appeal_sent,
    ActKind.DECIDE_APPEAL: appeal_decided,
    ActKind.ISSUE_VOUCHER: voucher_issued,
    ActKind.ISSUE_VOUCHERS: voucher_issued,
    ActKind.PLACE_HOLD: hold_placed,
    ActKind.ACCEPT_ORDER: order_accepted,
    ActKind.DECLINE_ORDER: order_declined,
    ActKind.CHANGE_ORDER: order_changed,
    ActKind.CANCEL_ORDER: order_cancelled,
    ActKind.NAME_ORDER_USER: order_user_changed,
    ActKind.END_ORDER_USER: order_user_changed,
    ActKind.ASK_ABOUT_USE: use_asked_about,
    ActKind.ANSWER_ABOUT_USE: use_asked_about,
    ActKind.LAPSE_HOLD: hold_lapsed,
    ActKind.SET_PRICE_CAP: cap_set,
    ActKind.EXPIRE_VOUCHER: voucher_expired,
    ActKind.REQUEST_EXTENSION: extension_requested,
    ActKind.DECIDE_EXTENSION: extension_decided,
    ActKind.REVOKE_VOUCHER: voucher_revoked,
    ActKind.RECORD_ASSESSMENT: target_assessed,
    ActKind.SUBMIT_BILL: bill_received,
    ActKind.SUBMIT_CLAIM: bill_received,
    ActKind.OBJECT_TO_LINE: lines_disputed,
    ActKind.REPLY_TO_OBJECTION: objection_answered,
    ActKind.WITHDRAW_OBJECTION: objection_withdrawn,
    ActKind.DECIDE_LINE: disputed_line_decided,
    ActKind.DECIDE_OWN_SHARE: own_share_decided,
    ActKind.SETTLE_BILL: bill_settled,
    ActKind.LOCK_BATCH: batch_waiting,
    ActKind.APPROVE_BATCH: batch_waiting,
    ActKind.AUTHORISE_BATCH: batch_waiting,
    ActKind.SEND_BACK_BATCH: batch_sent_back,
    ActKind.HAND_OVER_BATCH: payment_on_its_way,
    ActKind.CONFIRM_PAYMENT: payment_sent,
    ActKind.RETURN_PAYMENT: payment_returned,
    ActKind.OPEN_RECOVERY: recovery_opened,
    ActKind.DECIDE_RECOVERY: recovery_decided,
    ActKind.OFFSET_RECOVERY: recovery_collected,
    ActKind.RECORD_REPAYMENT: recovery_collected,
    ActKind.WRITE_OFF_RECOVERY: recovery_collected,
}


def letters_about(deed: Deed) -> list[Letter]:
    """Return the letters of an act; most kinds of act have none."""
    write = LETTERS.get(deed.kind)
    return list(write(deed)) if write else []
