# SPDX-License-Identifier: MIT
"""httpx with a Semaphore in a TaskGroup: usage peer_httpx.py URL-FILE IN-FLIGHT"""
import asyncio
import json
import sys
import time

import httpx


async def main(path, in_flight):
    with open(path) as f:
        urls = f.read().split()
    ok = 0
    semaphore = asyncio.Semaphore(in_flight)
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)

    async with httpx.AsyncClient(limits=limits, timeout=2, trust_env=False) as client:

        async def fetch(url):
            nonlocal ok
            async with semaphore:
                async with asyncio.timeout(2):
                    response = await client.get(url)
            ok += response.status_code == 200

        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for url in urls:
                group.create_task(fetch(url))
        seconds = time.monotonic() - start
    print(json.dumps({"seconds": seconds, "done": ok, "failed": len(urls) - ok}))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
