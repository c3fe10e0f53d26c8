# SPDX-License-Identifier: MIT
"""Waiting for something to become true, never for time to pass."""
import os
import time

# Sanitizers and busy machines are slow: every deadline is stretched by this.
SCALE = float(os.environ.get("TENDD_TEST_SCALE", "1"))
SANITIZERS = os.environ.get("TENDD_SANITIZERS", "no")
if SANITIZERS != "no":
    SCALE *= 3


def until(condition, what, timeout=10.0):
    """Returns the first true value of @condition(); AssertionError naming @what when it does not come in time."""
    deadline = time.monotonic() + timeout * SCALE
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            text = what() if callable(what) else what
            raise AssertionError(f"waited {timeout * SCALE:.0f} s in vain for {text}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
