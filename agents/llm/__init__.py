"""The language model: asked where the playbook's rules are at an end, and never trusted."""
