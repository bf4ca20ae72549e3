"""Configuration of the loss that a network is trained on."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.step_config import StepConfig


class LossConfig(StepConfig):
    """The loss of a row; with the defaults it is the binary cross-entropy, in nats.

    It changes what is trained and the train loss that is reported. Evaluations have the logloss
    whatever it is. All but the plain logloss move the predictions away from the click rate: they
    rank, but as probabilities they need a calibration afterwards.

    Attributes:
      name: `"logloss"`, or `"focal"` (Lin et al. 2017, "Focal Loss for Dense Object Detection",
        equation 4): the cross-entropy times (1 - p)^gamma, where p is the probability of the row's
        own class, so rows that are predicted well already count less.
      gamma: of the focal loss; 0 is the logloss.
      alpha: the weight of the rows with a click in the focal loss, 1 - alpha that of the others
        (equation 5 there). None: both are 1.
      label_smoothing: s turns the target y into (1 - s) y + s / 2 (Szegedy et al. 2016, "Rethinking
        the Inception Architecture for Computer Vision", section 7, for two classes).
    """

    name: Literal["logloss", "focal"] = "logloss"
    gamma: float = Field(default=2.0, ge=0, le=10)
    alpha: float | None = Field(default=None, gt=0, lt=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _alpha_is_of_the_focal_loss(self) -> "LossConfig":
        if self.alpha is not None and self.name != "focal":
            raise ValueError(f"alpha: expected none with {self.name}, received {self.alpha}")
        return self
