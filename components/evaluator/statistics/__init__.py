"""What the predictions say about the variants, with its uncertainty."""
