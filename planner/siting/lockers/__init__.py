"""Parcel lockers: queue, size, customer choice, sites and balance."""
