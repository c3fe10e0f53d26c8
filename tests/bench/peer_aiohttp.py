# SPDX-License-Identifier: MIT
"""aiohttp with a Semaphore in a TaskGroup: usage peer_aiohttp.py URL-FILE IN-FLIGHT"""
import asyncio
import json
import sys
import time

import aiohttp


async def main(path, in_flight):
    with open(path) as f:
        urls = f.read().split()
    ok = 0
    semaphore = asyncio.Semaphore(in_flight)
    connector = aiohttp.TCPConnector(limit=in_flight)

    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=2)) as session:

        async def fetch(url):
            nonlocal ok
            async with semaphore:
                async with session.get(url) as response:
                    await response.read()
            ok += response.status == 200

        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for url in urls:
                group.create_task(fetch(url))
        seconds = time.monotonic() - start
    print(json.dumps({"seconds": seconds, "done": ok, "failed": len(urls) - ok}))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
