"""Importers: real data sets brought into the form of a county."""
