# SPDX-License-Identifier: MIT
"""The next occurrences of a cron line: usage peer_croniter.py LINE ZONE TOTAL"""
import datetime
import json
import sys
import time
import zoneinfo

import croniter

line, zone, total = sys.argv[1], zoneinfo.ZoneInfo(sys.argv[2]), int(sys.argv[3])
times = croniter.croniter(line, datetime.datetime(2024, 1, 1, tzinfo=zone))
start = time.process_time()
for _ in range(total):
    times.get_next(datetime.datetime)
print(json.dumps({"seconds": time.process_time() - start, "done": total, "failed": 0}))
