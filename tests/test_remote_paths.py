"""A whole run whose log and artifacts lie where only URIs lead.

All but TFX's Pusher, which stumbles over `ram://` itself: there TensorFlow lists the folder
`assets.extra` as a file of the folder `assets`.
"""

import pytest
import tensorflow as tf
from tfx.orchestration import metadata

import tests.ram_file_system  # noqa: F401  # tells Beam of ram://
from components.evaluator.comparison import COMPARISON_FILE, REPORT_FILE, Comparison
from components.files import write_bytes
from components.synthetic.click_log import write_click_log
from pipeline.load_config import load_config
from pipeline.pipeline import create_pipeline
from pipeline.stepwise_runner import StepwiseRunner

pytestmark = pytest.mark.slow

# Latency is measured in a process of its own, which does not see this one's memory.
CONFIG = load_config(
    "tiny", variants=["full", "hashing"], assignments=["evaluator.latency.batch_sizes=[]"]
)


@pytest.fixture(scope="module")
def local_folder(tmp_path_factory):
    """Runs the tiny preset on `ram://`; returns the folder that was the working directory."""
    folder, place = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("local")
    write_click_log(CONFIG.synthetic, place / "click_log.tsv")
    tf.io.gfile.makedirs("ram://logs/days")
    write_bytes("ram://logs/days/day_0.tsv", (place / "click_log.tsv").read_bytes())
    pipeline = create_pipeline(
        CONFIG,
        "ram://logs/days/day_*.tsv",
        pipeline_root="ram://runs/artifacts",
        serving_model_dir="ram://runs/serving_model",
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(place / "metadata.sqlite")
        ),
    )
    *steps, pusher = pipeline.components
    assert pusher.id == "Pusher"
    for step in steps:
        step.downstream_nodes.discard(pusher)
    pipeline.components = steps
    runner = StepwiseRunner(
        on_start=lambda number, count, step: None,
        on_end=lambda cached: None,
        must_execute=lambda step, run_id: False,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        runner.run(pipeline)
    return folder


def test_the_report_is_where_the_artifacts_are(local_folder):
    [comparison] = tf.io.gfile.glob(
        f"ram://runs/artifacts/Evaluator/comparison/*/{COMPARISON_FILE}"
    )
    with tf.io.gfile.GFile(comparison) as file:
        compared = Comparison.from_json(file.read())
    assert {variant.name for variant in compared.variants} == {"full", "hashing"}
    assert tf.io.gfile.exists(comparison.replace(COMPARISON_FILE, REPORT_FILE))


def test_the_chosen_model_scores(local_folder):
    [folder] = tf.io.gfile.glob("ram://runs/artifacts/Evaluator/model/*/Format-Serving")
    model = tf.saved_model.load(folder)
    example = tf.train.Example().SerializeToString()
    [scores] = model.signatures["serving_default"](tf.constant([example] * 3)).values()
    assert scores.shape[0] == 3


def test_no_uri_was_taken_for_a_path_of_this_machine(local_folder):
    assert list(local_folder.iterdir()) == []
