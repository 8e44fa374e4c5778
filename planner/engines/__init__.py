"""Adapters to outside solvers: options, statuses and exceptions translated into our own."""
