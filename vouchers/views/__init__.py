"""The pages of vouchers, by noun."""
