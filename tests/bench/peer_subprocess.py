# SPDX-License-Identifier: MIT
"""asyncio.create_subprocess_exec with a Semaphore: usage peer_subprocess.py TOTAL IN-FLIGHT COMMAND"""
import asyncio
import json
import sys
import time


async def main(total, in_flight, command):
    ok = 0
    semaphore = asyncio.Semaphore(in_flight)

    async def run():
        nonlocal ok
        async with semaphore:
            async with asyncio.timeout(60):
                process = await asyncio.create_subprocess_exec(command)
                code = await process.wait()
            ok += code == 0

    # The default watcher of Python 3.11 has a thread for each child; the pidfd one is what 3.12 made the default.
    watcher = asyncio.PidfdChildWatcher()
    watcher.attach_loop(asyncio.get_running_loop())
    asyncio.set_child_watcher(watcher)
    start = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(total):
            group.create_task(run())
    print(json.dumps({"seconds": time.monotonic() - start, "done": ok, "failed": total - ok}))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
