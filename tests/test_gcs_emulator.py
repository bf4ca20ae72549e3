"""Cloud Storage's two ways that are not TensorFlow's: Beam's file system and Google's own client.

Both obey STORAGE_EMULATOR_HOST, so a real server on loopback answers them here. TensorFlow's gfile,
by which the steps read and write everything else, ignores that variable: its host is compiled in.
`test_remote_paths.py` tries those paths on `ram://`.
"""

import socket

import apache_beam as beam
import google.auth
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from apache_beam.io.filesystems import FileSystems
from gcp_storage_emulator.server import create_server
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from components.errors import InputError
from components.parquet import write_table
from components.statistics_gen.statistics import STATISTICS_FILE, write_statistics
from pipeline.vertex.api.service_error import ServiceError
from pipeline.vertex.api.storage import Files, Storage


@pytest.fixture(scope="module")
def server():
    """A Cloud Storage with one empty bucket, `logs`; returns its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with create_server("127.0.0.1", port, in_memory=True, default_bucket="logs"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def bucket(server, monkeypatch):
    """The bucket `logs` of a server that every client of this test talks to, without an account."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server)
    anonymous = AnonymousCredentials()
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: (anonymous, "project"))
    bucket = storage.Client(project="project", credentials=anonymous).bucket("logs")
    yield bucket
    for blob in bucket.list_blobs():
        blob.delete()


def put(bucket, **texts):
    for name, text in texts.items():
        bucket.blob(f"days/{name}.tsv").upload_from_string(text)


def test_statistics_written_through_beam_are_those_of_a_local_folder(bucket, tmp_path):
    write_table(pa.table({"I1": [1, 2, None, 4]}), str(tmp_path / "rows.parquet"))
    folders = {"train": "gs://logs/statistics/Split-train", "eval": str(tmp_path)}
    files = {split: [str(tmp_path / "rows.parquet")] for split in folders}
    with beam.Pipeline() as pipeline:
        write_statistics(pipeline, files, folders)
    blob = bucket.blob(f"statistics/Split-train/{STATISTICS_FILE}")
    blob.download_to_filename(str(tmp_path / "downloaded.pb"))
    local = tfdv.load_stats_binary(str(tmp_path / STATISTICS_FILE))
    assert local.datasets[0].num_examples == 4
    assert tfdv.load_stats_binary(str(tmp_path / "downloaded.pb")) == local


def test_beam_leaves_no_temporary_files_behind(bucket, tmp_path):
    write_table(pa.table({"I1": [1]}), str(tmp_path / "rows.parquet"))
    files, folders = {"train": [str(tmp_path / "rows.parquet")]}, {"train": "gs://logs/out"}
    with beam.Pipeline() as pipeline:
        write_statistics(pipeline, files, folders)
    assert [blob.name for blob in bucket.list_blobs()] == [f"out/{STATISTICS_FILE}"]


def test_beam_matches_a_pattern_as_in_a_local_folder(bucket):
    put(bucket, day_0="a", day_1="bc", other="d")
    [match] = FileSystems.match(["gs://logs/days/day_*.tsv"])
    found = {file.path: file.size_in_bytes for file in match.metadata_list}
    assert found == {"gs://logs/days/day_0.tsv": 1, "gs://logs/days/day_1.tsv": 2}


def test_a_log_is_weighed_by_its_pattern(bucket):
    put(bucket, day_0="a", day_1="bc", other="d")
    assert Storage("project").files("gs://logs/days/day_*.tsv") == Files(2, 3)


def test_a_log_of_days_is_weighed_over_all_of_them(bucket):
    put(bucket, day_0="a", day_1="bc", day_17="def")
    assert Storage("project").files("gs://logs/days/day_{SPAN}.tsv") == Files(3, 6)


def test_a_pattern_that_matches_nothing_is_refused(bucket):
    with pytest.raises(InputError, match=r"gs://logs/night_\* matches none"):
        Storage("project").files("gs://logs/night_*")


def test_the_newest_of_several_files_is_found_and_read(bucket):
    put(bucket, day_0="a", day_1="bc")
    found = Storage("project").newest("gs://logs/days/*")
    assert found == "gs://logs/days/day_1.tsv"
    assert Storage("project").read_text(found) == "bc"


def test_a_missing_file_is_named_with_the_cure(bucket):
    with pytest.raises(ServiceError, match=r"read gs://logs/none.json: 404"):
        Storage("project").read_text("gs://logs/none.json")


def test_a_bucket_that_this_account_may_write_to_is_accepted(bucket):
    Storage("project").check_writable("gs://logs/runs")


def test_a_bucket_that_is_not_there_is_refused_with_the_command_that_makes_it(bucket):
    with pytest.raises(ServiceError, match="gcloud storage buckets create"):
        Storage("project").files("gs://no-such-bucket/*")
