"""The law and the vouchers at the command line."""
