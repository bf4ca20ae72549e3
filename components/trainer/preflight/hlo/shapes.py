"""Shapes of HLO text and the bytes that they take in a TPU's memory."""

import math
import re
from dataclasses import dataclass
from functools import cached_property

# https://openxla.org/xla/shapes and https://openxla.org/xla/tiled_layout
_ARRAY = re.compile(r"(?P<dtype>[a-z]+[0-9a-z]*)\[(?P<dims>[^\]]*)\](?:\{(?P<layout>[^}]*)\})?")
_TILE = re.compile(r"T\(([\d,]+)\)")
_MEMORY_SPACE = re.compile(r"S\((\d+)\)")
_BITS = re.compile(r"\d+")
_HBM = 0
_PREDICATE_BITS = 8


@dataclass(frozen=True)
class Shape:
    """An array.

    Attributes:
      dtype: such as `"f32"`.
      dims: its dimensions; of a dynamic one the bound.
      is_dynamic: whether a dimension has a bound (`<=`) in place of a size.
      minor_to_major: the order of the dimensions in memory, the fastest first.
      tile: the tile that the minor dimensions are padded to; empty where there is none.
      memory_space: 0 is the high bandwidth memory; others are on the chip.
    """

    dtype: str
    dims: tuple[int, ...]
    is_dynamic: bool = False
    minor_to_major: tuple[int, ...] = ()
    tile: tuple[int, ...] = ()
    memory_space: int = _HBM

    @property
    def is_in_hbm(self) -> bool:
        """Whether it lies in the high bandwidth memory."""
        return self.memory_space == _HBM

    @property
    def num_elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.dims)

    @property
    def real_bytes(self) -> int:
        """The bytes of its numbers."""
        return self.num_elements * self._bits // 8

    @cached_property
    def padded_bytes(self) -> int:
        """The bytes that it takes: the minor dimensions are filled up to whole tiles."""
        dims = [self.dims[index] for index in self.minor_to_major] or list(self.dims[::-1])
        dims += [1] * (len(self.tile) - len(dims))
        for index, tile in enumerate(reversed(self.tile)):
            dims[index] = math.ceil(dims[index] / tile) * tile
        return math.prod(dims) * self._bits // 8

    @property
    def _bits(self) -> int:
        bits = _BITS.search(self.dtype)
        return int(bits.group()) if bits else _PREDICATE_BITS

    def __str__(self) -> str:
        """Returns it as HLO writes it, without the layout: `f32[310000,16]`."""
        return f"{self.dtype}[{','.join(str(dim) for dim in self.dims)}]"


def parse_shapes(text: str) -> tuple[Shape, ...]:
    """Returns the arrays of a shape in HLO text: one, or all that a tuple holds, in order.

    Args:
      text: such as `f32[8,16]{1,0:T(8,128)}` or `(f32[], s32[4]{0})`.
    """
    return tuple(_parse_array(match) for match in _ARRAY.finditer(text))


def _parse_array(match: re.Match[str]) -> Shape:
    dims = [dim.strip() for dim in match["dims"].split(",") if dim.strip()]
    layout = match["layout"] or ""
    order, _, details = layout.partition(":")
    tile, space = _TILE.search(details), _MEMORY_SPACE.search(details)
    return Shape(
        dtype=match["dtype"],
        dims=tuple(int(dim.removeprefix("<=")) for dim in dims if dim != "?"),
        is_dynamic=any(dim.startswith(("<=", "?")) for dim in dims),
        minor_to_major=tuple(int(index) for index in order.split(",") if index),
        tile=tuple(int(size) for size in tile.group(1).split(",")) if tile else (),
        memory_space=int(space.group(1)) if space else _HBM,
    )
