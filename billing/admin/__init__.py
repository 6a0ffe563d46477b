"""Money on the manager's desk."""

from billing.admin import budget, ledger, price

__all__ = ["budget", "ledger", "price"]
