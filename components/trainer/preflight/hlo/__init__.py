"""XLA's programs as text, as far as the preflight reads them."""
