"""An opt-out in French, German, Portuguese or Italian: the few wordings everybody uses."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re

_PATTERNS = tuple(
    re.compile(rf"\b{pattern}")
    for pattern in (
        # French
        r"ne (?:m|nous|me)? ?(?:appelez|appelle|telephonez|contactez|derangez) (?:plus|jamais)\b",
        r"(?:arretez|cessez) de (?:m|nous|me)? ?(?:appeler|telephoner|deranger|harceler)\b",
        r"(?:retirez|enlevez|supprimez|rayez)(?: \w+)? (?:de (?:votre|vos|la) listes?|mon numero)\b",
        # German
        r"(?:rufen|ruft|ruf)(?: sie)?(?: \w+){0,2} (?:nicht mehr|nie wieder|nie mehr) an\b",
        r"(?:horen|hort|hor)(?: sie)? auf(?: \w+){0,2} anzurufen\b",
        r"(?:streichen|loschen|nehmen)(?: sie)? (?:mich|uns|meine nummer)\b",
        r"(?:nicht mehr|nie wieder) anrufen\b",
        # Portuguese
        r"nao (?:me|nos) (?:ligue|ligues|liguem|telefone|contate|incomode)(?: mais)?\b(?! (?:agora|antes|hoje|depois))",
        r"nao (?:ligue|liguem) mais\b|(?:pare|parem) de (?:me |nos )?(?:ligar|telefonar|incomodar)\b",
        r"(?:tire|remova|retire|apague)(?: \w+){0,2} (?:da (?:sua )?lista|numero)\b",
        # Italian
        r"non (?:mi|ci) (?:chiami|chiamate|telefoni|contatti|disturbi) (?:piu|mai)\b",
        r"(?:smetta|smettete|smettetela) di (?:chiamarmi|chiamare|telefonarmi|disturbarmi)\b",
        r"(?:tolga|toglietemi|cancelli|rimuova)(?: \w+){0,2} (?:dalla (?:vostra )?lista|numero)\b",
    )
)


def asks_in_another_tongue(words: str) -> bool:
    """Tell whether normalised words (without accents) ask so in one of these languages."""
    return any(pattern.search(words) for pattern in _PATTERNS)
