"""The base of every step's configuration."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

ConfigT = TypeVar("ConfigT", bound="StepConfig")


class StepConfig(BaseModel):
    """A typed, frozen configuration, checked when it is made.

    It travels to its step as canonical JSON and is rebuilt through its constructor there, so a
    value that was changed on the way fails as loudly as one that was wrong from the start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def to_json(self) -> str:
        """Returns the canonical JSON: sorted keys, no spaces, every default spelled out."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls: type[ConfigT], text: str) -> ConfigT:
        """Rebuilds the configuration from `to_json`.

        Raises:
          pydantic.ValidationError: if a field is unknown or its value is not allowed.
        """
        values: Any = json.loads(text)
        return cls.model_validate(values)
