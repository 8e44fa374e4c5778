"""Families of the location-routing benchmark."""
