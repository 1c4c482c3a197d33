"""The portal's settings, with the bench's addresses and no limit to a key's requests."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.billing_entries.addresses"
API_REQUESTS_A_MINUTE = 10**9
