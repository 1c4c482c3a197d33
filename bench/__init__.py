"""What is measured and what is broken on purpose; nobody imports this."""
