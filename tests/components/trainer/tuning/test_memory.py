import os
import subprocess
import sys

from components.trainer.tuning.memory import free_bytes, peak_bytes

_TAKE_AND_TELL = """
from components.trainer.tuning.memory import peak_bytes
before = peak_bytes()
memory = bytearray(64 * 2**20)
memory[::4096] = b"x" * len(memory[::4096])
print(before, peak_bytes())
"""


def _run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


def test_peak_grows_by_what_a_process_takes():
    before, after = map(int, _run(_TAKE_AND_TELL))
    assert 64 * 2**20 <= after - before < 80 * 2**20


def test_peak_of_a_new_process_leaves_out_that_of_its_parent():
    memory = bytearray(300 * 2**20)
    memory[::4096] = b"x" * len(memory[::4096])
    before, _ = map(int, _run(_TAKE_AND_TELL))
    assert before < 200 * 2**20


def test_peak_of_this_process_is_that_of_its_number():
    assert peak_bytes() == peak_bytes(os.getpid()) > 0


def test_peak_of_a_process_that_has_ended_is_zero():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert peak_bytes(process.pid) == 0


def test_free_memory_is_less_than_all_memory():
    assert 0 < free_bytes() < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_a_process_can_offer_itself_to_the_kernel():
    code = (
        "from components.trainer.tuning.memory import end_me_first as f; f();"
        "print(open('/proc/self/oom_score_adj').read())"
    )
    assert _run(code) == ["1000"]
