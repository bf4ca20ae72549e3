"""Why a process failed, out of its exit status and its log."""

import re
import signal
from pathlib import Path

from pipeline.vertex.local.log_tail import log_tail

_TAIL_LINES = 12
# The last line of a traceback.
_EXCEPTION = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Exception|Interrupt))(?:: (.+))?$", re.MULTILINE)
_FOR_USERS = "InputError"


class TaskError(Exception):
    """A task of the pipeline failed.

    Attributes:
      step: its name.
      log: what it printed.
    """

    def __init__(self, step: str, status: int, log: Path) -> None:
        """Says what failed, why, and where to read on."""
        tail = "".join(f"  | {line}\n" for line in log_tail(log).splitlines()[-_TAIL_LINES:])
        super().__init__(f"step {step}: {describe_exit(status, log)}\n{tail}log of the step: {log}")
        self.step = step
        self.log = log


def describe_exit(status: int, log: Path) -> str:
    """Returns the error in a log, else what the exit status tells.

    Args:
      status: of a process that failed; negative: the number of the signal that ended it.
      log: what it printed; an exception that is meant for users shows without its type.
    """
    if status == -signal.SIGKILL:
        return "killed; if the memory was used up, run fewer steps side by side"
    if status < 0:
        return f"ended by signal {signal.Signals(-status).name}"
    raised = _EXCEPTION.findall(log_tail(log))
    if not raised:
        return f"exit status {status}"
    kind, message = raised[-1]
    if kind == _FOR_USERS:
        return str(message)
    return f"{kind}: {message}" if message else str(kind)
