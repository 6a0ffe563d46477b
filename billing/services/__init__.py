"""Every write to money: one import for whoever calls them."""

from billing.services.alerts import budget_alert_raise, qualified_lead_record
from billing.services.charges import charge_correct, charge_record, charge_spare
from billing.services.daily import daily_spend_add
from billing.services.periods import NotInTransaction
from billing.services.prices import PriceChangeRefused, price_change, prices_seed
from billing.services.reconciliations import actual_record
from billing.services.rents import Sharer, rent_charge, rent_day_close, rented_number_note
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
    "PriceChangeRefused",
    "ReservationClosed",
    "Sharer",
    "actual_record",
    "budget_alert_raise",
    "budget_reserve",
    "charge_correct",
    "charge_record",
    "charge_spare",
    "daily_spend_add",
    "price_change",
    "prices_seed",
    "qualified_lead_record",
    "rent_charge",
    "rent_day_close",
    "rented_number_note",
    "reservation_extend",
    "reservation_release",
    "reservation_settle",
    "reservations_sweep",
]
