"""Is it English at all? By the commonest words, of normalised text without accents."""

# ruff: noqa: E501  (a list of words is reviewed as one line)
from __future__ import annotations

import re
from collections.abc import Mapping

_SPANISH = """
no que de la el en y los se las por un para con una su al lo como mas pero sus le ya o este
si porque esta entre cuando muy sin sobre tambien me hasta hay donde quien desde todo nos
hablo habla hablas ingles espanol entiendo gracias buenos buenas dias tardes hola quien
llama llamo bueno digame mi esposo esposa casa quiero tengo senora senor usted estoy esta
aqui ahora puedo puede numero equivocado manana
"""
_FRENCH = """
je ne pas parle anglais francais oui non merci bonjour vous nous est ce que qui une les des
pour dans avec mais pourquoi comprends desole madame monsieur maison
"""
_PORTUGUESE = """
nao falo ingles portugues obrigado obrigada sim voce eu entendo bom dia quem fala casa minha
"""
_GERMAN = """
ich nicht spreche kein englisch deutsch ja nein danke guten tag wer ist das was wollen sie
verstehe haus
"""
_ENGLISH_WORDS = """
the and is are you i it to of that this not we my do have for yes what who hello okay at be
want sell house home a in sure yeah yep like could would about
"""
_COMMON: Mapping[str, frozenset[str]] = {
    "es": frozenset(_SPANISH.split()),
    "fr": frozenset(_FRENCH.split()),
    "pt": frozenset(_PORTUGUESE.split()),
    "de": frozenset(_GERMAN.split()),
}
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_SAID_SO: Mapping[str, re.Pattern[str]] = {
    "es": re.compile(
        r"\b(do you|you|anybody|anyone|someone|can you|only|i) (speak|talk|habla) (in )?(spanish|espanol)\b|\bin spanish\b|\bspanish please\b"
    ),
    "zh": re.compile(r"\b(only|i|do you|you|can you) (speak|talk) (chinese|mandarin|cantonese)\b"),
    "vi": re.compile(r"\b(only|i|do you|you|can you) (speak|talk) vietnamese\b"),
    "ko": re.compile(r"\b(only|i|do you|you|can you) (speak|talk) korean\b"),
    "ru": re.compile(r"\b(only|i|do you|you|can you) (speak|talk) russian\b"),
}
_NO_ENGLISH = re.compile(r"\b(no|not|little)( \w+){0,3} english\b")
UNKNOWN = "other"


def other_language(words: str) -> str:
    """Return the language that the words are in, or ask for; "" for English.

    "other" is a language that we cannot name: the lead says that it is not English.
    """
    for language, pattern in _SAID_SO.items():
        if pattern.search(words):
            return language
    tokens = frozenset(words.split())
    if len(tokens) >= 2:
        english = sum(token in _ENGLISH for token in tokens)
        for language, common in _COMMON.items():
            known = sum(token in common for token in tokens)
            if known >= 2 and known * 3 >= len(tokens) * 2 and known > english + 1:
                return language
    return UNKNOWN if _NO_ENGLISH.search(words) else ""
