"""What a playbook holds: persona, lines, questions, objections, limits; checked before it is kept.

A script is data a manager writes. Every line is meant to be spoken: short, one idea a sentence.
Lines may hold placeholders in braces; which ones depends on where the line is spoken.
"""

from agents.playbook.faults import Fault, ScriptInvalid
from agents.playbook.parts import Condition, Fact, Objection, Option, Question
from agents.playbook.places import spoken_lines
from agents.playbook.script import Script
from agents.playbook.text import LANGUAGES, PLACEHOLDER, Part
from agents.playbook.turn_taking import TurnTaking

__all__ = [
    "LANGUAGES",
    "PLACEHOLDER",
    "Condition",
    "Fact",
    "Fault",
    "Objection",
    "Option",
    "Part",
    "Question",
    "Script",
    "ScriptInvalid",
    "TurnTaking",
    "spoken_lines",
]
