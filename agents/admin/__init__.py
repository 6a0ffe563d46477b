"""Playbooks on the manager's desk."""

from agents.admin import playbook

__all__ = ["playbook"]
