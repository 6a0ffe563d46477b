"""How good the agent is: simulated leads, what they show, and the figures that come of it."""
