"""Take telemetry as evidence: a meter's key, and pages that come to minutes of devices."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from billing.models import MeterKey, TelemetryBatch
from billing.models.telemetry import MeterRank
from billing.queries.telemetry import meter_key_in_force
from billing.usage.intake import CHUNK_BYTES
from billing.usage.minutes import DeviceMinute, Minutes, minutes_of
from billing.usage.signed import (
    KEY_BYTES,
    bytes_of,
    digest_of,
    is_signed,
    signed_words,
)
from billing.usage.telemetry import read_page
from common.errors import Refused
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import address_of
from providers.models import Provider

# A meter's clock may be ahead of ours by so much.
CLOCKS_APART = timedelta(minutes=5)


class KeyUnreadable(Refused):
    """What was given as a public key is none."""

    code = "meter_key_unreadable"
    sentence = _(
        "This is no public key of Ed25519. Give its 32 bytes in base64, 44 characters, without "
        "the lines that a file has around it."
    )


class TelemetryEmpty(Refused):
    """A page that says nothing of any GPU's use or power."""

    code = "telemetry_empty"
    sentence = _(
        "The page says of no GPU how busy it was or what it drew. Send the page of an exporter "
        "such as DCGM's, with each GPU's UUID."
    )


class TelemetryLater(Refused):
    """A page with samples of a time that has not come."""

    code = "telemetry_later"
    sentence = _("The page has samples from the future. Check the clock of the meter.")


class SignatureMissing(Refused):
    """A page without a signature, of a meter that signs."""

    code = "signature_missing"
    sentence = _(
        "The meter %(source)s signs its batches. Send this one with its number and signature."
    )


class SignatureWrong(Refused):
    """A signature that is not the meter's over these words."""

    code = "signature_wrong"
    sentence = _(
        "The signature is not that of the meter %(source)s over this batch. Sign the five lines "
        "that the documentation names, with the key that is registered. Nothing was recorded."
    )


class MeterKeyMissing(Refused):
    """A signed batch of a meter without a registered key."""

    code = "meter_key_missing"
    sentence = _("No key of the meter %(source)s is registered. Register its public key first.")


class SequenceUsed(Refused):
    """A number that the meter gave to another batch before."""

    code = "sequence_used"
    sentence = _(
        "The meter %(source)s sent another batch under the number %(sequence)s. Give each batch "
        "the next number. Nothing was recorded."
    )


@dataclass(frozen=True, slots=True)
class Signature:
    """What makes a batch a signed one: its number, from 1, and the signature in base64."""

    sequence: int
    text: str


@transaction.atomic
def register_meter_key(
    *,
    provider: Provider,
    source: str,
    public_key: str,
    actor: User | str,
    at: datetime,
    key: str,
) -> MeterKey:
    """Register the public key (Ed25519, 32 bytes in base64) with which a meter signs from now on.

    The newest key of a meter is in force; from the first one on the meter's pages are taken
    only when they are signed. A key that was registered before stays as it is.

    :raises KeyUnreadable: if it is no such key.
    :raises KeyReused: if the key of the act was used for another one.
    """
    raw = bytes_of(public_key, KEY_BYTES)
    if raw is None:
        raise KeyUnreadable
    public_key = public_key.strip()
    _queue(provider)
    act = begin(
        kind=ActKind.REGISTER_METER_KEY,
        key=key,
        actor=address_of(actor),
        about=provider.address,
        at=at,
        payload={"source": source, "public_key": public_key},
    )
    known = MeterKey.objects.filter(
        provider=provider, source=source, public_key=public_key
    ).first()
    return known or MeterKey.objects.create(
        provider=provider,
        source=source,
        public_key=public_key,
        registered_by=address_of(actor),
        registered_at=at,
        act_id=act.id,
    )


@transaction.atomic
def record_telemetry(
    *,
    provider: Provider,
    source: str,
    rank: MeterRank,
    stream: BinaryIO,
    taken_at: datetime,
    actor: User | str,
    at: datetime,
    key: str,
    name: str = "",
    signature: Signature | None = None,
) -> TelemetryBatch:
    """Record a page of telemetry as minutes of devices; the same batch again is the first one.

    Samples without a time are of `taken_at`. A batch is the same if meter, number, instant and
    page are. `rank` is how it came; a signature makes it `SIGNED`. It is evidence: no usage and
    no money is moved by it.

    :raises FileUnreadable: in one of its kinds, if the page can't be read as a whole.
    :raises TelemetryEmpty: if it says nothing of a GPU's use or power.
    :raises TelemetryLater: if a sample is of later than now, beyond what clocks differ.
    :raises SignatureMissing: if the meter signs and this is not signed.
    :raises MeterKeyMissing: if this is signed and no key of the meter is known.
    :raises SignatureWrong: if the signature is not the meter's.
    :raises SequenceUsed: if its number is that of another batch.
    :raises KeyReused: if the key was used for another batch.
    """
    _queue(provider)
    page_sha256 = _fingerprint(stream)
    sequence = signature.sequence if signature else None
    words = signed_words(source, sequence, taken_at, page_sha256)
    batches = TelemetryBatch.objects.filter(provider=provider, source=source)
    known = batches.filter(digest=digest_of(words)).first()
    text = signature.text.strip() if signature else ""
    if known is None or known.signature != text:
        signed_with = _signer(provider, source, signature, words)
    act = begin(
        kind=ActKind.RECORD_TELEMETRY,
        key=key,
        actor=address_of(actor),
        about=provider.address,
        at=at,
        payload={"source": source, "digest": digest_of(words)},
    )
    if known is not None:
        return known
    if sequence is not None and batches.filter(sequence=sequence).exists():
        raise SequenceUsed(source=source, sequence=sequence)
    read, unreadable = _read(stream, taken_at, at)
    batch = TelemetryBatch.objects.create(
        provider=provider,
        source=source,
        rank=MeterRank.SIGNED if signature else rank,
        name=name[:200],
        taken_at=taken_at,
        page_sha256=page_sha256,
        digest=digest_of(words),
        sequence=sequence,
        signature=text,
        signed_with=signed_with,
        samples=sum(one.samples + one.power_samples for one in read.found),
        blank=read.blank,
        unreadable=unreadable,
        minutes=len(read.found),
        received_by=address_of(actor),
        received_at=at,
        act_id=act.id,
    )
    _insert(batch, read.found)
    return batch


def _queue(provider: Provider) -> None:
    # One provider's batches queue here, so that a number is given to one of two at once.
    Provider.objects.select_for_update(no_key=True).get(pk=provider.pk)


def _signer(
    provider: Provider, source: str, signature: Signature | None, words: bytes
) -> MeterKey | None:
    """Return the key that the words were signed with, or None where the meter does not sign."""
    found = meter_key_in_force(provider, source)
    if signature is None:
        if found is not None:
            raise SignatureMissing(source=source)
        return None
    if found is None:
        raise MeterKeyMissing(source=source)
    if not is_signed(found.public_key, signature.text, words):
        raise SignatureWrong(source=source)
    return found


def _fingerprint(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    stream.seek(0)
    while piece := stream.read(CHUNK_BYTES):
        digest.update(piece)
    stream.seek(0)
    return digest.hexdigest()


def _read(stream: BinaryIO, taken_at: datetime, at: datetime) -> tuple[Minutes, int]:
    """Return a page's minutes, and how many of its lines and values could not be read."""
    samples = read_page(stream)
    read = minutes_of(samples, taken_at, at + CLOCKS_APART)
    if read.is_later:
        raise TelemetryLater
    if not read.found and not read.blank:
        raise TelemetryEmpty
    return read, samples.errors_total + read.refused


_INSERT = """
    insert into billing_telemetryminute (provider_id, batch_id, rank, device, minute, samples,
        utilisation_total, power_samples, power_total)
    select %s, %s, %s, m.*
    from unnest(%s::text[], %s::timestamptz[], %s::int[], %s::bigint[], %s::int[], %s::bigint[]) m
"""


def _insert(batch: TelemetryBatch, found: Sequence[DeviceMinute]) -> None:
    if not found:
        return
    columns = [list(column) for column in zip(*found, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [batch.provider_id, batch.pk, batch.rank, *columns])
