import gzip
import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import log_loss, roc_auc_score

from components.errors import InputError
from components.progress import PROGRESS_LOGGER
from components.synthetic.best_scores import LogitCounts
from components.synthetic.click_log import (
    GENERATOR_VERSION,
    SyntheticConfig,
    summary_path,
    write_click_log,
)
from components.synthetic.click_log_rows import (
    BLOCK_ROWS,
    CATEGORY_SHAPES,
    INTEGER_SHAPES,
    MISSING_RANK,
    MISSING_RATES,
    PILOT_BLOCK,
    Rows,
    RowSource,
)
from components.synthetic.click_log_text import category_codes
from components.synthetic.planted_model import PROBABILITIES, PlantedModel
from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG, DENSE_FEATURES

ROOT = Path(__file__).parents[3]


def _write(path: Path, **config: Any) -> bytes:
    write_click_log(SyntheticConfig(**config), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def source() -> RowSource:
    return RowSource(seed=5, category_skew=1.0)


@pytest.fixture(scope="module")
def block(source: RowSource) -> Rows:
    return source.block(0)


@pytest.fixture(scope="module")
def model(source: RowSource) -> PlantedModel:
    return PlantedModel(5, source.block(PILOT_BLOCK), click_rate=0.25, logit_scale=1.0)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Fields of 20,000 rows of seed 5."""
    text = _write(tmp_path_factory.mktemp("log") / "log.tsv", rows=20_000, seed=5).decode()
    assert text.endswith("\n")
    return [line.split("\t") for line in text[:-1].split("\n")]


def test_bytes_of_a_version_never_change(tmp_path: Path) -> None:
    digest = hashlib.sha256(_write(tmp_path / "a.tsv", rows=2_000, seed=7)).hexdigest()
    # Other bytes need another GENERATOR_VERSION, or stored logs are taken for the new ones.
    assert (GENERATOR_VERSION, digest[:16]) == (2, "fef98ce1efa38060")


def test_log_and_summary_same_in_another_process_without_vector_units(tmp_path: Path) -> None:
    here = _write(tmp_path / "a.tsv", rows=1_000, seed=3)
    there = tmp_path / "b.tsv"
    command = [sys.executable, "-m", "components.synthetic"]
    flags = ["--rows", "1000", "--seed", "3", "--out", str(there)]
    # Names that this machine lacks are ignored with a warning.
    features = "SSE41 SSE42 AVX AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_ICL"
    environment = {**os.environ, "PYTHONHASHSEED": "17", "NPY_DISABLE_CPU_FEATURES": features}
    subprocess.run(command + flags, cwd=ROOT, env=environment, check=True, capture_output=True)
    assert there.read_bytes() == here
    assert summary_path(there).read_bytes() == summary_path(tmp_path / "a.tsv").read_bytes()


def test_longer_log_starts_with_shorter_one(tmp_path: Path) -> None:
    short = _write(tmp_path / "a.tsv", rows=100)
    long = _write(tmp_path / "b.tsv", rows=BLOCK_ROWS + 100)
    assert long[: len(short)] == short
    assert len(long) > len(short)


def test_seeds_differ(tmp_path: Path) -> None:
    first = _write(tmp_path / "a.tsv", rows=50, seed=0).split(b"\n")
    second = _write(tmp_path / "b.tsv", rows=50, seed=1).split(b"\n")
    assert set(first) & set(second) == {b""}


@pytest.mark.parametrize("rows", [1, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1])
def test_rows_exact(tmp_path: Path, rows: int) -> None:
    assert _write(tmp_path / "a.tsv", rows=rows).count(b"\n") == rows
    summary = json.loads((tmp_path / "a.json").read_bytes())
    assert summary["rows"] == rows


@pytest.mark.parametrize("megabytes", [0.01, 5.0])
def test_megabytes_cut_after_the_last_row_that_fits(tmp_path: Path, megabytes: float) -> None:
    text = _write(tmp_path / "a.tsv", megabytes=megabytes)
    rows = text.count(b"\n")
    longer = _write(tmp_path / "b.tsv", rows=rows + 1)
    assert text.endswith(b"\n")
    assert longer.startswith(text)
    assert len(text) <= megabytes * 1e6 < len(longer)
    summary = json.loads((tmp_path / "a.json").read_bytes())
    assert (summary["rows"], summary["bytes"]) == (rows, len(text))


def test_gz_holds_the_same_bytes(tmp_path: Path) -> None:
    plain = _write(tmp_path / "a.tsv", rows=500)
    packed = _write(tmp_path / "b.tsv.gz", rows=500)
    assert gzip.decompress(packed) == plain
    summary = json.loads((tmp_path / "b.json").read_bytes())
    assert (summary["bytes"], summary["file_bytes"]) == (len(plain), len(packed))


def test_gz_repeatable(tmp_path: Path) -> None:
    assert _write(tmp_path / "a.tsv.gz", rows=50) == _write(tmp_path / "b.tsv.gz", rows=50)


def test_every_field_has_its_format(lines: list[list[str]]) -> None:
    integer, category = re.compile(r"-[12]|0|[1-9]\d{0,6}|"), re.compile(r"[0-9a-f]{8}|")
    assert {len(fields) for fields in lines} == {len(CLICK_LOG.text_columns)}
    for fields in lines:
        assert fields[0] in ("0", "1")
        assert all(integer.fullmatch(field) for field in fields[1:14])
        assert all(category.fullmatch(field) for field in fields[14:])


def test_integers_stay_in_their_range(lines: list[list[str]]) -> None:
    for column, name in enumerate(DENSE_FEATURES, start=1):
        values = [int(fields[column]) for fields in lines if fields[column]]
        assert min(values) == (-2 if name == "I2" else 0)
        assert max(values) <= INTEGER_SHAPES[name][2]


def test_text_holds_the_values_drawn(lines: list[list[str]], source: RowSource) -> None:
    block = source.block(1)
    for name in ("I5", "I2", "I12"):
        column = CLICK_LOG.text_columns.index(name)
        written = [fields[column] for fields in lines[BLOCK_ROWS:]]
        drawn = block.integers[name][: len(written)].tolist()
        assert written == ["" if value == -(2**31) else str(value) for value in drawn]


def test_missing_rates_as_measured(lines: list[list[str]]) -> None:
    for names, rate in MISSING_RATES:
        for name in names:
            column = CLICK_LOG.text_columns.index(name)
            found = sum(not fields[column] for fields in lines) / len(lines)
            # 5 standard errors.
            assert abs(found - rate) < 5 * (rate * (1 - rate) / len(lines)) ** 0.5, name
    never = set(CLICK_LOG.text_columns) - {name for names, _ in MISSING_RATES for name in names}
    assert all(fields[CLICK_LOG.text_columns.index(name)] for fields in lines for name in never)


@pytest.mark.parametrize("name", ["C1", "C3", "C9", "C17", "C20"])
def test_categories_follow_their_power_law(block: Rows, name: str) -> None:
    num_values, exponent, offset = CATEGORY_SHAPES[name]
    ranks = block.ranks[name][block.ranks[name] != MISSING_RANK]

    def area(rank: float) -> float:
        return ((rank + offset) ** (1 - exponent) - offset ** (1 - exponent)) / (1 - exponent)

    for first in (1, 3, 100):
        share = min(area(first) / area(num_values), 1.0)
        error = 5 * (share * (1 - share) / len(ranks)) ** 0.5 + 1e-4
        assert abs(np.mean(ranks < first) - share) < error
    assert ranks.max() < num_values


def test_largest_feature_has_millions_of_categories(source: RowSource) -> None:
    ranks = np.concatenate([source.block(i).ranks["C3"] for i in range(10)])
    ranks = ranks[ranks != MISSING_RANK]
    assert ranks.max() > 9_000_000
    assert len(np.unique(ranks)) > 50_000


def test_category_codes_distinct() -> None:
    assert len(np.unique(category_codes(np.arange(300_000, dtype=np.uint32), 12_345))) == 300_000


def test_category_skew_raises_the_first_share(block: Rows) -> None:
    skewed = RowSource(seed=5, category_skew=1.3).block(0)
    for name in ("C3", "C13", "C26"):
        assert np.mean(skewed.ranks[name] == 0) > 1.5 * np.mean(block.ranks[name] == 0)


def test_best_scores_agree_with_slow_twin(block: Rows, model: PlantedModel) -> None:
    logits = model.logits(block)[:400]
    probability = PROBABILITIES[logits]
    counts = LogitCounts()
    counts.add(logits, model.labels(block, model.logits(block))[:400])
    won = pairs = entropy = 0.0
    for p in probability:
        entropy -= p * np.log(p) + (1 - p) * np.log(1 - p)
        for q in probability:
            weight = p * (1 - q)  # the first row is a click and the second is not
            pairs += weight
            won += weight * (1.0 if p > q else 0.5 if p == q else 0.0)
    assert counts.best() == pytest.approx((won / pairs, entropy / 400), rel=1e-12)


def test_realized_scores_agree_with_sklearn(block: Rows, model: PlantedModel) -> None:
    logits = model.logits(block)
    labels = model.labels(block, logits)
    counts = LogitCounts()
    for part in (slice(0, 5_000), slice(5_000, None)):
        counts.add(logits[part], labels[part])
    probability = PROBABILITIES[logits]
    expected = (roc_auc_score(labels, probability), log_loss(labels, probability))
    assert counts.realized() == pytest.approx(expected, rel=1e-9)
    assert counts.click_rate == labels.mean()


def test_log_of_one_class_has_no_realized_auc_roc(tmp_path: Path) -> None:
    config = SyntheticConfig(rows=1)
    first = write_click_log(config, tmp_path / "a.tsv")
    again = write_click_log(config, tmp_path / "a.tsv")
    assert first.realized_auc_roc is None
    assert again == first


def test_summary_scores_have_nine_decimals(tmp_path: Path) -> None:
    summary = write_click_log(SyntheticConfig(rows=1_000), tmp_path / "a.tsv").model_dump()
    for name in ("best_auc_roc", "best_logloss", "realized_auc_roc", "realized_logloss"):
        assert summary[name] == float(f"{summary[name]:.9f}")


def test_planted_probabilities_score_within_sampling_error_of_best(tmp_path: Path) -> None:
    summary = write_click_log(SyntheticConfig(rows=100_000, seed=2), tmp_path / "a.tsv")
    assert summary.realized_auc_roc == pytest.approx(summary.best_auc_roc, abs=0.006)
    assert summary.realized_logloss == pytest.approx(summary.best_logloss, abs=0.006)
    assert summary.click_rate == pytest.approx(0.25, abs=0.01)
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    normalized = summary.best_logloss / entropy
    assert summary.best_normalized_entropy == pytest.approx(normalized, abs=0.01)


def test_clicks_are_as_frequent_as_their_probability(
    source: RowSource, model: PlantedModel
) -> None:
    blocks = [source.block(i) for i in range(4)]
    logits = np.concatenate([model.logits(block) for block in blocks])
    labels = np.concatenate([model.labels(b, model.logits(b)) for b in blocks])
    order = np.argsort(logits, kind="stable")
    for part in np.array_split(order, 20):
        probability = PROBABILITIES[logits[part]]
        error = 5 * np.sqrt(np.sum(probability * (1 - probability))) / len(part)
        assert abs(labels[part].mean() - probability.mean()) < error


def test_probability_depends_on_the_raw_row_alone(block: Rows, model: PlantedModel) -> None:
    reversed_rows = Rows(
        {name: values[::-1].copy() for name, values in block.integers.items()},
        {name: values[::-1].copy() for name, values in block.ranks.items()},
        np.zeros_like(block.label_draws),
    )
    np.testing.assert_array_equal(model.logits(reversed_rows)[::-1], model.logits(block))


@pytest.mark.parametrize("name", ["C6", "C20", "I1", "I5"])
def test_missing_has_an_effect_of_its_own(block: Rows, model: PlantedModel, name: str) -> None:
    ranks, integers = dict(block.ranks), dict(block.integers)
    fields = ranks if name in ranks else integers
    missing = MISSING_RANK if name in ranks else -(2**31)
    present = block.ranks[name] != missing if name in ranks else block.integers[name] != missing
    fields[name] = np.full_like(fields[name], missing)
    emptied = model.logits(Rows(integers, ranks, block.label_draws))
    before = model.logits(block)
    np.testing.assert_array_equal(emptied[~present], before[~present])
    assert np.mean(emptied[present] != before[present]) > 0.9


def test_click_rate_and_logit_scale_steer_the_log(tmp_path: Path) -> None:
    rare = write_click_log(SyntheticConfig(rows=20_000, click_rate=0.03), tmp_path / "a.tsv")
    easy = write_click_log(SyntheticConfig(rows=20_000, logit_scale=2.0), tmp_path / "b.tsv")
    usual = write_click_log(SyntheticConfig(rows=20_000), tmp_path / "c.tsv")
    assert rare.click_rate == pytest.approx(0.03, abs=0.006)
    assert easy.best_auc_roc > usual.best_auc_roc + 0.05


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    peaks = []

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            peaks.append(tracemalloc.get_traced_memory()[1])

    logger, watch = logging.getLogger(PROGRESS_LOGGER), Watch()
    level = logger.level
    logger.addHandler(watch)
    logger.setLevel(logging.INFO)
    tracemalloc.start()
    try:
        write_click_log(SyntheticConfig(rows=8 * BLOCK_ROWS), tmp_path / "a.tsv")
    finally:
        tracemalloc.stop()
        logger.removeHandler(watch)
        logger.setLevel(level)
    # One report a block; the text of one more block is 4 MB.
    assert len(peaks) == 8
    assert peaks[7] < peaks[2] + 1e6


def test_same_log_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    first = write_click_log(SyntheticConfig(rows=20), path)
    os.utime(path, ns=(1, 1))
    os.utime(summary_path(path), ns=(1, 1))
    assert write_click_log(SyntheticConfig(rows=20), path) == first
    assert path.stat().st_mtime_ns == summary_path(path).stat().st_mtime_ns == 1


@pytest.mark.parametrize("change", ["config", "version", "truncated", "damaged", "gone"])
def test_other_log_written_again(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.tsv"
    whole = _write(path, rows=20)
    summary = json.loads(summary_path(path).read_bytes())
    if change == "config":
        _write(path, rows=21)
    elif change == "version":
        path.write_bytes(b"?" * len(whole))
        summary["generator_version"] -= 1
        summary_path(path).write_text(json.dumps(summary))
    elif change == "truncated":
        path.write_bytes(whole[:-1])
    elif change == "damaged":
        path.write_bytes(b"?" * len(whole))
        summary_path(path).write_text("{")
    else:
        path.unlink()
    assert _write(path, rows=20) == whole


def test_no_temporary_file_left(tmp_path: Path) -> None:
    write_click_log(SyntheticConfig(rows=20), tmp_path / "new" / "a.tsv")
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["a.json", "a.tsv"]


def test_nothing_left_when_size_holds_no_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="megabytes=5e-05"):
        write_click_log(SyntheticConfig(megabytes=0.00005), tmp_path / "a.tsv")
    assert list(tmp_path.iterdir()) == []


def test_log_named_like_its_summary_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="summary takes this name"):
        write_click_log(SyntheticConfig(rows=1), tmp_path / "a.json")


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"rows": 0},
        {"rows": -1},
        {"megabytes": 0},
        {"megabytes": float("inf")},
        {"rows": 1, "megabytes": 1.0},
        {"rows": 1, "seed": -1},
        {"rows": 1, "click_rate": 0.0},
        {"rows": 1, "colour": "red"},
    ],
)
def test_bad_config_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SyntheticConfig(**values)


def test_config_survives_its_json() -> None:
    config = SyntheticConfig(megabytes=1.5, seed=2**62)
    assert SyntheticConfig.from_json(config.to_json()) == config


def test_both_sizes_named_in_error() -> None:
    with pytest.raises(ValidationError, match=r"received rows=3, megabytes=2\.0"):
        SyntheticConfig(rows=3, megabytes=2.0)


def test_log_covers_all_features() -> None:
    assert set(CATEGORY_SHAPES) == set(CATEGORICAL_FEATURES)
    assert set(INTEGER_SHAPES) == set(DENSE_FEATURES)
