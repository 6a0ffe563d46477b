"""Every write to money: one import for whoever calls them."""

from billing.services.charges import charge_correct, charge_record
from billing.services.periods import NotInTransaction
from billing.services.prices import prices_seed
from billing.services.reservations import (
    BudgetExhausted,
    ReservationClosed,
    budget_reserve,
    reservation_extend,
    reservation_release,
    reservation_settle,
    reservations_sweep,
)

__all__ = [
    "BudgetExhausted",
    "NotInTransaction",
    "ReservationClosed",
    "budget_reserve",
    "charge_correct",
    "charge_record",
    "prices_seed",
    "reservation_extend",
    "reservation_release",
    "reservation_settle",
    "reservations_sweep",
]
