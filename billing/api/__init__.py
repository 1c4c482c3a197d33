"""What a provider's programs do about money: report usage, send bills, read the verdicts."""
