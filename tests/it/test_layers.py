# SPDX-License-Identifier: MIT
"""contrib/check-layers finds what it is for."""
import os
import subprocess

from support.case import Case

SOURCE = os.environ.get("top_srcdir", ".")


class Layers(Case):
    def check(self, files):
        for name, text in files.items():
            os.makedirs(os.path.dirname(self.path("daemon", name)), exist_ok=True)
            self.write(os.path.join("daemon", name), text)
        return subprocess.run(["/usr/bin/python3", f"{SOURCE}/contrib/check-layers", self.directory],
                              capture_output=True, text=True, check=False)

    def test_a_clean_tree_passes(self):
        done = self.check({"base/list.c": '#include "base/list.h"\n#include <stdlib.h>\n',
                           "run/run.c": '#include "loop/loop.h"\n', "loop/loop.c": "#include <event2/event.h>\n",
                           "runner.c": '#include "control/server.h"\n', "main.c": '#include "runner.h"\n',
                           "tendctl/show.c": '#include "base/text.h"\n#include <jansson.h>\n'})
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("6 files, 0 violations", done.stdout)

    def test_each_violation_is_named_with_its_line(self):
        done = self.check({"run/run.c": '\n#include "task/task.h"\n#include <event2/event.h>\n',
                           "base/log.c": "#include <curl/curl.h>\n", "task/task.c": '#include "runner.h"\n',
                           "tendctl/top.c": '#include "run/run.h"\n', "other/x.c": "\n"})
        self.assertEqual(done.returncode, 1, done.stdout)
        for part in ("run/run.c:2:", "run/run.c:3:", "base/log.c:1:", "task/task.c:1:", "tendctl/top.c:1:",
                     "other is no layer"):
            self.assertIn(part, done.stdout)
