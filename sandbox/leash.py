"""`python -m sandbox.leash PARENT COMMAND...`: become COMMAND, and be told to stop when PARENT dies (Linux)."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(0)
    os.execv(sys.argv[2], sys.argv[2:])
