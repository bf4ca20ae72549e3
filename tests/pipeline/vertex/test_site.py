import pytest

from pipeline.vertex.site import Site


def _site(**fields):
    return Site("p1", "europe-west4", "gs://b/runs/", "image", **fields)


def test_api_is_that_of_the_region_unless_another_is_given():
    assert _site().api_endpoint == "europe-west4-aiplatform.googleapis.com"
    assert _site(endpoint="http://127.0.0.1:80").api_endpoint == "http://127.0.0.1:80"


def test_models_are_pushed_below_the_pipeline_root():
    assert _site().serving_model_dir == "gs://b/runs/serving_model"


def test_jobs_are_named_by_project_and_region():
    assert _site().location == "projects/p1/locations/europe-west4"


@pytest.mark.parametrize(
    ("endpoint", "is_local"),
    [
        (None, False),
        ("http://127.0.0.1:8080", True),
        ("http://localhost:1", True),
        ("https://europe-west4-aiplatform.googleapis.com", False),
        ("europe-west4-aiplatform.googleapis.com", False),
    ],
)
def test_site_with_a_server_on_this_machine_is_local(endpoint, is_local):
    assert _site(endpoint=endpoint).is_local == is_local


@pytest.mark.parametrize(
    ("device", "image"),
    [("cpu", "image"), ("gpu", "g"), ("multi_gpu", "g"), ("tpu", "t"), ("auto", "image")],
)
def test_each_device_has_the_image_of_its_variant(device, image):
    assert _site(tpu_image="t", gpu_image="g").image_for(device) == image
    assert _site().image_for(device) == "image"
