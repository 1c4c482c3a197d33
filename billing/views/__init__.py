"""Pages of usage, bills, payments and the ledger, one file a noun."""
