"""What the ledger itself is measured by: redemptions, batches, and what growth costs."""
