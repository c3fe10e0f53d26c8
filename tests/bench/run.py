# SPDX-License-Identifier: MIT
"""make bench: every row of the table, one after another, then which bars are met. Exits 0 also when some are not; not
when a measurement itself failed."""
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback

import common

ROWS = ["http", "exec", "pool", "services", "tasks", "store", "live", "spawn", "idle", "control", "calendar"]


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown CPU")
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} × {model}, Linux {os.uname().release}, load {load:.2f}"


def main():
    wanted = os.environ.get("BENCH_ROWS", "").split() or ROWS
    rows, broken = [], []
    # Contestants have sessions of their own: only we can end them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    print(f"tendd bench: {common.ROUNDS} rounds{', quick: a smoke test' if common.QUICK else ''}")
    print(machine())
    flags = os.environ.get("BENCH_CFLAGS", "")
    if "-O2" not in flags.split() and "-O3" not in flags.split():
        print(f"warning: built with CFLAGS=\"{flags}\", not optimised: ratios to the peers say little")
    for name in wanted:
        try:
            row = importlib.import_module(f"row_{name}").measure()
        except (common.Broken, OSError, subprocess.TimeoutExpired, KeyError, ValueError) as e:
            traceback.print_exc()
            broken.append(f"{name}: {e}")
            continue
        row.print()
        rows.append(row)

    bars = [bar for row in rows for bar in row.bars]
    print(f"\n{sum(bar.met for bar in bars)} of {len(bars)} bars met")
    for bar in bars:
        if not bar.met:
            print(f"  NOT MET  {bar.text}: {common.number(bar.value)} {bar.unit}")
    for text in broken:
        print(f"  BROKEN   {text}")
    with open(os.path.join(common.BUILD, "bench-results.json"), "w") as f:
        json.dump([row.to_json() for row in rows], f, indent=1)
    return 1 if broken else 0


sys.exit(main())
