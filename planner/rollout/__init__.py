"""Roll-out within a county: which sites open in which year under yearly budgets (docs/rollout.md)."""
