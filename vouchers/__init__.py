"""Programmes, rounds, applications, decisions, vouchers and orders."""
