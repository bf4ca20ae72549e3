"""The embeddings of all features, made of the methods that a configuration names."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.embedding_config import EmbeddingConfig
from components.trainer.embeddings.base import Embedding, serving_bytes
from components.trainer.embeddings.full import Full
from components.trainer.embeddings.parts.id_map import IdMap
from components.trainer.embeddings.parts.storage import FLOAT32, Storage
from components.trainer.method_config import MethodConfig
from components.trainer.registry import load_method

_TOLERANCE = 0.05
_CLOSE = 0.001  # no need to come closer
_LARGEST_RATIO = 1e9
_BISECTIONS = 40


def make_embeddings(
    config: TrainerConfig, vocabulary_sizes: Mapping[str, int], seed: np.random.SeedSequence
) -> list[Embedding]:
    """Makes the embedding of each feature; equal arguments give equal ones.

    A feature has random numbers of its own: what does not depend on the method starts equal under
    all methods.

    Args:
      config: the variant, `resolve_size` has set its options.
      vocabulary_sizes: categorical feature -> number of its ids, in column order.
      seed: of all random choices.

    Returns:
      in column order.
    """
    seeds = seed.spawn(len(vocabulary_sizes))
    rngs = dict(zip(vocabulary_sizes, map(np.random.default_rng, seeds), strict=True))
    by_stack: dict[str, tuple[EmbeddingConfig, list[str]]] = {}
    for name, size in vocabulary_sizes.items():
        choice = _choose(config, name, size)
        by_stack.setdefault(choice.to_json(), (choice, []))[1].append(name)
    made: dict[str, Embedding] = {}
    for choice, names in by_stack.values():
        sizes = [vocabulary_sizes[name] for name in names]
        dims = [config.embedding_dims.get(name, config.embedding_dim) for name in names]
        stacked = make_stack(choice, sizes, dims, [rngs[name] for name in names])
        made |= dict(zip(names, stacked, strict=True))
    return [made[name] for name in vocabulary_sizes]


def _choose(config: TrainerConfig, name: str, vocabulary_size: int) -> EmbeddingConfig:
    if name in config.embeddings:
        return config.embeddings[name]
    return EmbeddingConfig() if vocabulary_size < config.min_table_rows else config.embedding


def make_stack(
    choice: EmbeddingConfig,
    vocabulary_sizes: Sequence[int],
    embedding_dims: Sequence[int],
    rngs: Sequence[np.random.Generator],
) -> list[Embedding]:
    """Makes the embeddings of features that have the same methods.

    Args:
      choice: the methods.
      vocabulary_sizes: of each feature.
      embedding_dims: likewise.
      rngs: likewise.
    """
    maps: list[IdMap | None] = [None] * len(vocabulary_sizes)
    make_all: Callable[..., list[Embedding]] = partial(Full.make_all, config=MethodConfig())
    storage: Storage = FLOAT32
    for name, options in zip(choice.names, choice.configs, strict=True):
        method: Any = load_method(name)
        if method.stage == IdMap.stage:
            maps = [method(size, options) for size in vocabulary_sizes]
        elif method.stage == Embedding.stage:
            make_all = partial(method.make_all, config=options)
        else:
            storage = method(options)
    sizes = [s if m is None else m.num_ids for s, m in zip(vocabulary_sizes, maps, strict=True)]
    embeddings = make_all(sizes, embedding_dims, rngs=rngs)
    for embedding, id_map in zip(embeddings, maps, strict=True):
        for form in (embedding, embedding.serving_form):
            form.id_map, form.storage = id_map, storage
    return embeddings


def full_bytes(config: TrainerConfig, vocabulary_sizes: Mapping[str, int]) -> int:
    """Returns the bytes of float32 tables with a row for each id."""
    dims = {
        name: config.embedding_dims.get(name, config.embedding_dim) for name in vocabulary_sizes
    }
    return sum(4 * size * dims[name] for name, size in vocabulary_sizes.items())


def resolve_size(config: TrainerConfig, vocabulary_sizes: Mapping[str, int]) -> TrainerConfig:
    """Returns a configuration whose methods' options give the size that it asks for.

    All methods that have a `compression_ratio` get the same one, found by bisection: what is too
    small to be compressed makes it larger than the whole's.

    Args:
      config: the variant; if it names no size, it is returned as it is.
      vocabulary_sizes: categorical feature -> number of its ids.

    Raises:
      InputError: if the methods come no closer than 5 %; the message says what they reach.
    """
    full = full_bytes(config, vocabulary_sizes)
    if config.embedding_bytes is not None:
        goal = float(config.embedding_bytes)
    elif config.compression_ratio is not None:
        goal = full / config.compression_ratio
    else:
        return config

    def bytes_of(candidate: TrainerConfig) -> int:
        seed = np.random.SeedSequence(0)
        of_member = serving_bytes(make_embeddings(candidate, vocabulary_sizes, seed))
        return candidate.ensemble_size * of_member

    def is_met(num_bytes: float, tolerance: float) -> bool:
        return abs(num_bytes - goal) <= tolerance * goal

    if is_met(bytes_of(config), _CLOSE):
        return config  # as a configuration is that was resolved before
    tried = [(c, bytes_of(c)) for c in (_with_ratio(config, r) for r in (1.0, _LARGEST_RATIO))]
    low, high = 0.0, np.log(_LARGEST_RATIO)
    smallest, largest = tried[1][1], tried[0][1]
    for _ in range(_BISECTIONS if smallest < goal < largest else 0):
        middle = (low + high) / 2
        candidate = _with_ratio(config, float(np.exp(middle)))
        tried.append((candidate, bytes_of(candidate)))
        if is_met(tried[-1][1], _CLOSE):
            break
        low, high = (middle, high) if tried[-1][1] > goal else (low, middle)
    best, num_bytes = min(tried, key=lambda each: abs(each[1] - goal))
    if not is_met(num_bytes, _TOLERANCE):
        field = "compression_ratio" if config.embedding_bytes is None else "embedding_bytes"
        raise InputError(
            f"{field} of variant {config.variant}: expected what {config.embedding.method} reaches "
            f"with these tables, {_size(smallest, full)} to {_size(largest, full)}, received "
            f"{_size(goal, full)}; the nearest is {_size(num_bytes, full)}"
        )
    return best


def _with_ratio(config: TrainerConfig, ratio: float) -> TrainerConfig:
    embeddings = {name: each.with_ratio(ratio) for name, each in config.embeddings.items()}
    changed = {"embedding": config.embedding.with_ratio(ratio), "embeddings": embeddings}
    return config.model_copy(update=changed)


def _size(num_bytes: float, full: int) -> str:
    return f"{num_bytes:,.0f} bytes ({full / num_bytes:,.2f} times smaller)"
