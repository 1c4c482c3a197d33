"""The regulator's figures: each defined in words, each equal to one query that anyone can run."""

from scoring.indicators.export import to_csv
from scoring.indicators.report import Figure, Report, Scope, report

__all__ = ["Figure", "Report", "Scope", "report", "to_csv"]
