"""Providers and their catalogue at the command line."""
