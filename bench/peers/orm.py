"""The same redemption in plain Django: models, `select_for_update`, one statement at a time.

It keeps the same promises to whoever asks: a key happens once, an act says who and why, a
balance never falls below nothing whoever races, and each of the two steps commits by itself.
It proves nothing afterwards: there are no digests and no counts.
"""

import hashlib
import json
import random
import secrets
from datetime import UTC, datetime, timedelta

from django.db import connection, models, transaction
from django.db.models import F

from bench.clients import Step, Work
from bench.ground import point_django_at

PLENTY = 10**12
NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
EXPIRES_AT = NOON + timedelta(days=30)


class Account(models.Model):
    """Where value can be."""

    address = models.TextField(unique=True)

    class Meta:
        app_label = "bench_orm"


class Act(models.Model):
    """One thing that somebody did."""

    kind = models.TextField()
    actor = models.TextField()
    about = models.TextField(db_index=True)
    at = models.DateTimeField()
    reason = models.TextField(default="")
    details = models.JSONField(default=dict)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "bench_orm"


class Key(models.Model):
    """What makes an act happen once."""

    key = models.TextField(primary_key=True)
    act = models.ForeignKey(Act, models.PROTECT)
    payload_hash = models.BinaryField()

    class Meta:
        app_label = "bench_orm"


class Balance(models.Model):
    """What an account has, kept under a lock."""

    account = models.OneToOneField(Account, models.PROTECT, primary_key=True)
    debit = models.BigIntegerField(default=0)
    credit = models.BigIntegerField(default=0)
    pending = models.BigIntegerField(default=0)

    class Meta:
        app_label = "bench_orm"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(credit__gte=F("debit") + F("pending")),
                name="bench_orm_balance_not_below_zero",
            )
        ]


class Hold(models.Model):
    """Value set aside."""

    debit = models.ForeignKey(Account, models.PROTECT, related_name="+")
    credit = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    amount = models.BigIntegerField()
    remaining = models.BigIntegerField()
    expires_at = models.DateTimeField()

    class Meta:
        app_label = "bench_orm"


class Transfer(models.Model):
    """One move of value."""

    act = models.ForeignKey(Act, models.PROTECT)
    kind = models.TextField()
    debit = models.ForeignKey(Account, models.PROTECT, related_name="+")
    credit = models.ForeignKey(Account, models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    hold = models.ForeignKey(Hold, models.PROTECT, null=True)

    class Meta:
        app_label = "bench_orm"


class NotEnough(Exception):
    """An account has less free than asked."""


class KeyReused(Exception):
    """A key came again with other content."""


def open_book(url: str, vouchers: int, payables: int) -> None:
    """Make the tables in an empty database, and accounts with plenty on each voucher."""
    point_django_at(url)
    with connection.schema_editor() as editor:
        for model in (Account, Act, Key, Balance, Hold, Transfer):
            editor.create_model(model)
    accounts = Account.objects.bulk_create(
        Account(address=address)
        for address in (
            *(f"voucher:P:V-{number}" for number in range(1, vouchers + 1)),
            *(f"provider_payable:P:O-{number}" for number in range(1, payables + 1)),
        )
    )
    # A payable keeps no balance here either: it would make every client wait for one row.
    Balance.objects.bulk_create(
        Balance(account=account, credit=PLENTY) for account in accounts[:vouchers]
    )
    connection.close()


def begin(kind: str, key: str, about: str, payload: dict[str, object]) -> tuple[Act, bool]:
    """Claim a key, or return the earlier act and that it is a replay."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).digest()
    act = Act.objects.create(kind=kind, actor="user:1", about=about, at=NOON)
    known, is_new = Key.objects.get_or_create(
        key=f"{kind}/{key}", defaults={"act": act, "payload_hash": digest}
    )
    if is_new:
        return act, False
    if bytes(known.payload_hash) != digest:
        raise KeyReused(key)
    act.delete()
    return known.act, True


@transaction.atomic
def hold(key: str, voucher: str, payable: str, amount: int) -> Hold:
    """Set value of a voucher aside for a provider."""
    act, is_replay = begin(
        "place_hold", key, voucher, {"payable": payable, "amount": amount, "about": voucher}
    )
    if is_replay:
        return Hold.objects.get(transfer__act=act)
    balance = Balance.objects.select_for_update(of=("self",)).get(account__address=voucher)
    if balance.credit - balance.debit - balance.pending < amount:
        raise NotEnough(voucher)
    balance.pending += amount
    balance.save(update_fields=["pending"])
    credit = Account.objects.get(address=payable)
    held = Hold.objects.create(
        debit_id=balance.account_id,
        credit=credit,
        amount=amount,
        remaining=amount,
        expires_at=EXPIRES_AT,
    )
    Transfer.objects.create(
        act=act,
        kind="hold",
        debit_id=balance.account_id,
        credit=credit,
        amount=amount,
        hold=held,
    )
    return held


@transaction.atomic
def capture(key: str, voucher: str, number: int, amount: int) -> int:
    """Turn a hold into a payable for good, and return the amount."""
    act, is_replay = begin(
        "settle_bill", key, voucher, {"hold": number, "amount": amount, "about": voucher}
    )
    if is_replay:
        return amount
    held = Hold.objects.select_for_update().get(pk=number)
    if held.remaining < amount:
        raise NotEnough(f"hold {number}")
    balance = Balance.objects.select_for_update().get(account_id=held.debit_id)
    balance.pending -= held.remaining
    balance.debit += amount
    balance.save(update_fields=["pending", "debit"])
    held.remaining = 0
    held.save(update_fields=["remaining"])
    Transfer.objects.create(
        act=act,
        kind="capture",
        debit_id=held.debit_id,
        credit_id=held.credit_id,
        amount=amount,
        hold=held,
    )
    return amount


def redeeming(vouchers: int, payables: int) -> Work:
    """Return what a client does: the same choice of vouchers and payables as the ledger's."""

    def work(number: int) -> Step:
        chance = random.Random(number)
        run = secrets.token_hex(6)
        count = 0

        def step() -> int:
            nonlocal count
            count += 1
            voucher = f"voucher:P:V-{chance.randint(1, vouchers)}"
            payable = f"provider_payable:P:O-{chance.randint(1, payables)}"
            amount = chance.randint(1, 9_999)
            held = hold(f"{run}-{count}", voucher, payable, amount)
            capture(f"{run}-{count}", voucher, held.pk, amount)
            return 2

        return step

    return work
