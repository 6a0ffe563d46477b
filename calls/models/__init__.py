"""Campaigns, calls and everything that is kept of a call."""

from calls.models.call import Call, Outcome
from calls.models.caller_number import CallerNumber
from calls.models.campaign import Campaign, Enrolment
from calls.models.comparison import CarrierComparison, CarrierDifference
from calls.models.dialer_state import DialerState
from calls.models.inbox import CarrierEvent
from calls.models.kill_switch import KillSwitch
from calls.models.lease import Lease
from calls.models.outbox import OutboxItem
from calls.models.record import CallEvent, Recording, Turn
from calls.models.schedule import ScheduledWork
from calls.models.speech import CallSpeech
from calls.models.transfer import RepLine, Transfer, TransferLeg
from calls.models.voice_process import VoiceProcess
from calls.models.webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "Call",
    "CallEvent",
    "CallSpeech",
    "CallerNumber",
    "Campaign",
    "CarrierComparison",
    "CarrierDifference",
    "CarrierEvent",
    "DialerState",
    "Enrolment",
    "KillSwitch",
    "Lease",
    "OutboxItem",
    "Outcome",
    "Recording",
    "RepLine",
    "ScheduledWork",
    "Transfer",
    "TransferLeg",
    "Turn",
    "VoiceProcess",
    "WebhookDelivery",
    "WebhookEndpoint",
]
