import numpy as np
import pytest

from components.trainer.embeddings.parts.row_quantization import quantize

NORMAL = np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32)


def decode(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """One value at a time."""
    scale, offset = scales.astype(np.float64).T
    return np.array(
        [
            [offset[r] + scale[r] * code for code in row]
            for r, row in enumerate(codes.astype(np.float64))
        ]
    )


@pytest.mark.parametrize("num_codes", [16, 256])
@pytest.mark.parametrize("factor", [1e-12, 1e-5, 1.0, 1e20])
def test_every_value_is_off_by_at_most_half_a_scale(num_codes: int, factor: float) -> None:
    values = NORMAL * np.float32(factor)
    codes, scales = quantize(values, num_codes)
    error = np.abs(decode(codes, scales) - values).max(axis=1)
    assert (error <= 0.5001 * scales[:, 0].astype(np.float64)).all()


def test_scales_are_little_wider_than_the_range_of_a_row() -> None:
    # bfloat16 has 8 bits: rounded away, scale and offset each grow by less than 1/128.
    scales = quantize(NORMAL, 256)[1][:, 0].astype(np.float64)
    exact = (NORMAL.max(axis=1) - NORMAL.min(axis=1)) / 255
    assert (scales >= exact * (1 - 1e-6)).all()
    assert (scales <= exact * (1 + 2 / 128)).all()


@pytest.mark.parametrize("value", [0.0, 0.3, -7.1])
def test_a_row_of_one_value_is_kept(value: float) -> None:
    codes, scales = quantize(np.full((1, 4), value, np.float32), 256)
    # The offset is off by up to 1/128, and one of 255 codes makes up for it.
    np.testing.assert_allclose(decode(codes, scales), value, atol=abs(value) / 128 / 500)


def test_blocks_do_not_mix_rows() -> None:
    values = np.random.default_rng(1).normal(size=(2**15 + 3, 2)).astype(np.float32)
    codes, scales = quantize(values, 16, search=True)
    for row in (0, 2**15 - 1, 2**15, 2**15 + 2):
        alone = quantize(values[row : row + 1], 16, search=True)
        np.testing.assert_array_equal(codes[row], alone[0][0])
        np.testing.assert_array_equal(scales[row], alone[1][0])


def test_search_cuts_a_far_end_off() -> None:
    """Of a row whose range one value stretches, all others are met better."""
    values = np.concatenate([np.linspace(0, 1, 60), [1.19]]).astype(np.float32)[None]
    plain = np.square(decode(*quantize(values, 4)) - values).sum()
    searched = np.square(decode(*quantize(values, 4, search=True)) - values).sum()
    assert searched < plain


def test_search_lowers_the_squared_error_of_bell_shaped_rows() -> None:
    plain = np.square(decode(*quantize(NORMAL, 16)) - NORMAL).mean()
    searched = np.square(decode(*quantize(NORMAL, 16, search=True)) - NORMAL).mean()
    assert searched < 0.9 * plain
