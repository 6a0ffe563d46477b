"""An opt-out in Spanish: people answer in the language they think in, whatever they were asked."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re

_WHOM = r"(?:me|nos|le|les|lo|la|los|las|te)"
_CALL = r"(?:llam\w+|marqu\w+|marc\w+|telefone\w+|molest\w+|contact\w+|hable\w*)"
_PATTERNS = tuple(
    re.compile(rf"\b{pattern}")
    for pattern in (
        rf"(?:no|nunca|jamas)(?: (?:{_WHOM}|ya|mas|vuelv\w+|volv\w+|quier\w+|quer\w+|a|que|sig\w+|por|favor|deb\w+|pued\w+))* {_CALL}\b",
        rf"(?:dej\w+|par\w+|ces\w+|basta|alto)(?: ya)?(?: de| con)?(?: {_WHOM}| las| los| tantas)* (?:llam\w+|molest\w+|marcar\w*|insist\w+)\b",
        r"no (?:quier\w+|quer\w+|dese\w+|necesit\w+|acept\w+)(?: recibir| mas| sus| estas| esas| ninguna| ningunas| tantas)* llamadas?\b",
        r"(?:no mas|no more|ni una|sin|basta de) llamadas?\b(?: mas)?",
        r"(?:quit|sac|saqu|borr|elimin|remuev|remov|bor|tach|retir|d[ae])\w*(?: \w+){0,3} (?:lista|base de datos|sistema|registro|numero|telefono|datos)\b",
        r"(?:dej\w+|dejenme|dejeme)(?: me| nos)? (?:en paz|tranquil\w+|sol[oa]s?)\b",
        r"(?:ponga|pongan|pon)\w*(?: \w+){0,3} lista de no llamar\b",
        r"(?:lista de )no llamar\b",
        r"(?:dar\w*|deme|denme|den) de baja\b",
    )
)
_LATER = re.compile(
    r"^(?: \w+){0,2} (?:ahora|ahorita|hoy|antes|despues|manana|tan|a esta hora|en la|por la|hasta|mientras|al trabajo|el (?:lunes|martes|"
    r"miercoles|jueves|viernes|sabado|domingo))\b"
)
_ABOUT_OTHERS = re.compile(r"\b(?:yo|nosotros|el|ella|ellos|nadie|mi \w+|porque|por que|si)$")


def asks_in_spanish(words: str) -> bool:
    """Tell whether normalised words (without accents) ask in Spanish not to be called again."""
    return any(
        not _LATER.search(words[match.end() :])
        and not _ABOUT_OTHERS.search(words[: match.start()].strip())
        for pattern in _PATTERNS
        for match in pattern.finditer(words)
    )
