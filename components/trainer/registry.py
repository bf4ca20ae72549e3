"""The embedding methods: one file each in `embeddings/`, and the file's name is the method's.

What several of them are made of lies in `embeddings/parts/`.
"""

import importlib
import pkgutil
from collections.abc import Iterable
from typing import TYPE_CHECKING

from components.trainer import embeddings

if TYPE_CHECKING:
    from components.trainer.embeddings.base import Embedding
    from components.trainer.embeddings.parts.id_map import IdMap
    from components.trainer.embeddings.parts.storage import Storage

    Method = type[Embedding] | type[IdMap] | type[Storage]

_NOT_METHODS = {"base"}


def known_methods() -> tuple[str, ...]:
    """Returns the names of all methods in alphabetical order; imports none of them."""
    modules = pkgutil.iter_modules(embeddings.__path__)
    files = {module.name for module in modules if not module.ispkg}
    return tuple(sorted(files - _NOT_METHODS))


def load_method(name: str) -> "Method":
    """Imports a method's file and returns its class: `quotient_remainder` -> `QuotientRemainder`.

    Raises:
      ValueError: if there is no such file.
    """
    if name not in known_methods():
        raise ValueError(f"unknown method {name!r}; known: {', '.join(known_methods())}")
    module = importlib.import_module(f"components.trainer.embeddings.{name}")
    method: Method = getattr(module, name.title().replace("_", ""))
    return method


def trainer_sources(methods: Iterable[str]) -> list[str]:
    """Returns globs of the code that trains with methods; that of other methods is not among it.

    What methods share is, all of it: each of its files serves several.
    """
    return [
        "components/trainer/*.py",
        "components/trainer/loop/*.py",
        "components/trainer/embeddings/parts/*.py",
        *(
            f"components/trainer/embeddings/{name}.py"
            for name in sorted({"__init__", "base", "full", *methods})
        ),
    ]
