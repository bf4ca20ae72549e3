"""Functions that are compiled when they are first called, by numba.

The machine code is kept on the disk for the next process: in `__pycache__` beside the source if
that can be written to, else in the user's cache folder, else nowhere. numba does not use it after
an edit of the function's source file, but looks at no other file: a function must take what others
define as an argument, and after an edit of the options below those folders must be emptied by hand.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any

_COMPILING = threading.RLock()


def compiled(signature: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns a decorator for a function that lets go of Python's lock while it runs.

    The threads of a process compile it once. Processes that start together may each compile it;
    they write the same files, each as a whole, because a function has one signature only.

    Args:
      signature: numba's, such as `"void(float64[::1], uint8[:, ::1])"`: contiguous arrays that may
        be written to.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        made: list[Callable[..., Any]] = []

        @functools.wraps(function)
        def call(*arguments: Any) -> Any:
            if not made:
                with _COMPILING:
                    if not made:
                        made.append(_compile(function, signature))
            return made[0](*arguments)

        return call

    return decorate


def _compile(function: Callable[..., Any], signature: str) -> Callable[..., Any]:
    import numba  # It takes a while, and most who import this module compile nothing.

    try:
        return numba.njit(signature, nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # No folder for the machine code.
        return numba.njit(signature, nogil=True, error_model="numpy")(function)
