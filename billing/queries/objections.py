"""The objection to a line, who may write about it, and what was written."""

from django.db.models import Prefetch, QuerySet

from billing.models import BillLine, Objection, ObjectionFile, ObjectionReply
from common.errors import NotFound
from parties.models import User
from parties.queries import has_role
from parties.roles import Role

# A page names files; their bytes are read one by one.
_NAMES = ObjectionFile.objects.defer("content")


def open_objection(line: BillLine) -> Objection | None:
    """Return the objection to a line that was not withdrawn, or None; there is one at most."""
    return Objection.objects.filter(line=line, withdrawal=None).order_by("-pk").first()


def objections_of(line: BillLine) -> QuerySet[Objection]:
    """Return all objections to a line with their replies and files, oldest first."""
    return (
        Objection.objects.filter(line=line)
        .select_related("withdrawal")
        .prefetch_related("replies__written_by", Prefetch("replies__files", _NAMES))
        .order_by("pk")
    )


def side_of(person: User, line: BillLine) -> str | None:
    """Return on which side a person writes about a line's objection, or None: on none."""
    bill, side = line.bill, ObjectionReply.Side
    programme = bill.programme
    if line.voucher and has_role(
        person, Role.APPLICANT, organisation=line.voucher.organisation
    ):
        return str(side.HOLDER)
    if has_role(person, Role.PROVIDER, organisation=bill.provider.organisation):
        return str(side.PROVIDER)
    is_officer = any(
        has_role(person, role, organisation=programme.authority, programme_code=programme.code)
        for role in (Role.OFFICER, Role.FINANCE)
    )
    return str(side.AUTHORITY) if is_officer else None


def objection_file_of(line: BillLine, number: int) -> ObjectionFile:
    """Return one piece of evidence that came with a reply about a line.

    :raises NotFound: if there is none of this number.
    """
    files = ObjectionFile.objects.filter(reply__objection__line=line, pk=number)
    found = files.first()
    if found is None:
        raise NotFound(what=str(number))
    return found
