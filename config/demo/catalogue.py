"""More of the catalogue: classes, levels and makes, a cap, figures with sources, orders answered.

The figures are the makers' own: dense peaks, half of what a datasheet gives with sparsity.
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from common.days import day_of
from config.demo.names import Stall
from config.demo.people import Cast
from config.demo.world import Applicant, Seller, World
from providers import actions as providers
from vouchers import actions
from vouchers.models import Order, Voucher

# It accepts each order itself, and is in no plan of orders but the ones below.
GECKO = Stall("Gecko Home Compute", "壁虎国产算力", "gecko", "CN", 7, "ASCEND-910", "6.40")
CAP = Decimal("18.00")
CAP_REASON = "Demo notice on compute prices, article 3 / 演示算力价格通知第三条"


class More(NamedTuple):
    """One more offer of a provider that sells already, by its place in the list of stalls."""

    seller: int
    resource_class: str
    rate: str
    region: str
    level: str
    queue_hours: int | None


MORE = (
    More(0, "H200", "21.50", "Guizhou", "RESERVED", 0),
    More(0, "A100", "11.90", "Guangxi", "QUEUED", 6),
    More(1, "L40S", "5.80", "Beijing", "ON_DEMAND", 1),
    More(3, "H100", "14.60", "Ningxia", "INTERRUPTIBLE", 2),
    More(2, "A100", "1.35", "Wales", "QUEUED", 12),
    More(5, "H200", "2.90", "London", "RESERVED", None),
)


class Figure(NamedTuple):
    """A class's dense peak in a precision, and how many H100 that is: the ratio of the peaks."""

    resource_class: str
    precision: str
    teraflops: str
    factor: str
    source: str


_H100 = "NVIDIA, H100 Tensor Core GPU datasheet, SXM: 1,979 TFLOPS BF16 and FP16 with sparsity"
FIGURES = (
    Figure("H100", "BF16", "989.5", "1", _H100),
    Figure("H100", "FP16", "989.5", "1", _H100),
    Figure(
        "H200",
        "BF16",
        "989.5",
        "1",
        "NVIDIA, H200 Tensor Core GPU datasheet, SXM: 1,979 TFLOPS BF16 with sparsity",
    ),
    Figure(
        "A100",
        "BF16",
        "312",
        "0.315311",
        "NVIDIA, A100 Tensor Core GPU datasheet: 312 TFLOPS BF16 without sparsity",
    ),
    Figure(
        "L40S",
        "BF16",
        "362.05",
        "0.365892",
        "NVIDIA, L40S GPU datasheet: 362.05 TFLOPS BF16 without sparsity",
    ),
    Figure(
        "ASCEND-910",
        "FP16",
        "256",
        "0.258716",
        "Huawei, press release on the Ascend 910, 23 August 2019: 256 TFLOPS FP16",
    ),
)


def fill_catalogue(world: World, cast: Cast) -> Seller:
    """Publish more offers, a cap and figures on the first day; return who accepts by itself."""
    for more in MORE:
        seller = cast.sellers[more.seller]
        providers.publish_offer(
            provider=seller.provider,
            title=f"{more.resource_class}, {more.region}",
            resource="GPU",
            resource_class=more.resource_class,
            region=more.region,
            rate=Decimal(more.rate),
            currency="CNY" if seller.organisation.country == "CN" else "GBP",
            service_level=more.level,
            queue_hours=more.queue_hours,
            actor=seller.person,
            at=world.now,
            key=world.key(),
        )
    today = day_of(world.now)
    for figure in FIGURES:
        providers.record_equivalent(
            **figure._asdict()
            | {"teraflops": Decimal(figure.teraflops), "factor": Decimal(figure.factor)},
            sourced_on=today,
            from_on=today,
            actor=cast.bureau.officer,
            at=world.now,
            key=world.key(),
        )
    providers.set_price_cap(
        authority=cast.bureau.organisation,
        programme_code="",
        resource="GPU",
        resource_class="H100",
        currency="CNY",
        rate=CAP,
        from_at=world.now,
        reason=CAP_REASON,
        actor=cast.bureau.officer,
        at=world.now,
        key=world.key(),
    )
    gecko = cast.seller_of(GECKO, is_domestic=True, service_level="QUEUED", queue_hours=4)
    providers.choose_acceptance(
        provider=gecko.provider,
        is_at_once=False,
        actor=gecko.person,
        at=world.now,
        key=world.key(),
    )
    return gecko


def answer_orders(
    world: World, gecko: Seller, applicant: Applicant, voucher: Voucher, at: datetime
) -> None:
    """Let one holder order four times: accepted and changed, declined, cancelled, and waiting."""

    def order(reference: str) -> Order:
        return actions.place_hold(
            voucher=voucher,
            offer=gecko.offer,
            hours=Decimal(20),
            provider_reference=reference,
            actor=applicant.person,
            at=at,
            key=world.key(),
        )

    taken, refused, dropped = order("maps-train"), order("maps-test"), order("maps-spare")
    order("maps-next")
    actions.accept_order(
        order=taken, hours=Decimal(20), actor=gecko.person, at=at, key=world.key()
    )
    actions.change_order(
        order=taken,
        hours=Decimal(12),
        reason="Fewer runs than planned.",
        actor=applicant.person,
        at=at,
        key=world.key(),
    )
    actions.name_order_user(
        order=taken,
        name="Demo team",
        login="demo-team",
        actor=applicant.person,
        at=at,
        key=world.key(),
    )
    actions.decline_order(
        order=refused,
        reason="The queue is full until next month.",
        actor=gecko.person,
        at=at,
        key=world.key(),
    )
    actions.cancel_order(
        order=dropped,
        reason="The test set is smaller than we thought.",
        actor=applicant.person,
        at=at,
        key=world.key(),
    )
