import pytest

from components.errors import InputError
from pipeline.config import PipelineConfig
from pipeline.load_config import known_presets, load_config


@pytest.mark.parametrize("preset", known_presets())
def test_every_preset_loads_and_survives_json(preset):
    config = load_config(preset)
    assert PipelineConfig.from_json(config.to_json()) == config
    assert set(config.trainers()) == set(config.variants)


def test_set_wins_over_the_preset():
    config = load_config("demo", assignments=["trainer.epochs=3", "evaluator.max_auc_loss=0.01"])
    assert {trainer.epochs for trainer in config.trainers().values()} == {3}
    assert config.evaluator.max_auc_loss == 0.01


def test_set_reaches_the_choices_of_training():
    assignments = [
        "trainer.loss.name=focal",
        "trainer.loss.gamma=1.5",
        "trainer.distillation.weight=0.5",
        "trainer.distillation.teacher.embedding_dim=32",
        "variants.hashing.curriculum={order: rare_first, fraction: 0.25}",
        "trainer.initialization.tables=normal",
    ]
    config = load_config("demo", ["full", "hashing"], assignments)
    assert PipelineConfig.from_json(config.to_json()) == config
    trainer = config.trainers()["hashing"]
    assert (trainer.loss.name, trainer.loss.gamma) == ("focal", 1.5)
    teacher = trainer.teacher_config()
    assert (teacher.embedding.method, teacher.embedding_dim) == ("full", 32)
    assert (trainer.curriculum.order, trainer.curriculum.fraction) == ("rare_first", 0.25)
    assert trainer.initialization.tables == "normal"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("trainer.loss.name=hinge", "with trainer: loss.name: Input should be"),
        ("trainer.loss.gama=1", "loss.gama: unknown field; known: name, gamma"),
        ("trainer.loss.alpha=0.5", "loss: alpha: expected none with logloss"),
        ("trainer.distillation={weight: 1, teacher: {epochs: 0}}", "distillation.teacher: epochs:"),
        ("trainer.curriculum.order=easy", "curriculum.order: Input should be"),
        ("trainer.train_eval_rows=9", "train_eval_rows needs evals_per_epoch above 0"),
    ],
)
def test_wrong_choices_of_training_are_named(assignment, message):
    with pytest.raises(InputError) as caught:
        load_config("demo", ["full"], ["trainer.evals_per_epoch=0", assignment])
    assert message in str(caught.value)


def test_set_reaches_one_variant_only():
    config = load_config("demo", assignments=["variants.hashing.batch_size=5"])
    trainers = config.trainers()
    assert trainers["hashing"].batch_size == 5
    assert trainers["full"].batch_size != 5


def test_variants_selects_from_the_preset_in_the_order_named():
    config = load_config("demo", variants=["quotient_remainder", "full"])
    assert list(config.variants) == ["quotient_remainder", "full"]


def test_variants_all_holds_every_embedding_method():
    assert {"full", "hashing", "quotient_remainder"} <= set(load_config("demo", ["all"]).variants)


def test_a_stack_of_methods_is_a_variant_with_a_name_of_its_own():
    config = load_config("demo", ["full", "frequency_threshold+hashing + int8"])
    assert list(config.variants) == ["full", "frequency_threshold_hashing_int8"]
    trainer = config.trainers()["frequency_threshold_hashing_int8"]
    assert trainer.embedding.names == ["frequency_threshold", "hashing", "int8"]


def test_a_stack_named_twice_is_refused():
    with pytest.raises(InputError, match="variant 'hashing_int8' is named twice"):
        load_config("demo", ["full", "hashing+int8", "hashing + int8"])


def test_a_stack_with_the_name_of_a_variant_of_the_preset_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("pipeline.load_config._PRESETS", tmp_path)
    variants = "{full: {}, hashing_int8: {compression_ratio: 10, embedding: {method: int8}}}"
    (tmp_path / "own.yaml").write_text(f"synthetic: {{rows: 100}}\nvariants: {variants}\n")
    assert "hashing_int8" in load_config("own", ["full", "hashing_int8"]).variants
    with pytest.raises(InputError, match="variant 'hashing_int8' of the preset has the name"):
        load_config("own", ["full", "hashing+int8"])


def test_a_stack_of_unknown_methods_is_refused():
    with pytest.raises(InputError, match="unknown method 'nope'"):
        load_config("demo", ["full", "hashing+nope"])


def test_set_adds_a_whole_variant():
    assignment = "variants.tiny={embedding: {method: int4}, compression_ratio: 5}"
    config = load_config("demo", ["full"], [assignment])
    assert list(config.variants) == ["full", "tiny"]
    assert config.trainers()["tiny"].compression_ratio == 5


def test_seeds_count_on_from_the_seed_of_the_trainer():
    config = load_config("demo", assignments=["seeds=3", "variants.hashing.seed=7"])
    trainers = config.trainers()
    assert [replica.seed for replica in config.replicas(trainers["full"])] == [0, 1, 2]
    assert [replica.seed for replica in config.replicas(trainers["hashing"])] == [7, 8, 9]


def test_trainer_names_its_variant():
    assert load_config("demo").trainers()["hashing"].variant == "hashing"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"preset": "nope"}, ["'nope'", "demo", "tiny"]),
        ({"variants": ["full", "nope"]}, ["'nope'", "hashing", "quotient_remainder"]),
        ({"variants": ["full", "full"]}, ["'full'", "twice"]),
        ({"variants": ["hashing"]}, ["evaluator.baseline", "'full'", "hashing"]),
        ({"assignments": ["trainer.epochs"]}, ["trainer.epochs", "section.field=value"]),
        ({"assignments": ["trainer=1"]}, ["trainer=1", "section.field=value"]),
        ({"assignments": ["seeds=0"]}, ["seeds", "greater than or equal to 1"]),
        ({"assignments": ["seeds.x=0"]}, ["seeds", "valid integer"]),
        (
            {"assignments": ["evaluator.slices.columns=[C3, X]"]},
            ["evaluator.slices.columns", "C26", "received X"],
        ),
        (
            {"assignments": ["evaluator.objective=seconds_to_target", "trainer.evals_per_epoch=0"]},
            ["seconds_to_target", "trainer.evals_per_epoch"],
        ),
        (
            {"assignments": ["evaluator.constraints.max_size=1"]},
            ["constraints.max_size", "max_serving_bytes"],
        ),
        ({"assignments": ["nope.epochs=1"]}, ["'nope'", "known", "trainer"]),
        ({"assignments": ["trainer.nope=1"]}, ["nope", "dense_optimizer"]),
        ({"assignments": ["transform.nope=1"]}, ["transform.nope", "categorical"]),
        ({"assignments": ["transform.columns.C9.nope=1"]}, ["columns.C9", "frequency_threshold"]),
        ({"assignments": ["transform.columns.X={}"]}, ["columns.X", "no such feature", "C26"]),
        (
            {"assignments": ["example_validator.columns.C1.nope=1"]},
            ["example_validator.columns.C1.nope", "max_drift"],
        ),
        ({"assignments": ["click_log.label.nope=1"]}, ["click_log.label.nope", "positive_from"]),
        ({"assignments": ["trainer.negative_sampling_rate=1"]}, ["cannot be set", "example_gen"]),
        ({"schema": "nope"}, ["'nope'", "criteo", "YAML file"]),
        ({"assignments": ["trainer.epochs=0"]}, ["epochs", "greater than or equal to 1", "0"]),
        ({"assignments": ["trainer.epochs=[1"]}, ["trainer.epochs=[1", "YAML"]),
        ({"assignments": ["trainer.epochs=1", "trainer.epochs.x=1"]}, ["'epochs'", "no fields"]),
        ({"assignments": ["trainer.variant=x"]}, ["trainer.variant", "variants"]),
        ({"assignments": ["example_gen.max_bad_rate=2"]}, ["example_gen.max_bad_rate", "2"]),
        ({"assignments": ["tuner.num_seeds=2"]}, ["tuner", "batch_sizes or search"]),
        ({"assignments": ["tuner.nope=1"]}, ["tuner.nope", "held_out_fraction"]),
        (
            {"assignments": ["tuner.search.fields={epochs: {nope: 1}}"]},
            ["tuner.search.fields.epochs.nope", "sampling"],
        ),
        (
            {"assignments": ["tuner.search.fields={epochs: {values: [0]}}"]},
            ["tuner.search.fields.epochs", "greater than or equal to 1", "0"],
        ),
        (
            {"assignments": ["tuner.batch_sizes={}", "tuner.variant=nope"]},
            ["tuner.variant", "full, hashing, quotient_remainder", "'nope'"],
        ),
    ],
)
def test_bad_input_names_the_field_and_what_is_known(arguments, parts):
    with pytest.raises(InputError) as error:
        load_config(**{"preset": "demo", **arguments})
    for part in parts:
        assert part in str(error.value)


def test_negative_sampling_reaches_every_trainer():
    config = load_config("demo", assignments=["example_gen.negative_sampling_rate=0.1"])
    assert {trainer.negative_sampling_rate for trainer in config.trainers().values()} == {0.1}


def test_a_schema_file_brings_layout_and_treatments(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text(
        "format: csv\nheader: true\nlabel: click\n"
        "dense:\n  price: {type: float, standardize: true}\n"
        "categorical:\n  x1..x3: {}\n  user: {method: hash, num_hash_buckets: 50}\n"
    )
    config = load_config("demo", schema=str(path))
    assert config.click_log.used_columns == ("click", "price", "x1", "x2", "x3", "user")
    assert config.transform.dense_treatments(config.click_log)["price"].standardize
    categorical = config.transform.categorical_treatments(config.click_log)
    assert categorical["user"].num_hash_buckets == 50
    assert categorical["x2"].method == "vocabulary"


def test_set_wins_over_the_schema_file(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text("label: click\ncategorical:\n  user: {method: hash}\n")
    assignment = "transform.columns.user.method=vocabulary"
    config = load_config("demo", schema=str(path), assignments=[assignment])
    treatments = config.transform.categorical_treatments(config.click_log)
    assert treatments["user"].method == "vocabulary"


def test_no_preset_but_tune_has_a_tuner():
    assert [preset for preset in known_presets() if load_config(preset).tuner] == ["tune"]


def test_baseline_is_tuned_unless_another_variant_is_named():
    batch_sizes = "tuner.batch_sizes={}"
    config = load_config("demo", assignments=[batch_sizes])
    assert config.tuned_trainer() == config.trainers()["full"]
    config = load_config("demo", assignments=[batch_sizes, "tuner.variant=hashing"])
    assert config.tuned_trainer() == config.trainers()["hashing"]


def test_time_to_the_target_needs_evaluations_on_the_same_rows():
    assignments = ["evaluator.objective=seconds_to_target", "trainer.evals_per_epoch=4"]
    assert load_config("demo", assignments=assignments)
    with pytest.raises(InputError, match=r"needs one trainer\.validation_fraction, so"):
        load_config("demo", assignments=[*assignments, "variants.hashing.validation_fraction=0.1"])
