"""How the agent and the lead take turns: knobs of a playbook, which a campaign may set anew."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from agents.playbook.text import Part

Patience = Literal["quick", "balanced", "patient"]
Interrupting = Literal["easy", "balanced", "hard"]
MOST_GAP_MS: Final = 3000
"""A longer silence before every answer is taken for a dead line."""


class TurnTaking(Part):
    """When the agent begins to speak, and when it stops for the lead."""

    patience: Patience = Field(
        default="balanced",
        title="Patience",
        description="How long the agent waits for a lead who pauses in the middle of a sentence.",
    )
    least_gap_ms: Annotated[int, Field(ge=0, le=MOST_GAP_MS)] = Field(
        default=0,
        title="Shortest pause before an answer, in milliseconds",
        description="0 answers as soon as the lead has finished, after about 200. Raise it if "
        "that feels too eager: people take 200 to 500 among themselves.",
    )
    interrupting: Interrupting = Field(
        default="balanced",
        title="Interrupting the agent",
        description="How much a lead has to say before the agent falls silent.",
    )
