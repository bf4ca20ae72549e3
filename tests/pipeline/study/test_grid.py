import pytest

from components.errors import InputError
from pipeline.study.config import StudyConfig
from pipeline.study.grid import make_groups

FULL = {"embedding": {"method": "full"}}
HASHING = {"embedding": {"method": "hashing"}}


def study(**fields):
    values = {"preset": "tiny", "variants": {"full": FULL, "hashing": HASHING}, **fields}
    return StudyConfig(**values)


def groups(**fields):
    return make_groups(study(**fields), "mine.yaml")


def test_cells_come_by_dataset_architecture_variant_and_method():
    found = groups(
        datasets=["100kB", "full"],
        architectures={"dlrm": {"interaction": "dot"}, "dcnv2": {"interaction": "cross"}},
        methods={"batch_size": {"trainer.batch_size": [64, 128]}},
    )
    assert [group.name for group in found] == ["100kB", "full"]
    assert [cell.id for cell in found[0].cells] == [
        "100kB/dlrm_full",
        "100kB/dlrm_hashing",
        "100kB/dcnv2_full",
        "100kB/dcnv2_hashing",
        "100kB/dlrm_full_batch_size_64",
        "100kB/dlrm_full_batch_size_128",
    ]
    assert [cell.name for cell in found[1].cells] == [
        "dlrm_full",
        "dlrm_hashing",
        "dcnv2_full",
        "dcnv2_hashing",
    ]
    last = found[0].cells[-1]
    assert (last.architecture, last.variant, last.method, last.value, last.device) == (
        "dlrm",
        "full",
        "batch_size",
        "128",
        "cpu",
    )
    assert (found[0].cells[0].method, found[0].cells[0].value) == ("baseline", "")


def test_trainers_have_the_fields_of_all_parts_of_their_cell():
    [group] = groups(
        set={"trainer": {"epochs": 3, "dense_optimizer": {"name": "adagrad"}}},
        architectures={"dcnv2": {"interaction": "cross"}},
        methods={"rate": {"trainer.dense_optimizer.learning_rate": [0.5]}},
    )
    hashing = group.trainer_configs["dcnv2_hashing"]
    assert (hashing.interaction, hashing.embedding.method, hashing.epochs) == (
        "cross",
        "hashing",
        3,
    )
    assert (hashing.batch_size, hashing.embedding_dim) == (256, 4)  # of the preset
    assert (hashing.evals_per_epoch, hashing.train_eval_rows, hashing.device) == (1, 20_000, "cpu")
    rate = group.trainer_configs["dcnv2_full_rate_0_5"].dense_optimizer
    assert (rate.name, rate.learning_rate) == ("adagrad", 0.5)
    assert group.trainer_configs["dcnv2_full"].dense_optimizer.learning_rate != 0.5


def test_the_studys_own_evaluations_stay():
    changes = {"trainer": {"evals_per_epoch": 5, "train_eval_rows": 0}}
    trainer = groups(set=changes)[0].trainer_configs["dlrm_full"]
    assert (trainer.evals_per_epoch, trainer.train_eval_rows) == (5, 0)


def test_latency_is_measured_only_if_the_study_says_so():
    assert groups()[0].cells_config.evaluator.latency.batch_sizes == ()
    [group] = groups(set={"evaluator": {"latency": {"batch_sizes": [1]}}})
    assert group.cells_config.evaluator.latency.batch_sizes == (1,)


def test_a_method_that_changes_rows_has_a_group_of_its_own():
    found = groups(
        datasets=["100kB"],
        methods={
            "sampling": {"example_gen.negative_sampling_rate": [0.5]},
            "epochs": {"trainer.epochs": [2]},
            "both": {"x": {"trainer.epochs": 2, "transform.categorical.max_values": 9}},
        },
    )
    assert {group.name: [cell.name for cell in group.cells] for group in found} == {
        "100kB": ["dlrm_full", "dlrm_hashing", "dlrm_full_epochs_2"],
        "100kB_sampling_0_5": ["dlrm_full_sampling_0_5"],
        "100kB_both_x": ["dlrm_full_both_x"],
    }
    sampling, both = found[1].cells_config, found[2].cells_config
    assert sampling.example_gen.negative_sampling_rate == 0.5
    assert sampling.example_gen.size_megabytes == 0.1
    assert sampling.trainers()["dlrm_full_sampling_0_5"].negative_sampling_rate == 0.5
    assert both.transform.categorical.max_values == 9
    assert both.transform.categorical.frequency_threshold == 2  # of the preset
    assert found[0].cells_config.example_gen.negative_sampling_rate == 1


def test_methods_are_tried_on_the_named_cells():
    found = groups(
        datasets=["100kB", "full"],
        architectures={"a": {}, "b": {}},
        methods={"epochs": {"trainer.epochs": [2]}},
        methods_on={"datasets": ["full"], "architectures": ["b"], "variants": ["hashing"]},
    )
    tried = [cell.id for group in found for cell in group.cells if cell.method == "epochs"]
    assert tried == ["full/b_hashing_epochs_2"]


def test_other_devices_than_the_cpu_are_named():
    [group] = groups(devices=["cpu", "gpu"], variants={"full": FULL})
    assert [(cell.name, cell.device) for cell in group.cells] == [
        ("dlrm_full", "cpu"),
        ("dlrm_full_gpu", "gpu"),
    ]
    assert group.trainer_configs["dlrm_full_gpu"].device == "gpu"


def test_names_stay_apart_and_short():
    [group] = groups(
        architectures={"a": {}, "a_b": {}},
        variants={"full": FULL, "b_full": FULL},
        methods={
            "rate": {"trainer.dense_optimizer.learning_rate": [0.1]},
            "l" * 60: {"trainer.epochs": [2]},
        },
    )
    names = [cell.name for cell in group.cells]
    assert len(set(names)) == len(names) == 6
    assert names[:3] == ["a_full", "a_b_full", names[2]]
    assert names[2].startswith("a_b_full_")  # a_b x full
    assert [len(name) for name in names[4:]] == [len("a_full_rate_0_1"), 64]


def test_baseline_is_the_first_cell_that_is_most_like_it():
    [group] = groups(baseline="hashing", methods={"epochs": {"trainer.epochs": [2]}})
    full, hashing, epochs = group.cells
    assert epochs.name == "dlrm_hashing_epochs_2"
    assert group.baseline(group.cells) == hashing
    assert group.baseline([full, epochs]) == full
    assert group.baseline([epochs]) == epochs
    assert group.cells_config.evaluator.baseline == "dlrm_hashing"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"preset": "nope"}, "unknown preset 'nope'"),
        ({"preset": "tune", "variants": None}, "a study has no tuner"),
        ({"schema": "nope"}, "schema 'nope'"),
        ({"baseline": "nope"}, "baseline: expected some of full, hashing; received 'nope'"),
        ({"methods_on": {"variants": ["x"]}}, "methods_on.variants: expected some of full"),
        ({"methods_on": {"datasets": ["1MB"]}}, "methods_on.datasets: expected some of full"),
        (
            {"architectures": {"a": {"embedding": {}}}},
            "architectures.a and variants.full both set embedding",
        ),
        ({"methods": {"x": {"trainer.nope": [1]}}}, "variants.dlrm_full_x_1 with trainer: nope"),
        ({"methods": {"x": {"trainer.epochs.y": [1]}}}, "trainer.epochs.y: 'epochs' has no fields"),
        ({"set": {"trainer": {"epochs": 0}}}, "mine.yaml, dataset full: "),
    ],
)
def test_wrong_study_is_refused_before_any_step(fields, said):
    if said.startswith("trainer.epochs.y"):
        fields = {**fields, "set": {"trainer": {"epochs": 2}}}
    with pytest.raises(InputError) as error:
        groups(**fields)
    assert said in str(error.value)


def test_values_whose_names_would_be_the_same_have_groups_of_their_own():
    path = "transform.dense.clip"
    found = groups(datasets=["100kB"], methods={"clip": {path: [[-5, 50], [5, 50]]}})
    names = [group.name for group in found]
    assert names[:2] == ["100kB", "100kB_clip_5_50"]
    assert len(set(names)) == 3
    clips = [group.cells_config.transform.dense.clip for group in found[1:]]
    assert clips == [(-5, 50), (5, 50)]
    assert [len(group.cells) for group in found[1:]] == [1, 1]
