"""What a provider's programs do with vouchers and orders."""

from vouchers.api.orders import (
    OrderAccept,
    OrderCancel,
    OrderChangeHours,
    OrderDecline,
    OrderDetail,
    OrderRelease,
    Orders,
)
from vouchers.api.redemptions import Redemptions, VoucherCheck

__all__ = [
    "OrderAccept",
    "OrderCancel",
    "OrderChangeHours",
    "OrderDecline",
    "OrderDetail",
    "OrderRelease",
    "Orders",
    "Redemptions",
    "VoucherCheck",
]
