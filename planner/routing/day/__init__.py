"""A day's rich rounds of a plan: waves, windows, batteries, permits, rests, cold goods, produce and empties."""
