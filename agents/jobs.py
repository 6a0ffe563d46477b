"""Entry points of the work that agents leave for later."""

from __future__ import annotations

from uuid import UUID

from agents.services.evaluations import evaluation_step


def evaluation_work(evaluation_id: str, *, seconds: float) -> bool:
    """Run on an evaluation for about that many seconds. True while there is more to do."""
    return evaluation_step(evaluation_id=UUID(evaluation_id), seconds=seconds)
