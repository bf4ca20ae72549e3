"""Memory of processes and of this machine, as Linux tells it."""

from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OOM_SCORE = Path("/proc/self/oom_score_adj")


def peak_bytes(process_id: int | None = None) -> int:
    """Returns the most that a process has ever had in memory; None is this one.

    It counts from the start of the program: `ru_maxrss` counts what its parent had, too. It is 0
    for a process that has ended.
    """
    path = Path("/proc") / ("self" if process_id is None else str(process_id)) / "status"
    try:
        return _kilobytes(path, "VmHWM") * 1024
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return 0


def free_bytes() -> int:
    """Returns how much memory a process could still get, within the limits of its container."""
    free = _kilobytes(Path("/proc/meminfo"), "MemAvailable") * 1024
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
    except OSError:
        return free
    return free if limit == "max" else max(0, min(free, int(limit) - used))


def end_me_first() -> None:
    """Has the kernel end this process before any other if memory runs out."""
    _OOM_SCORE.write_text("1000")


def _kilobytes(path: Path, field: str) -> int:
    lines = (line.split(":", 1) for line in path.read_text().splitlines())
    return int(dict(lines)[field].split()[0])
