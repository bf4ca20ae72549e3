import datetime

from google.cloud.aiplatform_v1.types import PipelineJob, PipelineJobDetail, PipelineTaskDetail

from pipeline.vertex.runs.vertex_state import run_state

NAME = "projects/1/locations/r/pipelineJobs/run-1"


def test_tasks_come_in_the_order_of_their_starts_and_those_without_a_time_last() -> None:
    start = datetime.datetime(2026, 11, 22, 3, tzinfo=datetime.timezone.utc)
    details = [
        PipelineTaskDetail(task_id=1, task_name="Unknown"),
        PipelineTaskDetail(task_id=2, task_name="Second", start_time=start),
        PipelineTaskDetail(
            task_id=3, task_name="First", create_time=start - datetime.timedelta(seconds=1)
        ),
    ]
    job = PipelineJob(name=NAME, job_detail=PipelineJobDetail(task_details=details))
    tasks = run_state(job, "https://x").tasks
    assert [task.name for task in tasks] == ["First", "Second", "Unknown"]
