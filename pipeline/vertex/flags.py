"""Checks what the command line says about Google's cloud, before anything is made or sent."""

import re
from argparse import Namespace

from components.errors import InputError
from pipeline.vertex.api.service import Service
from pipeline.vertex.site import Site

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_ZONE = re.compile(r"[a-z]+-[a-z]+[0-9]+-[a-z]")
_GS = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/.*)?")
_IMAGE = re.compile(
    r"[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]+)?(?:/[a-z0-9._-]+)+"
    r"(?::\w[\w.-]{0,127}|@sha256:[0-9a-f]{64})"
)
_CRON = re.compile(r"(?:(?:CRON_)?TZ=[\w/+-]+ )?[\w*,/?-]+(?: [\w*,/?-]+){4}")


def check_project(project: str) -> str:
    """Returns the id of a project; InputError if it cannot be one."""
    if not _PROJECT.fullmatch(project):
        raise InputError(
            f"--project: expected the id of a Google Cloud project (6 to 30 lower-case letters, "
            f"digits and hyphens; `gcloud projects list` shows it), received {project!r}"
        )
    return project


def check_region(region: str) -> str:
    """Returns the name of a region; InputError if it cannot be one."""
    if _ZONE.fullmatch(region):
        raise InputError(
            f"--region: expected a region, received the zone {region!r}: give {region[:-2]}"
        )
    if not _REGION.fullmatch(region):
        raise InputError(f"--region: expected a region such as us-central1, received {region!r}")
    return region


def check_pipeline_root(folder: str) -> str:
    """Returns a folder on Cloud Storage; InputError if it is elsewhere or a pattern."""
    if not _GS.fullmatch(folder):
        raise InputError(
            f"--pipeline-root: expected a folder on Cloud Storage, gs://BUCKET/FOLDER, received "
            f"{folder!r}; the steps run on several machines and meet there"
        )
    if any(character in folder for character in "*?[]{}"):
        raise InputError(
            f"--pipeline-root: expected no characters of file patterns, received {folder!r}"
        )
    return folder.rstrip("/")


def check_data(pattern: str) -> str:
    """Returns a pattern of files on Cloud Storage; InputError if it is elsewhere."""
    if not _GS.fullmatch(pattern):
        raise InputError(
            f"--data: expected a pattern on Cloud Storage, gs://BUCKET/day_*, received "
            f"{pattern!r}; Google's machines cannot read files of this one: copy them with "
            "`gcloud storage cp FILES gs://BUCKET/FOLDER/`"
        )
    if "/" not in pattern.removeprefix("gs://").rstrip("/"):
        raise InputError(f"--data: expected files below the bucket, received {pattern!r}")
    return pattern


def check_image(flag: str, image: str) -> str:
    """Returns the name of a container image; InputError if it is not whole."""
    if not _IMAGE.fullmatch(image):
        raise InputError(
            f"{flag}: expected HOST/PATH:TAG or HOST/PATH@sha256:DIGEST, such as "
            f"us-central1-docker.pkg.dev/PROJECT/REPOSITORY/dlrm-approx:1, received {image!r}"
        )
    return image


def check_max_cost(usd: float | None) -> float | None:
    """Returns a limit of the cost, US dollars; InputError if it is not above 0."""
    if usd is not None and not usd > 0:
        raise InputError(f"--max-cost: expected US dollars above 0, received {usd}")
    return usd


def check_rows(rows: int | None) -> int | None:
    """Returns the number of rows of a log; InputError if it is not at least 1."""
    if rows is not None and rows < 1:
        raise InputError(f"--rows: expected at least 1, received {rows}")
    return rows


def check_cron(cron: str) -> str:
    """Returns five fields of cron, perhaps behind `TZ=Europe/Zurich `; InputError otherwise."""
    if not _CRON.fullmatch(cron):
        raise InputError(
            "--cron: expected minute, hour, day, month and weekday, such as '0 3 * * *' or "
            f"'TZ=Europe/Zurich 0 3 * * *', received {cron!r}"
        )
    return cron


def make_site(flags: Namespace) -> Site:
    """Checks the flags that say where a run goes.

    Args:
      flags: with `project`, `region`, `pipeline_root`, `image`, `gpu_image`,
        `tpu_image`, `endpoint`, `target`.

    Returns:
      where the run goes.

    Raises:
      InputError: if one is missing or not of its form; names it.
    """
    needed = {"--pipeline-root": flags.pipeline_root, "--image": flags.image}
    if flags.target == "vertex":
        needed = {"--project": flags.project, "--region": flags.region, **needed}
    check_given(needed, flags.command)
    Service(flags.region or "", flags.endpoint)  # refuses an endpoint that is not safe
    return Site(
        project=check_project(flags.project) if flags.project else "",
        region=check_region(flags.region) if flags.region else "",
        pipeline_root=check_pipeline_root(flags.pipeline_root),
        image=check_image("--image", flags.image),
        gpu_image=check_image("--gpu-image", flags.gpu_image) if flags.gpu_image else None,
        tpu_image=check_image("--tpu-image", flags.tpu_image) if flags.tpu_image else None,
        endpoint=flags.endpoint,
    )


def check_given(needed: dict[str, str | None], command: str) -> None:
    """Raises InputError if one of these flags was not given."""
    missing = [flag for flag, value in needed.items() if not value]
    if missing:
        raise InputError(f"{command} needs {', '.join(missing)}")
