"""Every write to leads: one import for whoever calls them."""

from leads.policy.phones import InvalidPhone
from leads.services.appointments import (
    NotBooked,
    SlotTaken,
    appointment_book,
    appointment_cancel,
    appointment_close,
    appointment_move,
)
from leads.services.assignment import lead_owner_set
from leads.services.consent import consent_give, consent_revoke
from leads.services.do_not_call import do_not_call_add, do_not_call_remove
from leads.services.invitations import invitation
from leads.services.leads import LeadExists, lead_create, lead_stage_set, lead_update
from leads.services.notes import note_add
from leads.services.scores import (
    lead_score_lift,
    lead_score_override,
    lead_score_record,
    score_evidence_add,
)
from leads.services.tasks import task_add, task_change, task_done, task_reopen
from leads.services.timeline import timeline_add

__all__ = [
    "InvalidPhone",
    "LeadExists",
    "NotBooked",
    "SlotTaken",
    "appointment_book",
    "appointment_cancel",
    "appointment_close",
    "appointment_move",
    "consent_give",
    "consent_revoke",
    "do_not_call_add",
    "do_not_call_remove",
    "invitation",
    "lead_create",
    "lead_owner_set",
    "lead_score_lift",
    "lead_score_override",
    "lead_score_record",
    "lead_stage_set",
    "lead_update",
    "note_add",
    "score_evidence_add",
    "task_add",
    "task_change",
    "task_done",
    "task_reopen",
    "timeline_add",
]
