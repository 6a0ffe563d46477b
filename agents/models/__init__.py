"""What is said: playbooks and their versions."""

from agents.models.playbook import Playbook, PlaybookVersion

__all__ = ["Playbook", "PlaybookVersion"]
