"""Who may sell compute, what they offer, and at which price from which day."""
