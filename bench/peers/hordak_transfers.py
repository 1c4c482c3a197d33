"""A process that transfers with django-hordak: a line in says how often, a line out how long.

Sixty flat root accounts, and `account.transfer_to`, its public way to move money; each call is
a transaction of its own.
"""

import json
import os
import random
import sys
import time

import django

ACCOUNTS = 60


def main() -> None:
    """Migrate, open the accounts, say that it is ready, then answer until the input ends."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.hordak_settings"
    django.setup()
    from django.core.management import call_command
    from hordak.models import Account
    from moneyed import Money

    call_command("migrate", verbosity=0)
    accounts = [
        Account.objects.create(
            name=f"Account {number}",
            code=f"{number:02}",
            type=Account.TYPES.income,
            currencies=["CNY"],
        )
        for number in range(ACCOUNTS)
    ]
    chance = random.Random(1)

    def transfer(count: int) -> float:
        start = time.perf_counter()
        for _transfer in range(count):
            source, target = chance.sample(accounts, 2)
            source.transfer_to(target, Money(chance.randint(1, 9_999), "CNY"))
        return time.perf_counter() - start

    transfer(20)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(transfer(int(line))), flush=True)


if __name__ == "__main__":
    main()
