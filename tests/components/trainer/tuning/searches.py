"""Searches whose trials are no trainings."""

import math

from components.trainer.tuning.config import SearchConfig
from components.trainer.tuning.oracles import make_oracle
from components.trainer.tuning.shared_oracle import SharedOracle

RATE = "dense_optimizer.learning_rate"
RANGE = {RATE: {"min": 1e-5, "max": 10.0, "sampling": "log"}}


def make_options(algorithm="random", fields=RANGE, **options):
    return SearchConfig(algorithm=algorithm, fields=fields, **options)


def make_shared(folder, options, lost_seconds=60.0):
    return SharedOracle(make_oracle(options, str(folder)), lost_seconds)


def valley(config):
    """Lowest, 0.4, at the rate 0.01."""
    return 0.4 + 0.05 * (math.log10(config.dense_optimizer.learning_rate) + 2.0) ** 2
