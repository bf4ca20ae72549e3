import pytest
from google.cloud.aiplatform_v1 import types

from components.errors import InputError
from pipeline.vertex.api.request_check import check_required

PARENT = "projects/p/locations/l"


def _request(**fields):
    pool = {"container_spec": {"image_uri": "i", "env": [{"name": "A", "value": "1"}]}}
    job = {"display_name": "d", "job_spec": {"worker_pool_specs": [pool]}, **fields}
    return types.CreateCustomJobRequest(parent=PARENT, custom_job=job)


def test_whole_request_passes():
    check_required(_request())


def test_protobuf_form_is_checked_too():
    request = _request(display_name="")
    with pytest.raises(
        InputError, match=r"requires CreateCustomJobRequest.custom_job.display_name"
    ):
        check_required(types.CreateCustomJobRequest.pb(request))


def test_missing_field_of_the_request_is_named():
    request = _request()
    request.parent = ""
    with pytest.raises(InputError, match=r"requires CreateCustomJobRequest.parent;"):
        check_required(request)


def test_missing_field_deep_in_a_list_is_named():
    request = _request()
    request.custom_job.job_spec.worker_pool_specs[0].container_spec.env.append(
        types.EnvVar(name="B")
    )
    path = r"job_spec.worker_pool_specs\[0\].container_spec.env\[1\].value"
    with pytest.raises(InputError, match=path):
        check_required(request)


def test_all_missing_fields_are_named():
    with pytest.raises(InputError, match=r"Schedule.display_name, Schedule.max_concurrent_run_"):
        check_required(types.Schedule(cron="* * * * *"))


def test_nested_type_is_checked():
    with pytest.raises(InputError, match=r"PipelineJob.runtime_config.gcs_output_directory"):
        check_required(types.PipelineJob(runtime_config={"failure_policy": 1}))


def test_every_type_of_the_published_reference_is_read():
    lines = request_check_lines = 0
    for name in types.__all__:
        text = getattr(types, name).__doc__ or ""
        lines += sum(line.lstrip().startswith("Required.") for line in text.splitlines())
        request_check_lines += len(_required(name)) if "Required." in text else 0
    assert lines > 300
    assert request_check_lines >= lines


def _required(name):
    from pipeline.vertex.api.request_check import _required_fields

    return _required_fields(f"google.cloud.aiplatform.v1.{name}")
