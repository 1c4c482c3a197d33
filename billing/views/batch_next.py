"""What a payment batch waits for, by whom, and what changed since it was looked at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import actions, queries
from billing.forms.pages import (
    BatchSeenForm,
)
from billing.models import Batch
from billing.queries import Difference, Duplicate, Listed
from billing.views.shown import table
from common.days import day_of
from common.formatting import instant_text, money
from common.forms import KeyedForm
from common.languages import in_language
from parties.models import Organisation, User
from parties.queries import may_act, require_role
from parties.roles import Role
from vouchers.queries import policy_in_force

_Status = Batch.Status
CHANGES_SHOWN = 100
# The worker writes larger files, so that nobody waits at the page.
WRITTEN_AT_ONCE = 500


@dataclass(frozen=True)
class _Step:
    """A step of a batch: the duty that it is, its address, and the words of its button."""

    duty: str
    address: str
    label: str
    has_seen: bool = True


def _step_after(found: Batch) -> _Step | None:
    """Return the step that a batch waits for, or None where none of ours is left."""
    release = _Step("release_batch", "batch_release", _("Release to the bank"))
    steps = {
        _Status.OPEN: _Step("change_batch", "batch_lock", _("Lock the list"), False),
        _Status.LOCKED: _Step("approve_batch", "batch_approve", _("Approve")),
        _Status.APPROVED: (
            _Step("authorise_batch", "batch_authorise", _("Authorise"))
            if found.needs_authorisation
            else release
        ),
        _Status.AUTHORISED: release,
        _Status.RELEASED: _Step("", "batch_hand_over", _("The bank has the file"), False),
    }
    return steps.get(_Status(found.status))


def next_step(found: Batch, person: User, at: datetime) -> dict[str, Any] | None:
    """Return the step that a batch waits for, or why this person may not do it."""
    step = _step_after(found)
    if step is None or (step.duty == "change_batch" and not found.total):
        return None
    job = queries.newest_job_of(found)
    if step.address == "batch_release" and job is not None and job.ended_at is None:
        return None
    if step.duty:
        _version, rules = policy_in_force(found.programme, day_of(at, found.programme.zone))
        doers = queries.doers_of_batch(found)
        permission = may_act(step.duty, person, doers, rules)
        if not permission.allowed:
            return {"wait": in_language(permission.reason_en, permission.reason_zh)}
        officers = queries.officers_behind(person, found.programme, at)
        if officers and not any(
            may_act(step.duty, one, doers, rules).allowed for one in officers
        ):
            refused = actions.StandsForSamePerson(name=officers[0].name, batch=found.code)
            return {"wait": str(refused)}
    url = reverse(step.address, args=[found.code])
    if step.address == "batch_approve" and any(not d.reason for d in duplicates_of(found, at)):
        return {"link": url, "label": step.label}
    form = BatchSeenForm(initial={"seen": seen_of(found, at)}) if step.has_seen else KeyedForm()
    return {"form": form, "url": url, "label": step.label}


def seen_of(found: Batch, at: datetime) -> str:
    """Return the fingerprint of the list as it is shown at an instant."""
    return queries.list_sha256(queries.list_of(found, at))


def alike_of(found: Batch, at: datetime) -> dict[str, str]:
    """Return what each payment that looks like earlier ones looks like, by its id."""
    alike: dict[str, list[str]] = {}
    for one in duplicates_of(found, at):
        alike.setdefault(one.payment.end_to_end_id, []).append(_twin(one))
    return {payment: "; ".join(twins) for payment, twins in alike.items()}


def duplicates_of(found: Batch, at: datetime) -> list[Duplicate]:
    """Return the payments of a batch that look like earlier ones, by the law's days."""
    _version, rules = policy_in_force(found.programme, day_of(at, found.programme.zone))
    return queries.duplicates_in(found, rules.paying.duplicate_days)


def _twin(one: Duplicate) -> str:
    words = _("%(twin)s, %(amount)s to %(payee)s, prepared %(at)s")
    return words % {
        "twin": one.twin.end_to_end_id,
        "amount": money(one.twin.amount, one.twin.unit),
        "payee": one.twin.payee.name_here,
        "at": instant_text(one.twin.batch.prepared_at, one.twin.batch.programme.zone),
    }


def duplicates_shown(found: Batch, at: datetime) -> Any:
    """Return the payments that look like earlier ones, with what was said of them, or None."""
    rows = [
        [
            one.payment.end_to_end_id,
            one.payment.payee.name_here,
            _twin(one),
            one.reason or _("Not said yet"),
        ]
        for one in duplicates_of(found, at)
    ]
    columns = [_("Reference"), _("Party"), _("Looks like"), _("Why it is right")]
    return table(_("Possible duplicates"), columns, rows) if rows else None


def require_payer(person: User) -> None:
    """Refuse who is neither a finance officer nor deputy of one today.

    :raises NotAllowed: naming the role.
    """
    if not queries.programmes_paid_by(person, timezone.now()).exists():
        require_role(person, Role.FINANCE)


# --- what changed ----------------------------------------------------------------------------


def changes_shown(found: Batch, at: datetime) -> list[Any]:
    """Return what changed since the list was locked, and between the last two times it was."""
    locked = queries.lists_locked(found)
    if not locked:
        return []
    zone = found.programme.zone
    shown = [
        _changes(
            found,
            _("Changed since the list was locked on %(at)s")
            % {"at": instant_text(locked[0][0].at, zone)},
            queries.differences(locked[0][1], queries.list_of(found, at)),
        )
    ]
    if len(locked) > 1:
        shown.append(
            _changes(
                found,
                _("Changed from the list that was sent back, locked on %(at)s")
                % {"at": instant_text(locked[1][0].at, zone)},
                queries.differences(locked[1][1], locked[0][1]),
            )
        )
    return shown


def _changes(found: Batch, caption: str, changes: list[Difference]) -> Any:
    sides = [one for change in changes for one in change if one is not None]
    payees = Organisation.objects.in_bulk({one.payee for one in sides}, field_name="code")
    rows: list[Any] = []
    for before, after in changes[:CHANGES_SHOWN]:
        one = after or before
        assert one is not None
        name = payees[one.payee].name_here
        rows.append([one.end_to_end_id, name, _side(before), _side(after)])
    if len(changes) > CHANGES_SHOWN:
        more = _("And %(count)s more") % {"count": len(changes) - CHANGES_SHOWN}
        rows.append([more, "", "", ""])
    return table(
        caption,
        [_("Reference"), _("Party"), _("Before"), _("Now")],
        rows,
        _("%(caption)s: nothing.") % {"caption": caption},
    )


def _side(listed: Listed | None) -> str:
    if listed is None:
        return _("Not in the list")
    where = ", ".join(filter(None, (listed.holder, listed.number, listed.agent)))
    return f"{money(listed.amount, listed.unit)} → {where}"


# --- the steps -------------------------------------------------------------------------------
