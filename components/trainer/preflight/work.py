"""From the compiler's cost analysis and the program's text: how much work a step is at least."""

import math
from collections.abc import Mapping
from typing import Literal

from components.preflight_result import Work
from components.trainer.preflight.chips import Chip
from components.trainer.preflight.findings.traffic import matmul_flops, moved_bytes
from components.trainer.preflight.hlo.program import Program

# The compiler may find that a few products are the same.
_LEAST_SHARE = 0.9


def step_work(cost: Mapping[str, float], before: Program, after: Program, chip: Chip) -> Work:
    """Returns what a step has to do, and how long that takes at least.

    Args:
      cost: `flops` and `bytes_accessed` of the cost analysis, either may be missing.
      before: the program as it was exported.
      after: the same after the compiler's work.
      chip: where it runs.
    """
    products, moved = matmul_flops(before), moved_bytes(after)
    flops, no_flops = _checked(cost, "flops", products * _LEAST_SHARE, "matrix products")
    accessed, no_bytes = _checked(cost, "bytes_accessed", moved, "copies and results")
    seconds: dict[Literal["flops", "bytes"], float] = {
        "flops": products / chip.peak_flops,
        "bytes": moved / chip.hbm_bytes_per_second,
    }
    bound_by: Literal["flops", "bytes"] = (
        "flops" if seconds["flops"] > seconds["bytes"] else "bytes"
    )
    return Work(
        flops=flops,
        bytes_accessed=accessed,
        matmul_flops=products,
        moved_bytes=moved,
        lower_bound_seconds=seconds[bound_by],
        bound_by=bound_by,
        left_out=tuple(word for word in (no_flops, no_bytes) if word),
    )


def _checked(
    cost: Mapping[str, float], name: str, least: float, counted: str
) -> tuple[float | None, str]:
    """A figure of the cost analysis, or None and why."""
    if name not in cost:
        return None, f"{name}: the compiler gives none"
    value = cost[name]
    if not math.isfinite(value) or value < 0:
        return None, f"{name}: the compiler says {value:g}"
    if value < least:
        return None, f"{name}: the compiler says {value:g}, {counted} alone are {least:g}"
    return value, ""
