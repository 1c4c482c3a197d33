"""What billing is measured by: a provider's month from its file to what is owed for it."""
