"""Engine of the coverage models: reduction, Lagrangian bounds, annealing, window search, exact finish."""
