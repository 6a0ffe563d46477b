"""Who we may call: leads, their permission, and what became of them."""

from leads.models.appointment import Appointment, WorkingHours
from leads.models.consent import Consent, DoNotCall
from leads.models.imports import ImportBatch, ImportMapping, ImportRow
from leads.models.lead import Lead
from leads.models.merge import LeadMerge
from leads.models.score import LeadScore, ScoreFactor
from leads.models.timeline import TimelineEntry

__all__ = [
    "Appointment",
    "Consent",
    "DoNotCall",
    "ImportBatch",
    "ImportMapping",
    "ImportRow",
    "Lead",
    "LeadMerge",
    "LeadScore",
    "ScoreFactor",
    "TimelineEntry",
    "WorkingHours",
]
