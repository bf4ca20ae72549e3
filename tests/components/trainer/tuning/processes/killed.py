"""Is ended as the kernel does it when memory runs out."""

import os
import signal

os.kill(os.getpid(), signal.SIGKILL)
