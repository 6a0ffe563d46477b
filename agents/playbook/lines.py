"""The lines of a script that belong to a moment of the call. Titles are what a manager reads."""

from __future__ import annotations

from pydantic import Field

from agents.playbook.text import Line, Lines, Part


class Disclosure(Part):
    """The first thing said, always. `recorded` is left out on calls that are not recorded."""

    identity: Line = Field(
        title="Who is calling", description="Names {business} and says that it is an AI."
    )
    recorded: Line = Field(title="Recording", description="Left out when a call is not recorded.")
    opt_out: Line = Field(title="How to opt out", description="By voice and by key nine.")


class Greeting(Part):
    """Asks for a good time. `returning` replaces `ask` for a lead we have spoken with before."""

    ask: Lines = Field(title="Why we call, and is it a good time?")
    returning: Line | None = Field(
        default=None, title="The same, to a lead we have spoken with", description="Optional."
    )
    inbound: Line = Field(
        default="{first_name}, thank you for calling us back. Do you have two minutes now?",
        title="The same, to a lead who calls us",
    )
    booked: Line = Field(
        default="{first_name}, you have an appointment {slot_1}. Does that still suit you?",
        title="To a lead who has an appointment",
    )
    still_so: Line = Field(
        default="Last time you said {answer}. Is that still so?",
        title="Asking whether an earlier answer holds",
    )
    third_person: Line = Field(
        default="When would be a good time to reach {first_name}?",
        title="When somebody else answers",
    )
    child: Line = Field(
        default="Thank you. I will call again another time.", title="When a child answers"
    )
    clarify: Lines = Field(title="If the answer is not clear")


class Scheduling(Part):
    """Lines around the appointment."""

    offer: Line = Field(title="Offering two times")
    offer_one: Line = Field(title="Offering one time")
    offer_again: Line = Field(title="Offering other times")
    clarify: Lines = Field(title="If it is not clear which")
    confirm: Line = Field(title="Repeating the time")
    booking: Line = Field(title="While it is booked")
    booked: Line = Field(title="Booked")
    taken: Line = Field(title="The time was taken meanwhile")
    none_left: Line = Field(title="No time left to offer")
    nearest: Line = Field(
        default="I have nothing free then. The nearest are {slot_1}, or {slot_2}.",
        title="Nothing suits: the two nearest times",
    )
    nearest_one: Line = Field(
        default="I have nothing free then. The nearest is {slot_1}. Does that suit you?",
        title="Nothing suits: the nearest time",
    )
    move_or_cancel: Line = Field(
        default="Would you like another time, or shall I cancel it?",
        title="An appointment does not suit any more",
    )
    move_offer: Line = Field(
        default="I can move it to {slot_1}, or {slot_2}. Which is better for you?",
        title="Offering to move an appointment",
    )
    move_confirm: Line = Field(
        default="So that is {slot_1} instead, your time. Shall I move it?",
        title="Repeating where it is moved to",
    )
    moved: Line = Field(
        default="It is moved. {rep} will see you {slot_1}.", title="The appointment is moved"
    )
    cancel_confirm: Line = Field(
        default="Shall I cancel your appointment {slot_1}?", title="Asking before it is cancelled"
    )
    cancelled: Line = Field(default="It is cancelled.", title="The appointment is cancelled")
    rebook: Line = Field(
        default="Would you like to find another time instead?", title="Asking for another time"
    )
    kept: Line = Field(default="Good. Then it stays {slot_1}.", title="The appointment stays")
    no_appointment: Line = Field(
        default="I do not see an appointment under this number.",
        title="There is no appointment to change",
    )
    not_changed: Line = Field(
        default="I could not change it just now. One of our agents will call you about it.",
        title="The appointment could not be changed",
    )


class CallbackLines(Part):
    """Lines around calling again."""

    ask: Lines = Field(title="Asking when")
    person: Line = Field(
        default="When may one of our agents call you?",
        title="Asking when, of a lead who wants a person",
    )
    clarify: Lines = Field(title="If it is not clear when")
    confirm: Line = Field(title="Repeating the time")
    done: Line = Field(title="Arranged")
    hours: Line = Field(title="When the time is too early or too late")


class MachineLines(Part):
    """Lines for machines that answer. What is left on voicemail stands by itself."""

    screening: Line = Field(
        default="This is {agent}, an AI assistant from {business}, calling about a home.",
        title="To a call screen",
        description="It asks who is calling and why; the lead reads or hears the answer.",
    )
    menu: Line = Field(
        default="I will call again another time. Goodbye.", title="To a menu of keys"
    )


class IntakeLines(Part):
    """Lines for somebody who calls us and whom we do not know."""

    name: Line = Field(default="May I have your name, please?", title="Asking for the name")
    name_again: Line = Field(
        default="Sorry, I did not get your name. What is it, please?", title="If it is not clear"
    )
    need: Line = Field(
        default="Thank you. Are you thinking of selling, of buying, or of renting?",
        title="Asking what it is about",
    )
    need_again: Line = Field(
        default="Is it about selling a home, buying one, or renting one?",
        title="If that is not clear",
    )
    thanks: Line = Field(default="Thank you. I have a few short questions.", title="Then")
    other: Line = Field(
        default="Thank you. One of our agents can help you with that, and will call you.",
        title="If it is about something else",
        description="Then the agent asks when to call.",
    )


class TransferLines(Part):
    """Lines around putting a lead through to a person."""

    ring: Line = Field(
        default="Let me see whether one of our agents is free. One moment please.",
        title="While somebody is looked for",
    )
    wait: Lines = Field(
        default=("Thank you for waiting. I am still trying to reach someone.",),
        title="When it takes longer",
        description="In turn, at each longer silence.",
    )
    connect: Line = Field(
        default="Thank you for waiting. I am putting you through to {rep} now.",
        title="Somebody takes the call",
    )
    nobody: Line = Field(
        default="I am sorry, nobody is free just now.",
        title="Nobody takes it",
        description="Then the agent asks when to call.",
    )


class Closing(Part):
    """Last lines, by what the call came to."""

    goodbye: Line = Field(title="Goodbye")
    qualified: Line = Field(title="All answered, no appointment")
    not_interested: Line = Field(title="Not interested")
    wrong_number: Line = Field(title="Wrong number")
    bereaved: Line = Field(
        default="I am very sorry for your loss. I will make a note of it.",
        title="The lead has died",
    )
    silence: Line = Field(title="Nobody speaks")
    out_of_time: Line = Field(title="Out of time or money")
