"""The pipeline as Google runs it: compiled, with machines in place."""
