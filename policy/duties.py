"""Who may not do what, having done something else: duties kept apart, person by person."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from policy.rules import Programme

# Each act, with the earlier acts (about the same thing) whose doer may not do it.
APART: dict[str, tuple[str, ...]] = {
    "propose_policy": (),
    "release_policy": ("propose_policy",),
    "submit_application": (),
    "decide_application": ("submit_application",),
    "confirm_decision": ("submit_application", "decide_application", "confirm_decision"),
    "submit_review": ("submit_application",),
    "undo_decision": ("submit_application",),
    "decide_appeal": ("submit_application", "decide_application", "confirm_decision"),
    "record_assessment": ("submit_application", "decide_application"),
    "submit_bill": (),
    "settle_bill": (
        "submit_application",
        "decide_application",
        "confirm_decision",
        "submit_bill",
        "record_assessment",
    ),
    "prove_own_share": (),
    "decide_own_share": ("prove_own_share",),
    "prepare_batch": (),
    "propose_period": (),
    "close_period": ("propose_period",),
    # Who once looked at a batch changes and locks it no more, though it was sent back since.
    "change_batch": ("approve_batch", "authorise_batch"),
    "approve_batch": ("prepare_batch", "authorise_batch"),
    "authorise_batch": ("prepare_batch", "approve_batch"),
    "release_batch": ("prepare_batch", "approve_batch", "authorise_batch"),
    "resolve_entry": (),
    "second_resolution": ("resolve_entry",),
    "propose_bank_detail": (),
    "approve_bank_detail": ("propose_bank_detail",),
    "apply_for_accreditation": (),
    "decide_accreditation": ("apply_for_accreditation",),
    "propose_rule": (),
    "release_rule": ("propose_rule",),
    "open_recovery": (),
    "decide_recovery": ("open_recovery",),
    "propose_collection": (),
    "record_collection": ("propose_collection",),
    "propose_suspension": (),
    "approve_suspension": ("propose_suspension",),
    "open_case": (),
    "decide_case": ("open_case",),
}

_WORDS: dict[str, tuple[str, str]] = {
    "propose_policy": ("proposed the policy version", "提出政策版本"),
    "submit_application": ("sent the application", "提交申请"),
    "decide_application": ("decided the application", "作出审批决定"),
    "confirm_decision": ("confirmed the decision", "复核审批决定"),
    "submit_bill": ("sent the bill", "提交账单"),
    "record_assessment": ("recorded the assessment", "登记评估结果"),
    "prove_own_share": ("gave the proof", "提交凭证"),
    "prepare_batch": ("prepared the batch", "编制支付批次"),
    "approve_batch": ("approved the batch", "批准支付批次"),
    "propose_period": ("proposed to close the period", "提出关闭账期"),
    "authorise_batch": ("authorised the batch", "核准支付批次"),
    "resolve_entry": ("proposed what the bank’s entry is", "提出银行记录的处理结果"),
    "propose_bank_detail": ("proposed the bank detail", "提出银行账户信息"),
    "apply_for_accreditation": ("sent the application for accreditation", "提交认定申请"),
    "propose_rule": ("proposed the rule", "提出规则"),
    "open_recovery": ("opened the recovery", "提出追回"),
    "propose_collection": ("proposed this step", "提出本步骤"),
    "propose_suspension": ("proposed the suspension", "提出暂停"),
    "open_case": ("opened the case", "立案"),
}


@dataclass(frozen=True)
class Permission:
    """Whether a person may act and, when not, why, in both languages."""

    allowed: bool
    reason_en: str = ""
    reason_zh: str = ""


def may_act(
    act: str,
    person: str,
    earlier: Mapping[str, str | Collection[str]],
    programme: Programme | None = None,
) -> Permission:
    """Say whether a person may do an act, given who did the earlier acts about the same thing.

    `earlier` maps an act to the person (or the persons) who did it; acts that no rule speaks of
    are ignored. A programme's `[duties]` adds pairs and takes none away.

    :raises ValueError: for an act that neither the fixed duties nor the programme know, so
        that a misspelt name never opens a door.
    """
    added = programme.duties.apart if programme and programme.duties else ()
    fixed = APART.get(act)
    extra = tuple(before for later, before in added if later == act)
    if fixed is None and not extra:
        raise ValueError(f"No duty is known for '{act}'; it is one of {', '.join(APART)}.")
    for before in (*(fixed or ()), *extra):
        if person in _people(earlier.get(before, ())):
            en, zh = _WORDS.get(before, (f"did “{before}”", f"执行“{before}”"))
            return Permission(
                False,
                f"You {en}, so another person must do this step. Ask a colleague with the "
                "same role.",
                f"您已{zh}，本步骤须由他人办理。请由具有相同角色的同事办理。",
            )
    return Permission(True)


def _people(doers: str | Collection[str]) -> Collection[str]:
    return (doers,) if isinstance(doers, str) else doers
