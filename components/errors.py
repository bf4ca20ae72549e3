"""The error that a user can act on."""


class InputError(ValueError):
    """The data or the configuration is wrong, and the message says what, where and what to do.

    The runners print the message alone, without a traceback.
    """
