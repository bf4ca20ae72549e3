"""Runs a command that goes on when a notebook or a shell is gone, with a log to follow.

    python -m pipeline.study.background start --log work/study.log -- COMMAND ...
    python -m pipeline.study.background follow --log work/study.log

Both may be given again at any time: `start` does nothing while the command runs, and starts it
anew once it has ended, so a command that resumes by itself is resumed; `follow` shows the last
lines, then new ones until the command ends, and may be stopped without stopping the command.
"""

import argparse
import fcntl
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_LAST_LINES = 20
_PAUSE_SECONDS = 0.2
_UNKNOWN = 1  # the command was killed before it could tell


def main(arguments: Sequence[str] | None = None) -> int:
    """Starts or follows a command.

    Returns:
      of `start`, 0; of `follow`, the command's exit status; 130 if following was interrupted.
    """
    flags = _flags(arguments)
    if flags.action == "start":
        return start(flags.log, flags.command)
    if flags.action == "follow":
        try:
            return follow(flags.log)
        except KeyboardInterrupt:
            print("not followed any more; the command goes on", file=sys.stderr)
            return 130
    return _run(flags.log, flags.command)


def start(log: Path, command: Sequence[str]) -> int:
    """Starts the command in a session of its own, unless it is running.

    Args:
      log: takes the command's output, after what is there.
      command: program and arguments.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if is_running(log):
        print(f"running already; its log is {log}")
        return 0
    _status(log).unlink(missing_ok=True)
    runner = [sys.executable, "-m", "pipeline.study.background", "run", "--log", str(log), "--"]
    with log.open("ab") as output:
        subprocess.Popen(
            [*runner, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    while not is_running(log) and not _status(log).exists():
        time.sleep(_PAUSE_SECONDS / 4)
    print(f"started; its log is {log}")
    return 0


def follow(log: Path) -> int:
    """Prints the last lines of the log and what is added, until the command ends.

    Returns:
      the command's exit status.
    """
    with log.open(encoding="utf-8", errors="replace") as file:
        print("".join(file.readlines()[-_LAST_LINES:]), end="", flush=True)
        while is_running(log):
            print(file.read(), end="", flush=True)
            time.sleep(_PAUSE_SECONDS)
        print(file.read(), end="", flush=True)
    status = _status(log)
    return int(status.read_text()) if status.exists() else _UNKNOWN


def is_running(log: Path) -> bool:
    """Returns whether a command with this log runs: a lock that dies with it says so."""
    path = _lock(log)
    if not path.exists():
        return False
    with path.open("r") as file:
        return not _locked(file)


def _run(log: Path, command: Sequence[str]) -> int:
    with _lock(log).open("w") as file:
        if not _locked(file):
            return 0  # another start was faster
        try:
            code = subprocess.run(command, check=False).returncode
        except OSError as error:
            print(error, flush=True)
            code = 127  # as shells say it
        code = code if code >= 0 else 128 - code  # ended by a signal
        temporary = log.with_name(f"{log.name}.status.tmp")
        temporary.write_text(str(code))
        temporary.rename(_status(log))
    return code


def _locked(file: IO[str]) -> bool:
    """Takes the lock, until the file is closed; returns whether nobody else has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock(log: Path) -> Path:
    return log.with_name(f"{log.name}.lock")


def _status(log: Path) -> Path:
    return log.with_name(f"{log.name}.status")


def _flags(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.study.background",
        description="Runs a command that goes on when a notebook or a shell is gone.",
    )
    actions = parser.add_subparsers(dest="action", required=True)
    for name in ("start", "follow", "run"):
        action = actions.add_parser(name)
        action.add_argument("--log", type=Path, required=True, metavar="FILE")
        if name != "follow":
            action.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
