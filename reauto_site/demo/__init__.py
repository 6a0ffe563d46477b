"""The demonstration: seed leads, start every process, watch real calls, check the outcomes."""
