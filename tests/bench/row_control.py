# SPDX-License-Identifier: MIT
"""The control socket: calls answered in a second, one after another on one connection. For information: no bar."""
import common
import daemon
from common import Contestant

CALLS = 200 if common.QUICK else 10000
METHODS = ("io.tendd.Runner.Status", "org.varlink.service.GetInfo")

CONFIG = """
[task fetch]
url = http://127.0.0.1:1/
every = 1h
"""


def measure():
    row = common.Row("control", f"control: {CALLS:,} calls, ping-pong")
    with common.scratch() as directory:
        with daemon.Daemon(directory, daemon.config(directory, CONFIG)) as d:

            def calls(method):
                return lambda: common.rate([common.program("control-calls"), d.socket_path, method, str(CALLS)], CALLS)

            def tendctl():
                return common.wall([daemon.TENDCTL, "--socket", d.socket_path, "status"]) * 1000

            row.compare([*(Contestant(m, calls(m)) for m in METHODS), Contestant("tendctl status", tendctl, "ms")])
    return row
