"""The train step compiled by the real TPU compiler, on a machine without a TPU."""
