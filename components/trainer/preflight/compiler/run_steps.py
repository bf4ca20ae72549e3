"""Runs an exported step on the device that JAX has here, batch after batch.

    python -m components.trainer.preflight.compiler.run_steps PROGRAM
      --manifest M --values V.npz --result R

`V.npz` holds `argument_<i>` for each argument of the manifest: its value, or for an input those of
all steps, one axis more. The result is JSON: `device`, `losses`, and the `seconds` of each step.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.trainer.preflight.compiler import WRONG_ENVIRONMENT
from components.trainer.preflight.compiler.jax_private import WrongEnvironmentError, load_program


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs as the flags say.

    Returns:
      0, or `WRONG_ENVIRONMENT` with a message if JAX is not the one that is expected.
    """
    flags = _parser().parse_args(arguments)
    manifest = json.loads(flags.manifest.read_text(encoding="utf-8"))
    try:
        result = run_steps(flags.program.read_bytes(), manifest, flags.values)
    except WrongEnvironmentError as error:
        print(f"preflight compiler: {error}", file=sys.stderr)
        return WRONG_ENVIRONMENT
    temporary = flags.result.with_name(f"{flags.result.name}.tmp")
    temporary.write_text(json.dumps(result), encoding="utf-8")
    temporary.replace(flags.result)
    return 0


def run_steps(program: bytes, manifest: dict[str, Any], values: Path) -> dict[str, Any]:
    """Returns the losses of the steps; each starts from the variables that the one before left."""
    import jax
    import numpy as np

    jax.config.update("jax_enable_x64", True)  # counters of steps are int64
    run = load_program(program)
    device = jax.devices()[0]
    kinds = [argument["kind"] for argument in manifest["arguments"]]
    with np.load(values) as file:
        given = [file[f"argument_{index}"] for index in range(len(kinds))]
    inputs = [index for index, kind in enumerate(kinds) if kind == "input"]
    kept = [None if i in inputs else jax.device_put(v, device) for i, v in enumerate(given)]
    losses, seconds = [], []
    for step in range(len(given[inputs[0]])):
        for index in inputs:
            kept[index] = jax.device_put(given[index][step], device)
        jax.block_until_ready(kept)
        start = time.perf_counter()
        results = run(kept)
        jax.block_until_ready(results)
        seconds.append(time.perf_counter() - start)
        losses.append(float(results[0]))
        for output, argument in manifest["aliases"]:
            kept[argument] = results[output]
    return {
        "device": f"{device.platform}: {device.device_kind}",
        "losses": losses,
        "seconds": seconds,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m components.trainer.preflight.compiler.run_steps",
        description=__doc__.splitlines()[0],
    )
    parser.add_argument("program", type=Path, help="a serialized HLO module")
    parser.add_argument("--manifest", type=Path, required=True, help="its manifest, JSON")
    parser.add_argument("--values", type=Path, required=True, help="the arguments, npz")
    parser.add_argument("--result", type=Path, required=True, help="the JSON file to write")
    return parser


if __name__ == "__main__":
    sys.exit(main())
