"""The half that runs in its own environment: it imports JAX and the standard library only."""

# The exit status where JAX or libtpu are not those that are expected.
WRONG_ENVIRONMENT = 3
