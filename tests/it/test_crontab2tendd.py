# SPDX-License-Identifier: MIT
"""contrib/crontab2tendd: what it makes of crontabs is accepted, is due when cron would start it, and runs."""
import datetime
import json
import os
import re
import subprocess
import unittest
import zoneinfo

from support.case import Case
from support.daemon import TENDCTL, environment

try:
    import croniter
except ImportError:
    croniter = None

SCRIPT = os.path.join(os.environ.get("top_srcdir", "."), "contrib", "crontab2tendd")
ROOT = os.geteuid() == 0

# As Debian 12 has them: /etc/crontab, and files of /etc/cron.d of e2fsprogs, anacron, php-common, sysstat and certbot.
DEBIAN = r"""# /etc/crontab: system-wide crontab
# Unlike any other crontab you don't have to run the `crontab'
# command to install the new version when you edit this file

SHELL=/bin/sh
# You can also override PATH, but by default, newer versions inherit it from the environment
#PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin

# Example of job definition:
# .---------------- minute (0 - 59)
# |  .------------- hour (0 - 23)
# |  |  |  |  |
# *  *  *  *  * user-name command to be executed
17 *	* * *	root	cd / && run-parts --report /etc/cron.hourly
25 6	* * *	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
47 6	* * 7	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.weekly; }
52 6	1 * *	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.monthly; }
#
30 3 * * 0 root test -e /run/systemd/system || SERVICE_MODE=1 /usr/lib/x86_64-linux-gnu/e2fsprogs/e2scrub_all_cron
10 3 * * * root test -e /run/systemd/system || SERVICE_MODE=1 /sbin/e2scrub_all -A -r
30 7-23 * * *   root	[ -x /etc/init.d/anacron ] && if [ ! -d /run/systemd/system ]; then /usr/sbin/invoke-rc.d anacron start >/dev/null; fi
# Look for and purge old sessions every 30 minutes
09,39 *     * * *     root   [ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi
5-55/10 * * * * root command -v debian-sa1 > /dev/null && debian-sa1 1 1
0 */12 * * * root test -x /usr/bin/certbot -a \! -d /run/systemd/system && perl -e 'sleep int(rand(43200))' && certbot -q renew
"""

USER = r"""# m h  dom mon dow   command
MAILTO = ops@example.com
PATH=/usr/local/bin:/usr/bin:/bin
GREETING = "good day"

# nightly dump
# of everything
30 2 * * mon-fri /usr/local/bin/backup.sh --all
#0 4 * * * /usr/local/bin/disabled

*/5 * 13 jan,JUL fri cd /srv && nice -n 10 python3 /srv/app/poll.py "two words" | logger -t poll
MAILTO=""
@daily /usr/local/bin/backup.sh --small
@reboot sleep 10; /usr/local/bin/boot
CRON_TZ=Europe/Berlin
0 9-17/2 * * * TZ=UTC date +\%H
CRON_TZ=America/New_York
RANDOM_DELAY=5
15 3 1,15 * 0,3-5 /usr/bin/true
RANDOM_DELAY=0
0~30 4 * * * /usr/bin/true
59 23 31 12 7 cat%first line%second 100\% line
"""

BROKEN = """61 * * * * /bin/true
* * * *
* * * * 8 /bin/true
5-1 * * * * /bin/true
@sometimes /bin/true
*/0 * * * * /bin/true
a b c d e /bin/true
RANDOM_DELAY=much
MAILTO=it's me
* * * * * /bin/true"""


class Convert(Case):
    def run_script(self, *args):
        return subprocess.run([SCRIPT, *([] if ROOT else ["--no-user"]), *args], env=environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)

    def convert(self, text, *args, name="crontab"):
        """The configuration, and what was told."""
        done = self.run_script(*args, self.write(name, text))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr

    def check(self, config):
        done = self.daemon(config, start=False).run("--check", "--portable")
        self.assertEqual(done.returncode, 0, done.stderr + "\n" + config)
        return done.stderr

    @staticmethod
    def tasks(config):
        """The values of each, by name and key; those of env by itself."""
        found = {}
        for name, text in re.findall(r"(?ms)^\[task ([^]]+)\]\n(.*?)(?=^\[|\Z)", config):
            found[name] = dict(re.findall(r"(?m)^ *([\w-]+) ?= ?(.*)$", text))
        return found

    def assertDueAsInCron(self, config):
        """The next ten times of each, from several instants, are those of another implementation."""
        if croniter is None:
            self.skipTest("no croniter (Debian: python3-croniter)")
        n = 0
        for task in self.tasks(config).values():
            if "cron" not in task:
                continue
            n += 1
            zone = zoneinfo.ZoneInfo(task.get("timezone", "UTC"))
            for start in (datetime.datetime(2026, 1, 5, 12, 34, tzinfo=zone), datetime.datetime(2024, 2, 28, tzinfo=zone)):
                done = subprocess.run([TENDCTL, "calendar", "--json", "--zone", str(zone), "-n", "10",
                                       "--from", f"@{int(start.timestamp())}", task["cron"]],
                                      env=environment(), capture_output=True, text=True, check=False, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                ours = [entry["usec"] // 1000000 for entry in json.loads(done.stdout)["next"]]
                theirs = croniter.croniter(task["cron"], start)
                theirs = [int(theirs.get_next(datetime.datetime).timestamp()) for _ in ours]
                self.assertEqual(len(ours), 10)
                self.assertEqual(ours, theirs, task["cron"])
        return n

    def test_debians_are_converted(self):
        config, told = self.convert(DEBIAN, "--system")
        self.assertEqual(told, "")
        self.check(config)
        tasks = self.tasks(config)
        self.assertEqual(list(tasks), ["cron.hourly", "cron.daily", "cron.weekly", "cron.monthly", "e2scrub_all_cron",
                                       "e2scrub_all", "invoke-rc.d", "sessionclean", "debian-sa1", "certbot",
                                       "mail-root"])
        self.assertEqual(tasks["cron.hourly"]["command"], '/bin/sh -c "cd / && run-parts --report /etc/cron.hourly"')
        self.assertEqual(tasks["sessionclean"]["description"], "Look for and purge old sessions every 30 minutes")
        self.assertEqual(tasks["e2scrub_all"]["PATH"], "/usr/bin:/bin")
        self.assertEqual({task["on-failure"] for name, task in tasks.items() if name != "mail-root"}, {"mail-root"})
        self.assertEqual(self.assertDueAsInCron(config), 10)

    def test_a_users_is_converted(self):
        config, told = self.convert(USER, "--user", "root")
        self.check(config)
        tasks = self.tasks(config)
        self.assertEqual(list(tasks), ["backup", "poll", "backup-2", "boot", "date", "true", "true-2", "cat", "mail-ops"])
        backup = tasks["backup"]
        self.assertEqual(backup["description"], "nightly dump of everything")
        self.assertEqual(backup["command"], "/usr/local/bin/backup.sh --all")
        self.assertEqual((backup["GREETING"], backup["on-failure"]), ("good day", "mail-ops"))
        self.assertEqual("user" in backup, ROOT)
        self.assertNotIn("on-failure", tasks["backup-2"])
        self.assertEqual(tasks["boot"]["on-start"], "yes")
        self.assertEqual(tasks["date"]["timezone"], "Europe/Berlin")
        self.assertEqual(tasks["date"]["command"], '/bin/sh -c "TZ=UTC date +%H"')
        self.assertEqual(tasks["true"]["jitter"], "5min")
        self.assertEqual((tasks["true-2"]["cron"], tasks["true-2"]["jitter"]), ("0 4 * * *", "30min"))
        self.assertNotIn("disabled", config)
        self.assertRegex(told, r"(?m)^.*/crontab:14: @reboot: becomes on-start")
        self.assertRegex(told, r"(?m)^.*/crontab:21: 0~30: becomes the first with jitter")
        self.assertRegex(told, r"(?m)^.*/crontab:22: %: ")
        for line in told.splitlines():
            self.assertIn(f"# {line}\n", config)
        self.assertEqual(self.assertDueAsInCron(config), 7)

    def test_what_cron_refuses_is_left_out(self):
        config, told = self.convert(BROKEN, "--user", "root")
        self.check(config)
        self.assertEqual(list(self.tasks(config)), ["true"])
        for line, text in ((1, "61 * * * *: is no schedule"), (2, "* * * *: is no line of a crontab"),
                           (3, "* * * * 8: is no schedule"), (4, "5-1 * * * *: is no"), (5, "@sometimes: is no"),
                           (6, "*/0 * * * *: is no"), (7, "a b c d e: is no"), (10, "RANDOM_DELAY: is no number"),
                           (10, "MAILTO: \"it's me\" is no address"), (10, "the last line: has no line break")):
            self.assertIn(f"crontab:{line}: {text}", told)

    def test_steps_are_those_of_cron(self):
        config, told = self.convert("*/60 */30 * * * /bin/a\n5/2 * * * * /bin/b\n1-5/99 * * * * /bin/c\n", "--user", "root")
        self.check(config)
        tasks = self.tasks(config)
        self.assertEqual((tasks["a"]["cron"], tasks["c"]["cron"]), ("0 0 * * *", "1 * * * *"))
        self.assertNotIn("b", tasks)
        self.assertRegex(told, r"crontab:1: \*/60 \*/30 \* \* \*: has a step that is longer than its field: 0 0 \* \* \*")
        self.assertIn("crontab:2: 5/2 * * * *: is no schedule", told)

    def test_users_with_dots_have_crontabs(self):
        os.makedirs(self.path("cron", "crontabs"))
        self.write("cron/crontabs/jane.doe", "1 2 * * * /bin/a\n")
        done = self.run_script(self.path("cron", "crontabs"))
        self.assertEqual((done.returncode, list(self.tasks(done.stdout))[0]), (0, "a"), done.stderr)

    def test_what_is_left_behind_is_told(self):
        config, told = self.convert("1 2 * * * nohup /bin/a\n1 2 * * * /bin/b & sleep 1\n"
                                    "1 2 * * * /bin/c >/dev/null 2>&1 && /bin/d &>/dev/null\n", "--user", "root")
        self.check(config)
        self.assertEqual(re.findall(r"crontab:(\d): command: leaves something behind", told), ["1", "2"])

    def test_variables_with_the_names_of_keys(self):
        config, _ = self.convert("url=http://x\n1 2 * * * /bin/a\n", "--user", "root")
        self.check(config)
        self.assertEqual(self.tasks(config)["a"]["command"], '/bin/sh -c "export url=http://x; /bin/a"')

    def test_what_is_read_by_lists_and_comments(self):
        config, _ = self.convert("1 2 * * * cat # all of it%text\n", "--user", "root")
        self.check(config)
        self.assertIn("| /bin/sh -c 'cat # all of it'", config)

    def test_nothing_is_expanded(self):
        config, told = self.convert("A=${env:NONE}\n# what ${env:NONE} is\n1 2 * * * /bin/a\n", "--user", "root")
        self.check(config)
        self.assertEqual(self.tasks(config)["a"]["description"], "what $ {env:NONE} is")
        self.assertIn("crontab:3: A: has ${", told)

    def test_a_directory_is_read_as_cron_does(self):
        os.mkdir(self.path("cron.d"))
        self.write("cron.d/b", "1 2 * * * root /bin/b\n")
        self.write("cron.d/a", "1 2 * * * daemon:daemon /bin/a\n")
        self.write("cron.d/c.dpkg-old", "1 2 * * * root /bin/c\n")
        self.write("cron.d/.placeholder", "")
        done = self.run_script(self.path("cron.d"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check(done.stdout)
        tasks = self.tasks(done.stdout)
        self.assertEqual([name for name in tasks if not name.startswith("mail-")], ["a", "b"])
        if ROOT:
            self.assertEqual(tasks["a"]["user"], "daemon")
        self.assertIn("c.dpkg-old: is left out", done.stderr)

    def test_what_was_converted_runs(self):
        """With its variables and what it reads; a failure is mailed to who is to know it."""
        text = f"""A = "good day"
MAILTO=somebody
0 0 1 1 * echo "$A from $(pwd)" >{self.directory}/out; cat >>{self.directory}/out%first%100\\% second
0 0 1 1 * {self.directory}/fails
HOME={self.directory}
0 0 1 1 * pwd >where
"""
        self.write("fails", "#!/bin/sh\necho it is broken; exit 3\n", mode=0o755)
        mail = self.write("sendmail", f"#!/bin/sh\ncat >{self.directory}/mail.part; mv {self.directory}/mail.part "
                          f"{self.directory}/mail\n", mode=0o755)
        config, _ = self.convert(text, *(("--user", "root") if ROOT else ()))
        daemon = self.daemon(config.replace("/usr/sbin/sendmail", mail))
        self.assertEqual(daemon.ctl("start", "echo", "--wait").returncode, 0)
        out = self.read("out").splitlines()
        self.assertRegex(out[0], "^good day from /")
        self.assertEqual(out[1:], ["first", "100% second"])
        self.assertEqual(daemon.ctl("start", "pwd", "--wait").returncode, 0)
        self.assertEqual(self.read("where").strip(), self.directory)
        self.assertEqual(daemon.ctl("start", "fails", "--wait").returncode, 3)
        mailed = self.until(lambda: self.read("mail"), "the mail")
        self.assertRegex(mailed, r"^To: somebody\nSubject: fails#1 failed: exit\n\n")
        self.assertIn("it is broken", mailed)

    def test_usage(self):
        done = self.run_script(self.path("missing"))
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("missing", done.stderr)
        self.assertEqual(self.run_script("--colour").returncode, 2)


if __name__ == "__main__":
    unittest.main()
