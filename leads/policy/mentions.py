"""Who is named in a note."""

from __future__ import annotations

import re

# Django's user names: letters, digits and @ . + - _; a full stop at the end ends the sentence.
_MENTION = re.compile(r"(?<![\w@.+-])@([\w.+-]*\w)")


def mentioned(text: str) -> tuple[str, ...]:
    """Return the user names after an @, in lower case, each once, in their order.

    An e-mail address names nobody: the @ must begin a word.
    """
    return tuple(dict.fromkeys(name.lower() for name in _MENTION.findall(text)))
