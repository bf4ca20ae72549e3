from argparse import Namespace

import pytest

from components.errors import InputError
from pipeline.vertex.flags import (
    check_cron,
    check_data,
    check_image,
    check_pipeline_root,
    check_project,
    check_region,
    make_site,
)


@pytest.mark.parametrize("project", ["ads-12345", "example.com:ads-12345"])
def test_project_id_passes(project):
    assert check_project(project) == project


@pytest.mark.parametrize("project", ["Ads-12345", "123456789", "ads", "ads_12345", "ads-12345-"])
def test_project_of_another_form_is_refused(project):
    with pytest.raises(InputError, match=f"--project: expected the id .*received '{project}'"):
        check_project(project)


@pytest.mark.parametrize("region", ["us-central1", "northamerica-northeast1", "me-central2"])
def test_region_passes(region):
    assert check_region(region) == region


def test_zone_is_refused_with_its_region():
    with pytest.raises(InputError, match="received the zone 'us-central1-a': give us-central1"):
        check_region("us-central1-a")


@pytest.mark.parametrize("region", ["us", "US-central1", "us central1"])
def test_region_of_another_form_is_refused(region):
    with pytest.raises(InputError, match=f"--region: expected a region .*'{region}'"):
        check_region(region)


def test_pipeline_root_loses_its_last_slash():
    assert check_pipeline_root("gs://clicks/runs/") == "gs://clicks/runs"


@pytest.mark.parametrize("folder", ["runs", "/runs", "s3://clicks/runs", "gs://", "gs://A/runs"])
def test_pipeline_root_elsewhere_is_refused(folder):
    with pytest.raises(InputError, match=f"--pipeline-root: expected a folder .*'{folder}'"):
        check_pipeline_root(folder)


def test_pipeline_root_with_a_pattern_is_refused():
    with pytest.raises(
        InputError, match="--pipeline-root: expected no characters of file patterns"
    ):
        check_pipeline_root("gs://clicks/run*")


def test_local_data_is_refused_with_the_way_to_copy_it():
    with pytest.raises(InputError, match=r"--data: .*received '/logs/day_\*'.*gcloud storage cp"):
        check_data("/logs/day_*")


def test_data_that_is_a_whole_bucket_is_refused():
    with pytest.raises(InputError, match="--data: expected files below the bucket"):
        check_data("gs://clicks")


@pytest.mark.parametrize(
    "image",
    [
        "us-central1-docker.pkg.dev/ads-12345/ml/dlrm-approx:1.2",
        f"gcr.io/ads/dlrm@sha256:{'0a' * 32}",
        "registry.example.com:5000/dlrm:latest",
    ],
)
def test_whole_image_name_passes(image):
    assert check_image("--image", image) == image


@pytest.mark.parametrize("image", ["dlrm:1", "gcr.io/ads/dlrm", "gcr.io/ads/dlrm@sha256:12", ":1"])
def test_image_without_host_tag_or_digest_is_refused(image):
    with pytest.raises(InputError, match=f"--tpu-image: expected HOST/PATH:TAG .*'{image}'"):
        check_image("--tpu-image", image)


@pytest.mark.parametrize("cron", ["0 3 * * *", "*/5 1-7 * JAN MON", "TZ=Europe/Zurich 0 3 * * 1"])
def test_cron_passes(cron):
    assert check_cron(cron) == cron


@pytest.mark.parametrize("cron", ["0 3 * *", "@daily", "0 3 * * * *", "every day at 3"])
def test_cron_of_another_form_is_refused(cron):
    with pytest.raises(InputError, match="--cron: expected minute, hour"):
        check_cron(cron)


def _flags(**changes):
    flags = {
        "command": "submit",
        "target": "vertex",
        "project": "ads-12345",
        "region": "us-central1",
        "pipeline_root": "gs://clicks/runs/",
        "image": "gcr.io/ads/dlrm:1",
        "gpu_image": None,
        "tpu_image": None,
        "endpoint": None,
    }
    return Namespace(**{**flags, **changes})


def test_site_has_what_the_flags_say():
    site = make_site(_flags(gpu_image="gcr.io/ads/dlrm:gpu", tpu_image="gcr.io/ads/dlrm:tpu"))
    assert site.gpu_image == "gcr.io/ads/dlrm:gpu"
    assert (site.project, site.region, site.pipeline_root, site.image, site.tpu_image) == (
        "ads-12345",
        "us-central1",
        "gs://clicks/runs",
        "gcr.io/ads/dlrm:1",
        "gcr.io/ads/dlrm:tpu",
    )


def test_all_missing_flags_are_named():
    with pytest.raises(InputError, match="submit needs --project, --region, --image"):
        make_site(_flags(project=None, region=None, image=None))


def test_kubeflow_needs_no_project():
    assert make_site(_flags(target="kfp", project=None, region=None)).project == ""
