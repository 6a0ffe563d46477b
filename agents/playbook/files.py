"""Scripts as TOML files: to keep elsewhere, to send to a colleague, to write in an editor."""

from __future__ import annotations

import tomllib
from typing import Any, Final

import tomli_w
from pydantic import BaseModel

from agents.playbook.faults import ScriptInvalid

MOST_BYTES: Final = 512 * 1024
"""The largest file that is read. The playbooks that ship have 20 kB."""


def toml_read(content: bytes, *, name: str) -> dict[str, Any]:
    """Return the data in a file, not checked yet.

    Raises:
        ScriptInvalid: the file is too large, not text, or not TOML; it says where.
    """
    if len(content) > MOST_BYTES:
        raise ScriptInvalid(
            [f"{name} is too large for a playbook: at most {MOST_BYTES // 1024} kB"]
        )
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ScriptInvalid([f"{name} is not a text file: save it as UTF-8"]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ScriptInvalid([f"{name} is not a playbook file (TOML): {error}"]) from None


def toml_of(script: BaseModel, *, heading: str) -> str:
    """Return a script as the text of a file that `toml_read` takes."""
    data = script.model_dump(mode="json", exclude_none=True)
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    return f"{comment}\n{tomli_w.dumps(_without_empty(data))}"


def _without_empty(value: Any) -> Any:
    """Leave out what is empty anyway: it would only be in the way of a reader."""
    if isinstance(value, dict):
        return {key: _without_empty(each) for key, each in value.items() if each not in ("", [])}
    return [_without_empty(each) for each in value] if isinstance(value, list) else value
