"""Entry points of the work that leads leave for later."""

from __future__ import annotations

from uuid import UUID

from leads.services.imports import import_step


def import_work(batch_id: str, *, seconds: float) -> bool:
    """Work on an import for about that many seconds. True while there is more to do."""
    return import_step(batch_id=UUID(batch_id), seconds=seconds)
