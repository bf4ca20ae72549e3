"""What is wrong with a configuration, in words for whoever wrote it."""

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """One problem after another: the field, the rule, what was received, for a typo what exists.

    Args:
      error: of making a `model`.
      model: a configuration.
    """
    lines = []
    for problem in error.errors():
        field = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "value_error":
            line = str(problem["ctx"]["error"])
        elif problem["type"] == "extra_forbidden":
            line = f"unknown field; known: {', '.join(_siblings(model, problem['loc']))}"
        else:
            line = f"{problem['msg']}, received {problem['input']!r}"
        lines.append(f"{field}: {line}" if field else line)
    return "; ".join(lines)


def _siblings(root: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """The fields that exist where an unknown one was given."""
    model: Any = root
    for part in location[:-1]:
        fields = getattr(model, "model_fields", None)
        # Of a tuple the type of its items, of a dict that of its values.
        model = fields[part].annotation if fields else get_args(model)[get_origin(model) is dict]
        if get_origin(model) is UnionType:  # a section that may be absent
            [model] = [each for each in get_args(model) if each is not NoneType]
    return list(model.model_fields)
