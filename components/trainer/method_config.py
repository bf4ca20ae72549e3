"""The options of embedding methods."""

from pydantic import Field

from schemas.step_config import StepConfig


class MethodConfig(StepConfig):
    """The options of a method; a method without options uses this class."""

    def check_embedding_dim(self, embedding_dim: int) -> None:
        """Refuses a width that does not suit the options; called before any step starts.

        Raises:
          ValueError: by a method that overrides it. The message names the option, the rule and
            what was received.
        """


class SizedConfig(MethodConfig):
    """The options of a method whose size can be chosen.

    Attributes:
      compression_ratio: about how many times smaller than an exact float32 table the method makes a
        feature's. What is rounded, and what cannot be made smaller, decides the exact figure.
    """

    compression_ratio: float = Field(default=4.0, ge=1, le=1e9, allow_inf_nan=False)
