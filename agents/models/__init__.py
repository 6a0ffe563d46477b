"""What is said: playbooks, their versions, and how good these are."""

from agents.models.evaluation import Evaluation, EvaluationCase
from agents.models.playbook import Playbook, PlaybookVersion

__all__ = ["Evaluation", "EvaluationCase", "Playbook", "PlaybookVersion"]
