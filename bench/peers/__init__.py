"""Other ways to do what the ledger does, written as their own authors would have them used."""
