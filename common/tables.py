"""Constraints that every app's tables share."""

from collections.abc import Sequence

from django.db import models


def one_of(field: str, values: Sequence[str]) -> models.CheckConstraint:
    """Return the CHECK that a field holds one of its values; choices alone constrain nothing."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__in": list(values)}),
        name=f"%(app_label)s_%(class)s_{field}_known",
    )


def not_negative(*fields: str) -> models.CheckConstraint:
    """Return the CHECK that none of these fields is below nothing."""
    condition = models.Q()
    for field in fields:
        condition &= models.Q(**{f"{field}__gte": 0})
    return models.CheckConstraint(
        condition=condition, name=f"%(app_label)s_%(class)s_{fields[0]}_not_negative"
    )


def in_order(first: str, last: str) -> models.CheckConstraint:
    """Return the CHECK that one date or instant does not come after another."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{last}__gte": models.F(first)}),
        name=f"%(app_label)s_%(class)s_{first}_in_order",
    )
