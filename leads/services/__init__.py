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
from leads.services.consent import consent_give, consent_revoke
from leads.services.do_not_call import do_not_call_add, do_not_call_remove
from leads.services.invitations import invitation
from leads.services.leads import LeadExists, lead_create, lead_stage_set
from leads.services.scores import lead_score_record
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
    "lead_score_record",
    "lead_stage_set",
    "timeline_add",
]
