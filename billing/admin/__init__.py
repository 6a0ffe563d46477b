"""Money on the manager's desk."""

from billing.admin import budget, ledger, number, price

__all__ = ["budget", "ledger", "number", "price"]
