# SPDX-License-Identifier: MIT
"""Empty jobs through run_in_executor: usage peer_executor.py TOTAL OUTSTANDING THREADS"""
import asyncio
import concurrent.futures
import json
import sys
import time


def job():
    pass


async def main(total, outstanding, threads):
    loop = asyncio.get_running_loop()
    left = total

    async def worker():
        nonlocal left
        while left > 0:
            left -= 1
            await loop.run_in_executor(pool, job)

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        await loop.run_in_executor(pool, job)
        start = time.monotonic()
        await asyncio.gather(*(worker() for _ in range(outstanding)))
        seconds = time.monotonic() - start
    print(json.dumps({"seconds": seconds, "done": total, "failed": 0}))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
