"""Fails."""

raise KeyError("a bug")
