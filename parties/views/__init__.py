"""The pages of organisations and people, by noun."""
