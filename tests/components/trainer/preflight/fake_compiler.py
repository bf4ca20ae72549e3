"""A program that answers for the compiler: the memory of v3 is too small for everything."""

import json
from pathlib import Path

_SIZES = ("arguments", "outputs", "aliased", "temporaries", "code")
_COMPILED = {
    "status": "compiled",
    "seconds": 1.0,
    "versions": {"libtpu": "1"},
    "memory": {f"{name}_bytes": 1000 for name in _SIZES},
    "cost": {},
}
_REFUSED = {
    "status": "refused",
    "seconds": 1.0,
    "versions": {},
    "message": "Ran out of memory on HBM",
}


def write_compiler(path: Path) -> Path:
    """Writes it where a Python is expected."""
    path.write_text(
        "#!/bin/bash\n"
        f"""if [[ "$5" = v3 ]]; then echo '{json.dumps(_REFUSED)}'; """
        f"""else echo '{json.dumps(_COMPILED)}'; fi > "${{@: -1}}"\n"""
    )
    path.chmod(0o755)
    return path
