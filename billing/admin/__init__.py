"""Money on the manager's desk."""

from billing.admin import budget, ledger, number, price, variance

__all__ = ["budget", "ledger", "number", "price", "variance"]
