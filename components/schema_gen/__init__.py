"""The schema of the raw rows, made from the layout of the click log."""
