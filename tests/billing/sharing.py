"""Short ways to have several payers, each with an account: the city bears 2/3, the province 1/3."""

from billing.models import BillLine
from billing.queries.funding import payer_figures
from parties.roles import Role
from tests import cast
from tests.billing import recovering, stage
from tests.billing.test_several_funders import (
    CITY_ACCOUNT,
    FUNDERS,
    PROVINCE_ACCOUNT,
    a_sent_batch,
    an_account,
    name_province,
)
from tests.cast.committee import law


def a_scene(*, offset="false", home="VOUCHER"):
    """Return a scene under a law with recoveries and two payers, and the province."""
    authority = cast.make_authority()
    text = law(recovering.SECTION.format(offset=offset, home=home), FUNDERS)
    seller, scheme = cast.make_provider(authority), cast.make_programme(authority, text=text)
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    scene = cast.Scene(authority, seller, scheme, applicant, voucher)
    province = cast.make_authority("Province of Guangdong")
    cast.with_role(authority.finance[0], province.organisation, Role.FINANCE)
    an_account(authority, CITY_ACCOUNT)
    an_account(province, PROVINCE_ACCOUNT)
    name_province(scene, province)
    return scene, province


def paid(scene, province, *, hours=40, key="job-1"):
    """Have one job used, billed, settled and paid by both; return its order and its line."""
    order = cast.a_hold(
        scene.voucher, scene.applicant, scene.seller, provider_reference=f"order-{key}"
    )
    recovering.settled(scene, order, hours=hours, key=key)
    for payer in (scene.authority, province):
        batch, file = a_sent_batch(scene, payer)
        stage.read(scene, stage.answer(file, batch.code), name=f"{batch.code}.xml")
    return order, BillLine.objects.get(key=key)


def parts(case):
    """Return what a case takes back for each payer: claimed, upheld, got back and given up."""
    return {
        one.payer.code: (
            one.amount,
            one.upheld_amount,
            one.recovered_amount,
            one.written_off_amount,
        )
        for one in case.parts.select_related("payer")
    }


def nets(scene, province):
    """Return what stands in the accounts that a recovery moves."""
    seller, code = scene.seller.organisation.code, province.organisation.code
    found = stage.nets(scene.scheme.programme)
    names = {
        "city owes": f"provider_payable:{seller}",
        "province owes": f"provider_payable:{code}:{seller}",
        "city paid": f"paid:{seller}",
        "province paid": f"paid:{code}:{seller}",
        "owed": f"receivable:{seller}",
        "recovered": "recovered",
        "voucher": f"voucher:{scene.voucher.code}",
        "available": "available",
    }
    return {name: found.get(address, 0) for name, address in names.items()}


def changes(scene, province, before):
    """Return what changed in those accounts."""
    now = nets(scene, province)
    return {name: net - before[name] for name, net in now.items() if net != before[name]}


def figures(scene):
    """Return what each payer bears, has due, paid, and neither, by its code."""
    return {
        one.payer.code: (one.bears, one.due, one.paid, one.other)
        for one in payer_figures(scene.scheme.programme)
    }
