"""The pipeline on Vertex AI: compiled, tried on this machine, submitted, watched, priced."""
