"""Whether a request has all fields that the published API requires."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import proto
from google.cloud.aiplatform_v1 import types
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from components.errors import InputError

_PACKAGE = "google.cloud.aiplatform.v1."
# In the reference that Google generates from the API's definition: `name (type):` and its text,
# which begins with words such as "Required." and "Immutable.".
_FIELD = re.compile(
    r"^ +(\w+) \([^\n]*\):\n((?: +(?:Required|Immutable|Optional)\.)+)", re.MULTILINE
)


def check_required(message: Any) -> None:
    """Checks a request of `google.cloud.aiplatform_v1` and everything in it that is set.

    A number that is required counts as missing when it is 0.

    Args:
      message: a proto-plus message or its protobuf form.

    Raises:
      InputError: if a required field is missing; names its path.
    """
    pb = type(message).pb(message) if isinstance(message, proto.Message) else message
    missing = sorted(_missing(pb, pb.DESCRIPTOR.name))
    if missing:
        raise InputError(
            f"Vertex AI requires {', '.join(missing)}; received {pb.DESCRIPTOR.name} without"
        )


def _missing(message: Message, path: str) -> Iterator[str]:
    fields = dict(message.ListFields())
    present = {field.name for field in fields}
    for name in _required_fields(message.DESCRIPTOR.full_name):
        if name not in present:
            yield f"{path}.{name}"
    for field, value in fields.items():
        yield from _missing_below(field, value, f"{path}.{field.name}")


def _missing_below(field: FieldDescriptor, value: Any, path: str) -> Iterator[str]:
    if field.type != FieldDescriptor.TYPE_MESSAGE:
        return
    if not field.message_type.full_name.startswith(_PACKAGE):
        return
    if field.message_type.GetOptions().map_entry:
        for key in value:
            if isinstance(value[key], Message):
                yield from _missing(value[key], f"{path}[{key!r}]")
    elif field.label == FieldDescriptor.LABEL_REPEATED:
        for index, item in enumerate(value):
            yield from _missing(item, f"{path}[{index}]")
    else:
        yield from _missing(value, path)


@cache
def _required_fields(full_name: str) -> tuple[str, ...]:
    """Returns the required fields of a message type of the API."""
    found: Any = types
    for part in full_name.removeprefix(_PACKAGE).split("."):
        found = getattr(found, part, None)
    text = found.__doc__ or ""
    return tuple(name for name, words in _FIELD.findall(text) if "Required." in words)
