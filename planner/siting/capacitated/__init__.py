"""Capacitated siting: Lagrangian relaxation to knapsacks, reduction by its prices, HiGHS on what remains."""
