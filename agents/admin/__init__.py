"""Playbooks and their evaluations on the manager's desk."""

from agents.admin import evaluation, playbook

__all__ = ["evaluation", "playbook"]
