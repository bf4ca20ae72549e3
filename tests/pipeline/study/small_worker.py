"""Stands in for `pipeline.study.worker.main`: does at once what the id of a step says."""

import os
import signal
import time

from pipeline.study.worker import Ended, Progress, Ready


def main(parent, settings):
    """Takes steps as the real one does."""
    parent.send(Ready())
    while (step := parent.recv()) is not None:
        kind = step.id.split(":")[0]
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "exit":
            os._exit(3)
        if kind == "slow":
            parent.send(Progress("at work"))
            time.sleep(60)
        error = "it failed" if kind == "fail" else None
        told = f"{os.getpid()} {settings.has_accelerators}"
        parent.send(Ended(0.1, {"told": told}, error=error))


def dead_at_start(parent, settings):
    """Dies before it takes a step."""
    settings.log_path.write_text("first line\nno such library\n")
    os._exit(1)
