"""What the TPU generations can do, as far as a compiled program sees it.

The compiler's environment reads this file, too: it imports the standard library only.

Sources, read in November 2026:

- [cloud] Google's pages `docs.cloud.google.com/tpu/docs/v3`, `v4`, `v5e` and `v5p`: peak of
  bfloat16 and bandwidth of a chip. The page of v2 names no figures.
- [jax] `TpuInfo` of JAX 0.10.2 (`jax/_src/pallas/mosaic/tpu_info.py`, the figures of
  `docs.jax.dev/en/latest/pallas/tpu/hardware.html`): the same for a TensorCore.
- [compiler] what libtpu 0.0.51 says when a program is too large: "exceeds available HBM (...)".

Where [cloud] and [jax] differ, the faster figure counts, because it is used for lower bounds.
"""

from dataclasses import dataclass

_GIB = 2**30


@dataclass(frozen=True)
class Chip:
    """One kind of TPU; all figures are of what one compiled program has.

    On v2 and v3 that is one of a chip's two TensorCores, with half of its memory. v4 and v5p run
    both cores as one device; but for v4 the compiler gives a program without a chip one core.

    Attributes:
      name: as Google calls it.
      topology: the smallest slice that the compiler has for it, four chips.
      device: what one program runs on.
      devices_per_chip: how many of these a chip has.
      hbm_bytes: what the compiler lets a program have of the high bandwidth memory [compiler].
      peak_flops: multiply-adds in bfloat16, counted as two, a second. A float32 matrix product is
        one in bfloat16 there, unless a higher precision is asked for.
      hbm_bytes_per_second: read and written together.
      source: of the last two.
    """

    name: str
    topology: str
    device: str
    devices_per_chip: int
    hbm_bytes: int
    peak_flops: float
    hbm_bytes_per_second: float
    source: str


CHIPS = {
    chip.name: chip
    for chip in (
        Chip(
            name="v2",
            topology="v2:2x2",
            device="one TensorCore, half a chip",
            devices_per_chip=2,
            hbm_bytes=int(7.48 * _GIB),
            peak_flops=46e12 / 2,
            hbm_bytes_per_second=716e9 / 2,
            source="[jax] 46 TFLOPS and 716 GB/s a chip",
        ),
        Chip(
            name="v3",
            topology="v3:2x2",
            device="one TensorCore, half a chip",
            devices_per_chip=2,
            hbm_bytes=int(15.48 * _GIB),
            peak_flops=140e12 / 2,
            hbm_bytes_per_second=900e9 / 2,
            source="[jax] 140 TFLOPS ([cloud]: 123), [cloud] 900 GB/s ([jax]: 825) a chip",
        ),
        Chip(
            name="v4",
            topology="v4:2x2x1",
            device="one TensorCore, half a chip",
            devices_per_chip=2,
            hbm_bytes=int(15.25 * _GIB),
            peak_flops=275e12 / 2,
            hbm_bytes_per_second=1230e9 / 2,
            source="[cloud] 275 TFLOPS, [jax] 1,230 GB/s ([cloud]: 1,200) a chip",
        ),
        Chip(
            name="v5e",
            topology="v5e:2x2",
            device="a chip",
            devices_per_chip=1,
            hbm_bytes=int(15.75 * _GIB),
            peak_flops=197e12,
            hbm_bytes_per_second=800 * _GIB,
            source="[cloud] 197 TFLOPS, 800 GiB/s (in an older form of the page 819 GB/s)",
        ),
        Chip(
            name="v5p",
            topology="v5p:2x2x1",
            device="a chip, its two TensorCores as one",
            devices_per_chip=1,
            hbm_bytes=int(95.73 * _GIB),
            peak_flops=459e12,
            hbm_bytes_per_second=2765e9,
            source="[cloud] 459 TFLOPS, 2,765 GB/s ([jax]: 2,460)",
        ),
    )
}
