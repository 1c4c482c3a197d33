"""A portal for providers to try their programs in: the same code on a database of its own."""
