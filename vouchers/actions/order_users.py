"""Name the people of a holder's teams who may use an order, and end that again."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_role
from parties.roles import Role
from vouchers.actions.orders import locked_order, require_holding
from vouchers.models import Order, OrderUser

NAME_LENGTH_MAX = LOGIN_LENGTH_MAX = 80
USERS_MAX = 200


class OrderUserInvalid(Refused):
    """Somebody whom the provider could not find."""

    code = "order_user_invalid"
    sentence = _(
        "Give a name of up to %(most)s characters, and an e-mail address or the login at the "
        "provider, so that the provider knows whom to let in."
    )


class OrderUserNamed(Refused):
    """The person may use the order already."""

    code = "order_user_named"
    sentence = _("%(name)s may use the order %(order)s already; nothing was changed.")


class OrderUsersFull(Refused):
    """More people than an order has."""

    code = "order_users_full"
    sentence = _("%(most)s people may use the order %(order)s. End one of them first.")


class OrderUserEnded(Refused):
    """The person may not use the order any more."""

    code = "order_user_ended"
    sentence = _("%(name)s may not use the order %(order)s any more; nothing was changed.")


@transaction.atomic
def name_order_user(
    *,
    order: Order,
    name: str,
    email: str = "",
    login: str = "",
    actor: User,
    at: datetime,
    key: str,
) -> OrderUser:
    """Let somebody use an order, by e-mail address or login at the provider; the provider sees it.

    :raises NotAllowed: if the person does not act for the holder.
    :raises OrderUserInvalid: without a name, or without a way to be found.
    :raises OrderNotOpen: if nothing is held for the order any more.
    :raises OrderUserNamed: if they may use it already.
    :raises OrderUsersFull: if too many do.
    """
    require_role(actor, Role.APPLICANT, organisation=order.voucher.organisation)
    content = _checked(name, email, login)
    act = ledger.begin(
        kind=ActKind.NAME_ORDER_USER,
        key=key,
        actor=actor.address,
        about=order.voucher.address,
        at=at,
        payload={"order": order.code, **content},
        details={"order": order.code},
    )
    if act.is_replay:
        return OrderUser.objects.select_related("order").get(act_id=act.id)
    row = locked_order(order)
    require_holding(row)
    now = OrderUser.objects.filter(order=row, ended_at__isnull=True)
    if now.filter(email=content["email"], login=content["login"]).exists():
        raise OrderUserNamed(name=content["name"], order=row.code)
    if now.count() >= USERS_MAX:
        raise OrderUsersFull(most=USERS_MAX, order=row.code)
    return OrderUser.objects.create(order=row, named_at=at, act_id=act.id, **content)


def _checked(name: str, email: str, login: str) -> dict[str, str]:
    content = {"name": name.strip(), "email": email.strip(), "login": login.strip()}
    is_named = 0 < len(content["name"]) <= NAME_LENGTH_MAX
    is_found = content["email"] or content["login"]
    try:
        if content["email"]:
            validate_email(content["email"])
    except ValidationError:
        is_found = ""
    if not (is_named and is_found and len(content["login"]) <= LOGIN_LENGTH_MAX):
        raise OrderUserInvalid(most=NAME_LENGTH_MAX)
    return content


@transaction.atomic
def end_order_user(*, user: OrderUser, actor: User, at: datetime, key: str) -> OrderUser:
    """Let somebody use an order no longer; the provider is told.

    :raises NotAllowed: if the person does not act for the holder.
    :raises OrderUserEnded: if that was ended before.
    """
    order = user.order
    require_role(actor, Role.APPLICANT, organisation=order.voucher.organisation)
    act = ledger.begin(
        kind=ActKind.END_ORDER_USER,
        key=key,
        actor=actor.address,
        about=order.voucher.address,
        at=at,
        payload={"order": order.code, "user": user.pk},
        details={"order": order.code},
    )
    locked_order(order)
    row = OrderUser.objects.select_related("order").get(pk=user.pk)
    if act.is_replay:
        return row
    if row.ended_at is not None:
        raise OrderUserEnded(name=row.name, order=order.code)
    row.ended_at, row.ended_act_id = at, act.id
    row.save(update_fields=["ended_at", "ended_act"])
    return row
