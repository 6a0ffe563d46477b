"""The manager's desk in a real browser."""
