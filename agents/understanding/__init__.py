"""Understanding what a lead said, by rules with confidence: fast, repeatable, no model needed."""

from agents.understanding.intents import Intent
from agents.understanding.reading import Context, Reader, Reading, RuleReader

__all__ = ["Context", "Intent", "Reader", "Reading", "RuleReader"]
