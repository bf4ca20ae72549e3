"""The embedding methods: one file each in `embeddings/`, and the file's name is the method's."""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.trainer.embeddings.base import Embedding

_FOLDER = Path(__file__).parent / "embeddings"
_NOT_METHODS = {"__init__", "base"}


def known_methods() -> tuple[str, ...]:
    """Returns the names of all methods in alphabetical order; imports none of them."""
    return tuple(sorted({path.stem for path in _FOLDER.glob("*.py")} - _NOT_METHODS))


def load_method(name: str) -> type["Embedding"]:
    """Imports a method's file and returns its class: `quotient_remainder` -> `QuotientRemainder`.

    Raises:
      ValueError: if there is no such file.
    """
    if name not in known_methods():
        raise ValueError(f"unknown method {name!r}; known: {', '.join(known_methods())}")
    module = importlib.import_module(f"components.trainer.embeddings.{name}")
    method: type[Embedding] = getattr(module, name.title().replace("_", ""))
    return method
