"""Is it a question, and does it ask for information at all? By the form of the words alone."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re

LEAST_WORDS = 3
"""Shorter ones ("what", "who", "how so") ask back; they want the last words again."""

_LEAD_IN = r"^((and|but|so|well|okay|yeah|yes|no|oh|wait|then|first|sure|sorry|hi|hello|hey|just|actually|also|right|before that|one (more )?(question|thing)|quick question) )*"
_SOMEBODY = r"(you|i|we|they|it|this|that|there|he|she|the|your|my|our|their|anyone|anybody|someone|somebody|all)"
_VERB = r"(is|are|was|were|do|does|did|can|could|will|would|should|have|has|may|am)"

_AT_THE_START = re.compile(
    _LEAD_IN
    + r"("
    + rf"{_VERB}( not)? {_SOMEBODY}\b"
    + r"|what (?!i\b|we\b|an? |about (monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow|the (first|second|morning|afternoon)))\w+ \w+"
    + rf"|how (?!about\b|come$|ever\b)\w+( \w+)? ({_VERB}|much|many|long|often|far)\b|how (much|many|long|often|far|soon|old|big)\b"
    + rf"|(why|when|where|who|whose|which( \w+){{0,2}}) ({_VERB})\b(?! not (know|sure))"
    + r"|(who|what) \w+s (the|this|that|it|for|if|when|with|to)\b"
    + r")"
)
_ANYWHERE = re.compile(
    rf"\b(do|does|did|can|could|would|will|are|have) you( \w+)? (\w+)\b(?!$)|\b(tell|explain)( me| us)?( a (bit|little))?( more)? (about|how|what|why|if|whether)\b"
    r"|\b(wonder|wondering|curious|know|ask you|like to know|want to know) (about|if|what|how|whether|which|who|where)\b"
    r"|\b(i|we) (have|got|had) (a|one|some|another|a few|a couple of) (\w+ )?questions?\b"
    rf"|\b(what|how) {_VERB} {_SOMEBODY}\b"
)
_NOT_ASKING = re.compile(
    r"\b(do|did) not (really |even |actually )?(know|care)\b|\bwho knows\b|\b(you|we) (can|could) (talk|call)\b"
)

_MANIPULATION = re.compile(
    r"\b(ignore|forget|disregard|override|bypass|skip)\b.{0,30}\b(instructions?|rules|prompts?|guidelines?|(you were|you have been) told|everything|training)\b"
    r"|\b(you are|you're|act|acting|behave|speak|respond|answer) (now|as if|as though|as|like)\b.{0,30}\b(a|an|my|dan|the)\b"
    r"|\b(pretend|role ?play|simulate)\b"
    r"|\b(say|tell|repeat|admit|confirm|swear|promise)( me| us| them)?( after me)?( that| to me)? (you are|i am|you will|you can|your)\b"
    r"|\b(system|developer|hidden|secret|initial) (prompt|message|instructions?|mode)\b|\b(your|the) (prompt|instructions|programming|source code)\b"
    r"|\brepeat (everything|the words|all|what) (above|before|you were)\b|\b(jailbreak|prompt injection)\b"
)


def asks_question(words: str) -> bool:
    """Return whether normalised words ask for something to be told.

    An answer that only looks like one ("what I want is to sell", "when the kids are out of
    school") is none, and neither is a request to repeat.
    """
    if len(words.split()) < LEAST_WORDS or _NOT_ASKING.search(words):
        return False
    return bool(_AT_THE_START.search(words) or _ANYWHERE.search(words))


def is_manipulation(words: str) -> bool:
    """Return whether normalised words try to make the agent somebody else, or tell its orders.

    Such words are never put before a model: whatever it made of them could only be wrong.
    """
    return bool(_MANIPULATION.search(words))
