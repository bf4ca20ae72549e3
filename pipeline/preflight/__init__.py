"""The command line of the preflight; `components.trainer.preflight` does the work."""
