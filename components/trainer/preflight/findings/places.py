"""From a name in a program to the layer and the source line."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.preflight_result import Place


class Places:
    """Knows where the operations of a program come from."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        """Takes the manifest of the exported step; its `operations` may be missing."""
        self._operations: Mapping[str, Sequence[str]] = manifest.get("operations", {})

    def of(self, operation: str) -> Place:
        """Returns the place of a TensorFlow operation.

        XLA makes longer names of TensorFlow's (`a/b/c` of `b/c`, `c.1` of `c`): the longest known
        end of the name counts.
        """
        parts = operation.split("/")
        for start in range(len(parts)):
            name = "/".join(parts[start:])
            for candidate in (name, name.rpartition(".")[0]):
                if candidate and candidate in self._operations:
                    layer, file = self._operations[candidate]
                    return Place(operation=operation, layer=layer, file=file)
        return Place(operation=operation)
