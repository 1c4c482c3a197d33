"""Pages of reports, outcomes and standings, and the trace from budget to outcome."""
