"""Studies: further questions a scenario asks about the same county, each answered by one siting model."""
