"""The pipeline's name, and where a run keeps its files."""

from dataclasses import dataclass
from pathlib import Path

PIPELINE_NAME = "dlrm-approx"
METADATA_FILE = "metadata.sqlite"


@dataclass(frozen=True)
class RunPaths:
    """The files and folders under a run's root folder. Nothing is created or checked here.

    Attributes:
      root: the folder that the user names with `--root`.
    """

    root: Path

    @property
    def metadata_path(self) -> Path:
        """The sqlite file of ML Metadata."""
        return self.root / METADATA_FILE

    @property
    def pipeline_root(self) -> Path:
        """TFX's folder for the artifacts of every step."""
        return self.root / "pipeline_root"

    @property
    def serving_model_dir(self) -> Path:
        """The folder of the pushed models, one subfolder a version."""
        return self.root / "serving_model"

    @property
    def report_dir(self) -> Path:
        """The folder of the comparison report."""
        return self.root / "report"

    @property
    def log_path(self) -> Path:
        """The full log of the runs."""
        return self.root / "run.log"

    @property
    def data_dir(self) -> Path:
        """The folder of generated data."""
        return self.root / "data"

    @property
    def study_dir(self) -> Path:
        """The folder of a study's tables, figures and logs."""
        return self.root / "study"
