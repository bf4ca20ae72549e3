"""Comparisons that are hard to show."""

from tests.components.evaluator.report.sample import sample_comparison


def odd_comparison():
    """Returns a comparison of which little was measured, with names that are long and hostile."""
    comparison = sample_comparison(3, chosen="full")
    long = "the_same_start_of_a_long_name_of_a_variant_"
    names = ("full", f"{long}1", f"{long}2 </script><b>&")
    bare = {"latency": (), "slices": (), "loss_curve": (), "eval_curve": (), "costs": {}}
    changes = [{}, {"costs": {"embedding_bytes": 0}}, {**bare, "metrics": {}}]
    variants = tuple(
        variant.model_copy(update={"name": name, **change})
        for variant, name, change in zip(comparison.variants, names, changes, strict=True)
    )
    return comparison.model_copy(
        update={"variants": variants, "best_auc_roc": None, "target_logloss": None}
    )


def equal_comparison():
    """Returns a comparison of which five variants have embeddings of one size."""
    comparison = sample_comparison()
    names = ("int8", "quotient_remainder", "hashing", "double_hashing", "mixed_dimensions")
    variants = tuple(
        result.model_copy(update={"costs": {**result.costs, "embedding_bytes": 482_560}})
        if result.name in names
        else result
        for result in comparison.variants
    )
    return comparison.model_copy(update={"variants": variants})


def tiny_comparison():
    """Returns a comparison of which slices differ by 1e-6 and curves by 1e-4."""
    comparison = sample_comparison()
    factor = 1e-3

    def scaled(metric):
        if metric.difference is None:
            return metric
        names = ("value", "standard_error", "low", "high")
        parts = {name: getattr(metric.difference, name) * factor for name in names}
        return metric.model_copy(update={"difference": metric.difference.model_copy(update=parts)})

    variants = tuple(
        result.model_copy(
            update={
                "slices": tuple(
                    part.model_copy(
                        update={"metrics": {n: scaled(m) for n, m in part.metrics.items()}}
                    )
                    for part in result.slices
                ),
                "eval_curve": tuple(
                    point.model_copy(update={"logloss": 0.61 + (point.logloss - 0.45) * factor})
                    for point in result.eval_curve
                ),
            }
        )
        for result in comparison.variants
    )
    return comparison.model_copy(update={"variants": variants, "target_logloss": None})
