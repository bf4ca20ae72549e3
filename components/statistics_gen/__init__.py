"""Statistics of the raw rows, with TFDV."""
