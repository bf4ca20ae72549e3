"""Compiles one program for one chip and writes what came of it as JSON.

One process a compile: a crash of the native compiler is a result for the one who started it, and
not the end.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.trainer.preflight.chips import CHIPS
from components.trainer.preflight.compiler import WRONG_ENVIRONMENT
from components.trainer.preflight.compiler.jax_private import (
    RefusedError,
    WrongEnvironmentError,
    compile_program,
    installed_versions,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compiles as the flags say.

    Returns:
      0, also if the compiler refuses the program; `WRONG_ENVIRONMENT` with a message if JAX or
      libtpu are not those that are expected.
    """
    flags = _parser().parse_args(arguments)
    manifest = json.loads(flags.manifest.read_text(encoding="utf-8"))
    start = time.monotonic()
    result: dict[str, Any] = {"versions": installed_versions()}
    try:
        compiled = compile_program(
            flags.program.read_bytes(), CHIPS[flags.chip].topology, manifest["num_chips"]
        )
    except WrongEnvironmentError as error:
        print(f"preflight compiler: {error}", file=sys.stderr)
        return WRONG_ENVIRONMENT
    except RefusedError as error:
        result |= {"status": "refused", "message": str(error)}
    else:
        result |= {"status": "compiled", "memory": compiled.memory, "cost": compiled.cost}
    result["seconds"] = time.monotonic() - start
    temporary = flags.result.with_name(f"{flags.result.name}.tmp")
    temporary.write_text(json.dumps(result, indent=1), encoding="utf-8")
    temporary.replace(flags.result)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m components.trainer.preflight.compiler", description=__doc__.splitlines()[0]
    )
    parser.add_argument("program", type=Path, help="a serialized HLO module")
    parser.add_argument("--manifest", type=Path, required=True, help="its manifest, JSON")
    parser.add_argument("--chip", choices=sorted(CHIPS), required=True)
    parser.add_argument("--result", type=Path, required=True, help="the JSON file to write")
    return parser


if __name__ == "__main__":
    sys.exit(main())
