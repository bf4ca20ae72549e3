"""Measures what loaded SavedModels keep in memory, each in a process of its own.

Arguments: folders of SavedModels. Writes a line of JSON: for each the bytes by which the resident
memory of a process grew that loaded it and predicted one row. The processes are forks of this one,
made before TensorFlow has started: each is fresh, but none imports it again.

It needs `ENVIRONMENT`. glibc's allocator must give freed memory back at once. With oneDNN,
TensorFlow has an allocator of its own, which keeps an index of its memory: 1/32 of that, rounded up
to a power of two.
"""

import ctypes
import gc
import json
import os
import sys
from pathlib import Path

import tensorflow as tf

from schemas.serving import RAW_FEATURES

ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "TF_ENABLE_ONEDNN_OPTS": "0",
}


def resident_bytes() -> int:
    """Of this process, without the pages of files; exact, which `VmRSS` is not with threads."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("Anonymous:")]
    return 1024 * int(line.split()[1])


def growth_by_loading(folder: str) -> int:
    before = resident_bytes()
    model = tf.saved_model.load(folder)
    signature = model.signatures[RAW_FEATURES]
    _, specs = signature.structured_input_signature
    row = {name: tf.zeros([1], spec.dtype) for name, spec in specs.items()}
    signature(**row)
    return resident_bytes() - before


def growth_in_a_fork(folder: str) -> int:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, str(growth_by_loading(folder)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        growth = pipe.read()
    os.waitpid(child, 0)
    return int(growth)


if __name__ == "__main__":
    print(json.dumps([growth_in_a_fork(folder) for folder in sys.argv[1:]]))
