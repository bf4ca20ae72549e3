"""What is read from a program: known causes of slowness, and how much work it is."""
