"""Processes that a measurement may turn out to be."""
