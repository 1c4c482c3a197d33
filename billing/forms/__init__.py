"""What providers, holders and finance type or upload about usage, bills and payments."""
