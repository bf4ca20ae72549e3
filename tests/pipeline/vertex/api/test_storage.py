import pytest

from components.errors import InputError
from pipeline.vertex.api.service import ServiceError
from pipeline.vertex.api.storage import Files, Storage

PROJECT = "ads-12345"


@pytest.mark.parametrize("pattern", ["day_*.tsv", "day_{SPAN}.tsv", "day_{SPAN:1}.tsv"])
def test_files_of_a_pattern_are_weighed(bucket, pattern):
    assert Storage(PROJECT).files(f"gs://clicks/log/{pattern}") == Files(2, 15)


def test_pattern_that_matches_nothing_is_refused(bucket):
    with pytest.raises(InputError, match=r"--data: .* gs://clicks/nights_\* matches none"):
        Storage(PROJECT).files("gs://clicks/nights_*")


def test_missing_bucket_of_the_data_is_named(bucket):
    with pytest.raises(ServiceError, match=r"list gs://nobody-has/x\*: 404 .*buckets create"):
        Storage(PROJECT).files("gs://nobody-has/x*")


def test_existing_bucket_is_writable_and_stays_as_it_was(bucket):
    before = sorted(blob.name for blob in bucket.list_blobs())
    Storage(PROJECT).check_writable("gs://clicks/runs")
    assert sorted(blob.name for blob in bucket.list_blobs()) == before


def test_missing_bucket_of_the_pipeline_root_is_named(bucket):
    with pytest.raises(ServiceError, match="check the bucket gs://nobody-has: 404 Not Found"):
        Storage(PROJECT).check_writable("gs://nobody-has/runs")


def test_bucket_that_may_only_be_read_is_refused_with_the_role(bucket, monkeypatch):
    held = ["storage.objects.get", "storage.objects.list"]
    monkeypatch.setattr(
        "google.cloud.storage.Bucket.test_iam_permissions", lambda *_, **__: held, raising=True
    )
    with pytest.raises(InputError, match=r"lacks storage.objects.create; .*storage.objectUser"):
        Storage(PROJECT).check_writable("gs://clicks/runs")


def test_text_is_read_back(bucket):
    bucket.blob("runs/comparison.json").upload_from_string("{}ä".encode())
    assert Storage(PROJECT).read_text("gs://clicks/runs/comparison.json") == "{}ä"


def test_missing_file_is_named(bucket):
    with pytest.raises(ServiceError, match="read gs://clicks/runs/nothing: 404"):
        Storage(PROJECT).read_text("gs://clicks/runs/nothing")


def test_newest_is_the_last_by_name_in_any_folder(bucket):
    storage = Storage(PROJECT)
    assert storage.newest("gs://clicks/log/**/day_*") == "gs://clicks/log/old/day_2.tsv"
    assert storage.newest("gs://clicks/nothing/**") is None


def test_machine_without_credentials_is_told_how_to_sign_in(monkeypatch):
    from google.auth import exceptions

    def default(*arguments, **options):
        raise exceptions.DefaultCredentialsError("File not found")

    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setattr("google.auth.default", default)
    with pytest.raises(ServiceError, match="sign in: no Google credentials on this machine"):
        Storage(PROJECT).files("gs://clicks/x*")
