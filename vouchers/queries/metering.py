"""Until when the use of vouchers may be told, where the law of their award says so."""

from collections.abc import Collection

from common.statements import quick_rows
from policy.metering import MeteringRule
from vouchers.models import PolicyVersion
from vouchers.queries.programmes import read_policy

# Of a law's text: it may limit until when use is told. Others are never read.
MAY_LIMIT_USE = "like '%%[metering]%%'"
# A part of a voucher has no decision of its own: it has the whole's.
_LAWS = f"""
    with recursive up as (
        select id as voucher, decision_id, parent_id from vouchers_voucher
        where id = any(%s::bigint[])
        union all
        select up.voucher, v.decision_id, v.parent_id
        from up join vouchers_voucher v on v.id = up.parent_id
        where up.decision_id is null
    )
    select up.voucher, d.policy_version_id
    from up
    join vouchers_decision d on d.id = up.decision_id
    join vouchers_policyversion p on p.id = d.policy_version_id
    where p.text {MAY_LIMIT_USE}
"""  # noqa: S608 - of constants


def metering_rules(vouchers: Collection[int]) -> dict[int, MeteringRule]:
    """Return the rule of each voucher whose law limits until when use may be told."""
    if not vouchers:
        return {}
    found = dict(quick_rows(_LAWS, [list(vouchers)]))
    if not found:
        return {}
    laws = {
        version.pk: read_policy(version.text).metering
        for version in PolicyVersion.objects.filter(pk__in=set(found.values()))
    }
    rules = {voucher: laws[version] for voucher, version in found.items()}
    return {voucher: rule for voucher, rule in rules.items() if rule is not None}
