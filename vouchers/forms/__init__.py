"""What people type on the pages of vouchers, by noun."""
