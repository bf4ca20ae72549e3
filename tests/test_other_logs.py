"""The main job on logs that are not Criteo's: other formats, columns, treatments and splits."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from sklearn.metrics import log_loss, roc_auc_score

from components.parquet import list_files, read_table
from pipeline import local_run
from pipeline.lineage.store import read_snapshot
from pipeline.local_cli import main
from schemas.click_log import LABEL, WEIGHT
from schemas.schema_file import load_click_log
from schemas.serving import EXAMPLES_INPUT, PROBABILITY, RAW_FEATURES, SERVING_DEFAULT

pytestmark = pytest.mark.slow


def _run(root, *flags):
    tiny = ["--preset", "tiny", "--variants", "full", "--root", str(root)]
    return main([*tiny, "--set", "trainer.batch_size=32", *flags])


def _output_uri(root, step, key):
    snapshot = read_snapshot(root)
    return local_run._output(snapshot, snapshot.runs[-1].id, step, key).uri


def _split(root, split, step="ExampleGen", key="examples"):
    files = list_files(f"{_output_uri(root, step, key)}/Split-{split}")
    return pa.concat_tables([read_table(path) for path in files])


def _measured(root, metric):
    """The metric of the only variant."""
    [variant] = json.loads((root / "report/comparison.json").read_text())["variants"]
    return variant["metrics"][metric]["estimate"]["value"]


def _load(root):
    [version] = (root / "serving_model").iterdir()
    return tf.saved_model.load(str(version))


def _probability(logit):
    return 1 / (1 + np.exp(-logit))


def test_avazu_shaped_log_split_by_time(tmp_path):
    """Only categories, CSV, gzip; a click depends on the site and the type of the device."""
    rng = np.random.default_rng(0)
    names = ["id", "click", "hour", *load_click_log("avazu").categorical_features]
    rows = 6000
    columns = {name: [f"{v:x}" for v in rng.zipf(1.5, rows) % 500] for name in names}
    columns["hour"] = [str(14102100 + hour) for hour in np.sort(rng.integers(0, 24, rows))]
    site, device = rng.integers(0, 20, rows), rng.integers(0, 3, rows)
    columns["site_id"] = [f"site{value:02d}" for value in site]
    columns["device_type"] = [str(value) for value in device]
    clicks = rng.random(rows) < _probability(np.where(site % 2, -2.0, 1.0) + device - 1)
    columns["click"] = [str(int(click)) for click in clicks]
    lines = [",".join(names), *map(",".join, zip(*columns.values(), strict=True))]
    with gzip.open(tmp_path / "train.gz", "wt") as file:
        file.write("\n".join(lines) + "\n")

    root = tmp_path / "run"
    split = ["--set", "example_gen.split.method=time"]
    assert _run(root, "--schema", "avazu", "--data", str(tmp_path / "train.gz"), *split) == 0
    train, evaluated = _split(root, "train"), _split(root, "eval")
    first = int(np.searchsorted(columns["hour"], columns["hour"][-evaluated.num_rows]))
    assert first == train.num_rows == rows - evaluated.num_rows
    assert train["site_id"].to_pylist() == [v.encode() for v in columns["site_id"][:first]]
    assert 0.1 < evaluated.num_rows / rows < 0.3
    assert _measured(root, "auc_roc") > 0.75

    model = _load(root)
    feature = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[values[0].encode()]))
        for name, values in columns.items()
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
    by_example = model.signatures[SERVING_DEFAULT](**{EXAMPLES_INPUT: tf.constant([example])})
    names = load_click_log("avazu").categorical_features
    raw = {name: tf.constant([columns[name][0].encode()]) for name in names}
    by_name = model.signatures[RAW_FEATURES](**raw)
    np.testing.assert_allclose(by_example[PROBABILITY], by_name[PROBABILITY], atol=1e-6)


def test_movielens_shaped_log_with_sampled_negatives(tmp_path):
    """Two categories and a rating; half of the rows without a click stay."""
    rng = np.random.default_rng(1)
    rows = 12_000
    user, movie = rng.integers(0, 40, rows), rng.integers(0, 60, rows)
    liked = rng.random(rows) < _probability(np.where(movie % 3, -2.0, 1.0) + (user % 2))
    rating = np.where(liked, rng.choice([4.0, 4.5, 5.0], rows), rng.choice([1.0, 2.5, 3.5], rows))
    lines = [
        f"{u},{m},{r},{t}" for t, (u, m, r) in enumerate(zip(user, movie, rating, strict=True))
    ]
    for part in range(2):
        text = "\n".join(["userId,movieId,rating,timestamp", *lines[part::2]])
        (tmp_path / f"ratings_{part}.csv").write_text(text + "\n")

    root = tmp_path / "run"
    flags = ["--schema", "movielens", "--data", str(tmp_path / "ratings_*.csv")]
    flags += ["--artifacts", str(tmp_path / "artifacts")]
    assert _run(root, *flags, "--set", "example_gen.negative_sampling_rate=0.5") == 0
    assert _output_uri(root, "Evaluator", "model").startswith(str(tmp_path / "artifacts"))
    train, evaluated = _split(root, "train"), _split(root, "eval")
    clicks = sum(split[LABEL].to_numpy().sum() for split in (train, evaluated))
    assert clicks == liked.sum()
    assert evaluated[LABEL].to_numpy().mean() == pytest.approx(liked.mean(), abs=0.03)
    assert train[LABEL].to_numpy().mean() > liked.mean() + 0.1
    assert _measured(root, "auc_roc") > 0.7
    assert _measured(root, "calibration") == pytest.approx(1.0, abs=0.15)  # 1.3 uncorrected


def test_a_log_of_ones_own_with_every_treatment(tmp_path):
    """TSV with a header, Zstandard, one file a day; trained on two days, evaluated on the next."""
    rng = np.random.default_rng(2)
    schema = tmp_path / "shop.yaml"
    schema.write_text(
        "format: tsv\nheader: true\nlabel: bought\nmissing_values: ['', 'NULL']\n"
        "dense:\n"
        "  price: {type: float, clip: [0, 100], scale: none, standardize: true}\n"
        "  age: {scale: quantile, missing_indicator: false, categorical_buckets: 10}\n"
        "categorical:\n"
        "  shop: {max_values: 5, num_oov_buckets: 3}\n"
        "  user: {method: hash, num_hash_buckets: 50, hash_salt: 7}\n"
    )
    for day in range(4):
        price, age = rng.normal(50, 30, 1500), rng.integers(0, 90, 1500)
        shop, user = rng.zipf(1.4, 1500) % 30, rng.integers(0, 500, 1500)
        bought = rng.random(1500) < _probability((age > 45) * 2.0 - price / 50)
        lines = ["user\tprice\tunused\tbought\tshop\tage"]
        for row in zip(user, price, bought, shop, age, strict=True):
            u, p, b, s, a = row
            lines.append(f"u{u}\t{'NULL' if u % 9 == 0 else f'{p:.3f}'}\tx\t{int(b)}\ts{s}\t{a}")
        raw = pa.compress("\n".join(lines).encode(), codec="zstd", asbytes=True)
        (tmp_path / f"day_{day}.tsv.zst").write_bytes(raw)

    root = tmp_path / "run"
    flags = ["--schema", str(schema), "--data", str(tmp_path / "day_{SPAN}.tsv.zst")]
    window = ["example_gen.window_spans=3", "example_gen.split.method=last_span"]
    assert _run(root, *flags, *[part for one in window for part in ("--set", one)]) == 0
    train, evaluated = _split(root, "train"), _split(root, "eval")
    assert (train.num_rows, evaluated.num_rows) == (3000, 1500)
    assert evaluated["user"].to_pylist() == [line.split("\t")[0].encode() for line in lines[1:]]
    assert _measured(root, "auc_roc") > 0.65

    transformed = _split(root, "eval", "Transform", "transformed_examples")
    dense = np.stack(transformed["dense"].to_numpy())
    assert dense.shape == (1500, 3)  # price, age, price missing
    missing = np.array([line.split("\t")[1] == "NULL" for line in lines[1:]])
    np.testing.assert_array_equal(dense[:, 2], missing)
    assert (dense[missing, 0] == 0).all()
    assert abs(dense[~missing, 0].mean()) < 0.1
    assert dense[:, 1].min() >= 0
    assert dense[:, 1].max() <= 1
    ids = np.stack(transformed["categorical"].to_numpy())  # shop, user, age_bucket
    assert ids.max(axis=0).tolist() == [1 + 3 + 5 - 1, ids[:, 1].max(), 10]
    assert ids[:, 1].min() >= 2
    assert ids[:, 1].max() < 52


def test_a_log_of_weighted_rows(tmp_path):
    """CSV with a header; a click weighs 4, another row 0.5, some rows have no weight."""
    rng = np.random.default_rng(3)
    rows = 8000
    schema = tmp_path / "weighted.yaml"
    schema.write_text(
        "format: csv\nheader: true\nlabel: click\nweight: importance\n"
        "dense:\n  age: {type: integer}\ncategorical:\n  site:\n  user:\n"
    )
    site, age = rng.integers(0, 20, rows), rng.integers(0, 90, rows)
    clicks = rng.random(rows) < _probability(np.where(site % 2, -2.5, 0.0) + age / 90)
    weights = np.where(clicks, 4.0, 0.5)
    lines = ["site,importance,user,click,age"]
    for row, (s, w, c, a) in enumerate(zip(site, weights, clicks, age, strict=True)):
        lines.append(f"s{s},{'' if row in (10, 4000) else w},u{row % 97},{int(c)},{a}")
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")

    root = tmp_path / "run"
    flags = ["--schema", str(schema), "--data", str(tmp_path / "log.csv")]
    flags += ["--variants", "full,hashing", "--set", "trainer.validation_fraction=0.2"]
    flags += ["--set", "trainer.evals_per_epoch=2", "--set", "trainer.early_stopping.patience=2"]
    assert _run(root, *flags) == 0
    quarantine = Path(_output_uri(root, "ExampleGen", "quarantine"), "rejected_rows.jsonl")
    rejected = [json.loads(line) for line in quarantine.read_text().splitlines()]
    assert [row["line"] for row in rejected] == [12, 4002]
    assert {row["reason"] for row in rejected} == {"importance is missing"}

    evaluated = _split(root, "eval")
    assert evaluated.column_names == [LABEL, WEIGHT, "age", "site", "user"]
    predicted = pa.concat_tables(
        [read_table(path) for path in list_files(_output_uri(root, "Evaluator", "predictions"))]
    )
    assert predicted[WEIGHT].equals(evaluated[WEIGHT])
    label, weight = predicted[LABEL].to_numpy(), predicted[WEIGHT].to_numpy().astype(float)
    comparison = json.loads((root / "report/comparison.json").read_text())
    assert comparison["data"]["weight_column"] == "importance"
    assert comparison["data"]["num_eval_rows"] == len(label)
    assert len(comparison["variants"]) == 2
    for variant in comparison["variants"]:
        probability = predicted[variant["name"]].to_numpy().astype(float)
        expected = {
            "auc_roc": roc_auc_score(label, probability, sample_weight=weight),
            "logloss": log_loss(label, probability, sample_weight=weight),
            "calibration": np.sum(weight * probability) / np.sum(weight * label),
        }
        for metric, value in expected.items():
            found = variant["metrics"][metric]["estimate"]["value"]
            assert found == pytest.approx(value, abs=1e-9), metric
        # Of a model trained without the weights it is below 0.6.
        assert expected["calibration"] == pytest.approx(1.0, abs=0.15)
        assert "frequency of site" in {part["key"] for part in variant["slices"]}
    assert "importance" in (root / "report/comparison.md").read_text()
