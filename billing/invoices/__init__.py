"""Invoices of EN 16931 (UBL 2.1) and fapiao: read without trust, checked by published rules."""
