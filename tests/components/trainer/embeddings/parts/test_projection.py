import numpy as np
import pytest

from components.trainer.embeddings.parts.projection import draw_projection


def test_product_keeps_the_variance_of_the_rows() -> None:
    rng = np.random.default_rng(0)
    rows = rng.uniform(-0.1, 0.1, (5_000, 40))
    product = rows @ draw_projection(40, 60, rng)().numpy()
    assert product.var() == pytest.approx(rows.var(), rel=0.05)


def test_values_stay_the_same_in_each_call() -> None:
    initial_values = draw_projection(3, 5, np.random.default_rng(0))
    assert initial_values().shape == (3, 5)
    np.testing.assert_array_equal(initial_values(), initial_values())
