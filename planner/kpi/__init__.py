"""KPIs: one subject a file, each computed from inputs and decisions."""
