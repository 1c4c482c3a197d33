"""What every process of ours does once it is ready to work."""

import gc


def keep_what_is_loaded() -> None:
    """Let the collector leave alone, for good, what is in memory now.

    All that a process is made of lives as long as it does; looking through it again and again
    costs a request of a thousand records a quarter of its time.
    """
    gc.collect()
    gc.freeze()
