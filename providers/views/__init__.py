"""A provider's own pages."""
