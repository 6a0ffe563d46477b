"""What the pages of the manager's desk show of playbooks."""
