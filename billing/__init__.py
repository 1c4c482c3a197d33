"""Usage in, bills and claims, settlement line by line, payment and its confirmation by the bank."""
