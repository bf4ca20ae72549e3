"""Where in Google's cloud a run goes."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Target = Literal["vertex", "kfp"]


@dataclass(frozen=True)
class Site:
    """One project, region, folder and image. Nothing is looked up here.

    Attributes:
      project: the id of the Google Cloud project.
      region: such as `us-central1`.
      pipeline_root: folder of the artifacts, `gs://BUCKET/FOLDER`; a local one where the compiled
        tasks run on this machine.
      image: the container image of this project, with tag or digest.
      gpu_image: that of the GPU variant, with CUDA; None is `image`.
      tpu_image: that of the TPU variant, with libtpu; None is `image`.
      endpoint: host of Vertex AI's API, or `http://127.0.0.1:PORT` of a server on this machine.
    """

    project: str
    region: str
    pipeline_root: str
    image: str
    gpu_image: str | None = None
    tpu_image: str | None = None
    endpoint: str | None = None

    @property
    def api_endpoint(self) -> str:
        """The host of Vertex AI's API in the region."""
        return self.endpoint or f"{self.region}-aiplatform.googleapis.com"

    @property
    def is_local(self) -> bool:
        """Whether jobs run on this machine, on what it has instead of what they ask for."""
        return urlsplit(self.endpoint or "").hostname in ("127.0.0.1", "localhost", "::1")

    def image_for(self, device: str) -> str:
        """Returns the image of a step that trains on such devices, in the trainer's words."""
        if device == "tpu":
            return self.tpu_image or self.image
        return (self.gpu_image or self.image) if device in ("gpu", "multi_gpu") else self.image

    @property
    def location(self) -> str:
        """The parent of jobs in Vertex AI's names."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def serving_model_dir(self) -> str:
        """The folder of the pushed models, one subfolder a version."""
        return f"{self.pipeline_root.rstrip('/')}/serving_model"
