"""The pipeline: its configuration, its graph, and what runs it on this machine."""
