"""The version of the code that a step runs.

TFX's cache key holds a step's inputs and execution properties but not its code. Each of our
steps therefore carries a hash of the sources it runs as one more execution property: an edit
re-executes the step, and nothing else.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
# The locked packages are code too.
_SHARED = ("components/*.py", "schemas/*.py", "requirements.txt")


def code_version(patterns: Iterable[str]) -> str:
    """Hashes the sources that match `patterns` and the sources that all steps share.

    Args:
      patterns: globs relative to the root of the checkout, for example
        `"components/transform/*.py"`.

    Returns:
      The first 16 hexadecimal digits of a SHA-256 over paths and contents.

    Raises:
      ValueError: if a pattern matches no file.
    """
    digest = hashlib.sha256()
    files: set[Path] = set()
    for pattern in (*_SHARED, *patterns):
        matched = set(_ROOT.glob(pattern))
        if not matched:
            raise ValueError(f"code_version: no source file matches {pattern!r} under {_ROOT}")
        files |= matched
    for path in sorted(path for path in files if path.is_file()):
        digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
