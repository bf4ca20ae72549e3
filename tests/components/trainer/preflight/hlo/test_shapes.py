import pytest

from components.trainer.preflight.hlo.shapes import parse_shapes


@pytest.mark.parametrize(
    ("text", "real", "padded"),
    [
        # 16 lanes of 128 are used; 310,000 is a multiple of 8.
        ("f32[310000,16]{1,0:T(8,128)}", 310000 * 16 * 4, 310000 * 128 * 4),
        # The other way round 310,000 is filled up to 2,422 * 128.
        ("f32[310000,16]{0,1:T(8,128)}", 310000 * 16 * 4, 310016 * 16 * 4),
        ("bf16[512,27,27]{2,1,0:T(8,128)(2,1)}", 512 * 27 * 27 * 2, 512 * 32 * 128 * 2),
        ("f32[5]{0:T(128)}", 20, 512),
        ("s64[]{:T(128)}", 8, 1024),
        ("pred[16]{0}", 16, 16),
        ("f32[3,4]", 48, 48),
    ],
)
def test_bytes_count_numbers_and_whole_tiles(text, real, padded):
    [shape] = parse_shapes(text)
    assert (shape.real_bytes, shape.padded_bytes) == (real, padded)


def test_shape_of_a_bounded_dimension_is_dynamic():
    [shape] = parse_shapes("f32[<=64,8]{1,0}")
    assert shape.is_dynamic
    assert shape.dims == (64, 8)


def test_shape_of_memory_on_the_chip_is_not_in_hbm():
    on_chip, off_chip = parse_shapes("(f32[8]{0:T(128)S(1)}, f32[8]{0:T(128)})")
    assert not on_chip.is_in_hbm
    assert off_chip.is_in_hbm


def test_tuple_gives_all_its_arrays_in_order():
    shapes = parse_shapes("(f32[], ((s32[4]{0}, pred[])), /*index=5*/bf16[2,2]{1,0})")
    assert [str(shape) for shape in shapes] == ["f32[]", "s32[4]", "pred[]", "bf16[2,2]"]
