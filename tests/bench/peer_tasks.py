# SPDX-License-Identifier: MIT
"""Memory of sleeping asyncio tasks, and the time to make them: usage peer_tasks.py TOTAL"""
import asyncio
import json
import sys
import time


def pss():
    with open("/proc/self/smaps_rollup") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("Pss:"))


async def periodic():
    while True:
        await asyncio.sleep(3600)


async def main(total):
    before = pss()
    start = time.monotonic()
    tasks = [asyncio.create_task(periodic(), name=f"task-{n}") for n in range(total)]
    await asyncio.sleep(0)
    seconds = time.monotonic() - start
    print(json.dumps({"seconds": seconds, "bytes_per_task": (pss() - before) / total}))
    sys.stdout.flush()
    for task in tasks:
        task.cancel()


asyncio.run(main(int(sys.argv[1])))
