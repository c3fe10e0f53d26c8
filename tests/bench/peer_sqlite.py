# SPDX-License-Identifier: MIT
"""RUNS rows like those of the store, with the same indexes, by executemany in batches of 100, each a transaction.

Usage: peer_sqlite.py DATABASE RUNS TASKS
"""
import json
import sqlite3
import sys
import time

BATCH = 100


def rows(total, tasks):
    base = int(time.time() * 1e6)
    for i in range(total):
        task = f"task-{i % tasks}"
        run = f"{task}#{i // tasks}"
        begun = base + i * 100
        yield (begun, task, run, "every", begun, begun, begun + i % 9973, "ok", "none", 12, i % 9973, 1,
               f'{{"task":"{task}","run":"{run}","outcome":"ok","errors":[],"attempts":1,"queued_usec":12,'
               f'"duration_usec":{i % 9973}}}')


def main():
    path, total, tasks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("""
        PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
        CREATE TABLE run(position INTEGER PRIMARY KEY, task TEXT, run TEXT, "trigger" TEXT, due_usec INTEGER,
                         begun_usec INTEGER, ended_usec INTEGER, outcome TEXT, error TEXT, queued_usec INTEGER,
                         duration_usec INTEGER, attempts INTEGER, json TEXT);
        CREATE INDEX run_by_task ON run(task, position, outcome, duration_usec);
        CREATE INDEX run_by_name ON run(run);
    """)
    batches = []
    batch = []
    for row in rows(total, tasks):
        batch.append(row)
        if len(batch) == BATCH:
            batches.append(batch)
            batch = []
    if batch:
        batches.append(batch)
    start = time.monotonic()
    for batch in batches:
        db.execute("BEGIN")
        db.executemany("INSERT INTO run VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", batch)
        db.execute("COMMIT")
    seconds = time.monotonic() - start
    done = db.execute("SELECT count(*) FROM run").fetchone()[0]
    print(json.dumps({"seconds": seconds, "done": done, "failed": total - done}))


main()
