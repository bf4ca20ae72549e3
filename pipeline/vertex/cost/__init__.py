"""What a run costs, estimated."""
