"""Why a run failed, in one message for people."""

import re

from components.errors import InputError

# The last line of a traceback.
_SENT_EXCEPTION = re.compile(r"^(?:\w+\.)*(\w+: .+)$", re.MULTILINE)


def cause_of(error: BaseException) -> str:
    """One message of an exception chain: the first error made for users, else the innermost."""
    chain = [error]
    while (cause := _before(chain[-1])) and cause not in chain:
        chain.append(cause)
    step = f"step {error.step}: " if hasattr(error, "step") else ""
    for link in chain:
        if isinstance(link, InputError):
            return f"{step}{link}"
    last = chain[-1]
    # A worker of Beam sends its exception as the text of a traceback.
    sent = _SENT_EXCEPTION.findall(str(last)) if "Traceback" in str(last) else ()
    return f"{step}{sent[-1] if sent else f'{type(last).__name__}: {last}'}"


def _before(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)
