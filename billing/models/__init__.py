"""What may be spent and what was: prices, charges, budgets, reservations."""

from billing.models.alert import BudgetAlert, QualifiedLead
from billing.models.budget import Budget, BudgetPeriod
from billing.models.charge import Charge
from billing.models.daily import DailySpend, SpendMark, UnsummedCharge
from billing.models.number import RentedNumber
from billing.models.price import Price
from billing.models.reconciliation import Reconciliation, UsageBill
from billing.models.reservation import Reservation, ReservationLine
from billing.models.variance import VarianceAlert, VarianceRule

__all__ = [
    "Budget",
    "BudgetAlert",
    "BudgetPeriod",
    "Charge",
    "DailySpend",
    "Price",
    "QualifiedLead",
    "Reconciliation",
    "RentedNumber",
    "Reservation",
    "ReservationLine",
    "SpendMark",
    "UnsummedCharge",
    "UsageBill",
    "VarianceAlert",
    "VarianceRule",
]
