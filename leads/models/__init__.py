"""Who we may call: leads, their permission, and what became of them."""

from leads.models.access_policy import AccessPolicy
from leads.models.appointment import Appointment
from leads.models.assignment import AssignmentRule, AssignmentTurn
from leads.models.audit import AuditEntry
from leads.models.bulk import BulkChange, BulkChangeLead
from leads.models.calling_policy import CallingPolicy
from leads.models.consent import Consent, DoNotCall
from leads.models.erasure import Erasure
from leads.models.imports import ImportBatch, ImportMapping, ImportRow
from leads.models.lead import Lead
from leads.models.mail import Mail
from leads.models.merge import LeadMerge
from leads.models.number_list import NumberList, ReassignedCheck, RegistryArea, RegistryBlock
from leads.models.retention import RetentionRule
from leads.models.saved_view import SavedView
from leads.models.score import LeadScore, ScoreFactor, ScoreOverride
from leads.models.sheets import ApiQuota, GoogleAccount, SheetConflict, SheetLink, SheetRow
from leads.models.task import Mention, Task
from leads.models.timeline import TimelineEntry
from leads.models.working_time import BookingRules, Holiday, TimeOff, WorkingHours

__all__ = [
    "AccessPolicy",
    "ApiQuota",
    "Appointment",
    "AssignmentRule",
    "AssignmentTurn",
    "AuditEntry",
    "BookingRules",
    "BulkChange",
    "BulkChangeLead",
    "CallingPolicy",
    "Consent",
    "DoNotCall",
    "Erasure",
    "GoogleAccount",
    "Holiday",
    "ImportBatch",
    "ImportMapping",
    "ImportRow",
    "Lead",
    "LeadMerge",
    "LeadScore",
    "Mail",
    "Mention",
    "NumberList",
    "ReassignedCheck",
    "RegistryArea",
    "RegistryBlock",
    "RetentionRule",
    "SavedView",
    "ScoreFactor",
    "ScoreOverride",
    "SheetConflict",
    "SheetLink",
    "SheetRow",
    "Task",
    "TimeOff",
    "TimelineEntry",
    "WorkingHours",
]
