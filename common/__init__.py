"""What every app may lean on: money, days, codes, refusals. Imports nothing of ours."""
