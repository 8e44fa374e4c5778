"""What policy documents ask of a courier network, and whether a plan meets it."""
