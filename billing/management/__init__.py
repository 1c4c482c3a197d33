"""The ledger at the command line."""
