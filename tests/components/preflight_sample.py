"""What a preflight found of two variants, one of which fits on one of two chips."""

from components.preflight_result import (
    Cause,
    Cell,
    ChipFacts,
    LargestBatch,
    Memory,
    Model,
    PreflightResult,
    Work,
)


def make_cell(variant: str, chip: str, does_not_fit: int | None = None) -> Cell:
    memory = dict.fromkeys(("arguments", "outputs", "aliased", "temporaries", "code"), 0)
    return Cell(
        variant=variant,
        chip=chip,
        batch_size=256,
        outcome="compiles",
        memory=Memory(
            **{f"{name}_bytes": size for name, size in memory.items()},
            total_bytes=46_400_000,
            available_bytes=16_900_000_000,
        ),
        work=Work(
            flops=None,
            bytes_accessed=None,
            matmul_flops=1.0,
            moved_bytes=1,
            lower_bound_seconds=2.55e-5,
            bound_by="bytes",
        ),
        largest_batch=LargestBatch(
            fits=16_384,
            does_not_fit=does_not_fit,
            estimate=None if does_not_fit else 294_040,
            num_compiles=1,
        ),
    )


def refused_cell(variant: str, chip: str) -> Cell:
    cause = Cause(message="Ran out of memory on HBM", cure="a smaller batch")
    fields = {"batch_size": 256, "outcome": "does_not_fit", "cause": cause}
    return Cell(variant=variant, chip=chip, **fields)


def sample_result(**fields: object) -> PreflightResult:
    facts = {"device": "a chip", "peak_flops": 1.0, "hbm_bytes_per_second": 1.0, "source": "[x]"}
    values = {
        "created": "2026-01-01T00:00:00+00:00",
        "versions": {"libtpu": "0.0.51"},
        "num_chips": 1,
        "model": Model(source="", vocabulary_sizes={"C1": 1}, dense_width=1, embedding_dim=1),
        "chips": {name: ChipFacts(hbm_bytes=16_900_000_000, **facts) for name in ("v5e", "v3")},
        "cells": (
            make_cell("full", "v5e"),
            refused_cell("full", "v3"),
            make_cell("hashing", "v5e", does_not_fit=18_000),
            make_cell("hashing", "v3"),
        ),
    }
    return PreflightResult.model_validate({**values, **fields})
