"""The conversation's state graph: who speaks next, and why."""
