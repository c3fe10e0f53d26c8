# SPDX-License-Identifier: MIT
"""Roles, held by real users: who may call what, over a socket that they reach or not."""
import grp
import json
import os
import pwd
import re
import shutil
import stat
import subprocess

from support.case import Case
from support.daemon import TENDCTL
from support.idl import Description
from test_interface import DAEMON

VIEWER, OPERATOR, ADMIN, STRANGER = 64001, 64002, 64003, 64004
VIEWERS, OPERATORS = 64101, 64102

TASKS = """
[task t]
manual = yes
command = /bin/true
[task hourly]
every = 1h
command = /bin/true
[task web]
restart = always
command = sleep 60
"""

ACCESS = f"""
[access]
view = user:{VIEWER} group:{VIEWERS}
operate = user:{OPERATOR} group:{OPERATORS}
admin = user:{ADMIN}
"""

RANKS = ["none", "view", "operate", "admin"]

# What methods need, and a call of them that does no harm to the daemon.
CALLS = {
    "Status": ("view", {}), "List": ("view", {}), "Show": ("view", {"task": "t"}), "Tree": ("view", {}),
    "Why": ("view", {"name": "t"}), "Wait": ("view", {"runs": ["t"]}), "Diff": ("view", {}), "Next": ("view", {}),
    "History": ("view", {}), "Output": ("view", {}), "Limits": ("view", {}), "Pools": ("view", {}),
    "Events": ("view", {}),
    "Start": ("operate", {"tasks": ["t"]}), "Stop": ("operate", {"runs": ["t"]}),
    "RunCommand": ("operate", {"command": ["true"], "detach": True}),
    "Restart": ("operate", {"runs": ["web"]}), "Signal": ("operate", {"runs": ["web"], "signal": "CONT"}),
    "Extend": ("operate", {"runs": ["web"], "by_usec": 1}), "Pause": ("operate", {"tasks": ["hourly"]}),
    "Resume": ("operate", {"tasks": ["hourly"]}),
    "Reload": ("admin", {}),
}


def methods():
    """The role that each method needs, and parameters: those without a row above get some that are refused, which is as good."""
    table = re.findall(r'^ +{ "(\w+)", VARLINK_ROLE_(\w+),', (DAEMON / "control/methods.c").read_text(), re.M)
    return {name: CALLS.get(name, (role.lower(), {"no such parameter": 1})) for name, role in table}


class As:
    """A user, by its numbers; what is done in its context is done as it."""

    def __init__(self, uid, gid=None, groups=()):
        self.uid, self.gid, self.groups = uid, uid if gid is None else gid, list(groups)

    def __enter__(self):
        self._groups = os.getgroups()
        os.setgroups(self.groups)
        os.setegid(self.gid)
        os.seteuid(self.uid)

    def __exit__(self, *_):
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(self._groups)

    def connect(self, daemon):
        with self:
            return daemon.connect()


class Roles(Case):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be several users")
        super().setUp()
        os.chmod(self.directory, 0o755)

    def mode(self, daemon):
        return stat.S_IMODE(os.stat(daemon.socket_path).st_mode)

    def reload_with(self, daemon, text):
        daemon.write_config(text)
        self.assertEqual(daemon.ctl("reload").returncode, 0)

    def role(self, connection):
        """That of the client at @connection, found out by calls that change nothing."""
        for method, parameters, role in (("Restart", {"runs": ["t"]}, "operate"), ("Limits", {}, "view")):
            answer = connection.call(f"io.tendd.Runner.{method}", parameters)
            if answer.get("error") != "io.tendd.Runner.RoleNeeded":
                return role
            self.assertLess(RANKS.index(answer["parameters"]["has"]), RANKS.index(role))
        return "none"

    def test_each_method_needs_its_role(self):
        daemon = self.daemon(TASKS + ACCESS)
        idl = Description((DAEMON / "control/io.tendd.Runner.varlink").read_text())
        self.assertEqual(set(methods()), set(idl.methods))
        for user, role in ((As(STRANGER), "none"), (As(VIEWER), "view"), (As(STRANGER, VIEWERS), "view"),
                           (As(STRANGER, groups=[5, VIEWERS]), "view"), (As(OPERATOR), "operate"),
                           (As(VIEWER, groups=[OPERATORS]), "operate"), (As(ADMIN), "admin"), (As(0), "admin")):
            connection = user.connect(daemon)
            self.assertIn("parameters", connection.call("org.varlink.service.GetInfo"))
            for method, (needs, parameters) in methods().items():
                answer = connection.call(f"io.tendd.Runner.{method}", parameters)
                denied = answer.get("error") == "io.tendd.Runner.RoleNeeded"
                self.assertEqual(denied, RANKS.index(role) < RANKS.index(needs), (vars(user), method, answer))
                if denied:
                    self.assertEqual(answer["parameters"],
                                     {"method": f"io.tendd.Runner.{method}", "needs": needs, "has": role})
            connection.close()
        daemon.log.wait(f"uid {STRANGER}, pid \\d+ denied: Status needs the role view, and it has none")
        # The ten seconds' worth of such lines is used up; the rest is counted, and did nothing.
        commands = [event["text"] for event in daemon.connect().call("io.tendd.Runner.Events")["parameters"]["events"]
                    if event["event"] == "command"]
        self.assertTrue(commands)
        who = {int(uid) for text in commands for uid in re.findall(r"by uid (\d+), pid \d+: ", text)}
        self.assertEqual(who, {0, OPERATOR, VIEWER, ADMIN})
        self.assertEqual({text.split()[0] for text in commands if f"uid {OPERATOR}," in text},
                         {method for method, (needs, _) in CALLS.items() if needs == "operate"})

    def test_names_are_those_of_this_machine(self):
        user, group = pwd.getpwnam("games"), grp.getgrnam("operator")
        daemon = self.daemon(TASKS + "[access]\nview = group:operator\noperate = user:games user:no-such-user.x\n")
        self.assertEqual(self.role(As(user.pw_uid, user.pw_gid).connect(daemon)), "operate")
        self.assertEqual(self.role(As(STRANGER, groups=[group.gr_gid]).connect(daemon)), "view")
        check = daemon.run("--check")
        self.assertIn("operate: warning: there is no user no-such-user.x here", check.stdout + check.stderr)
        self.assertNotIn("no-such-user", daemon.run("--check", "--portable").stdout)

    def test_the_socket_is_as_open_as_roles_need_it(self):
        daemon = self.daemon(TASKS, start=False)
        before = os.umask(0o077)
        daemon.start()
        os.umask(before)
        self.assertEqual(self.mode(daemon), 0o660)
        self.assertRaises(PermissionError, As(VIEWER).connect, daemon)

        daemon.write_config(TASKS + ACCESS)
        self.assertRegex(daemon.ctl("diff").stdout, f"admin.*user:{ADMIN}")
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.until(lambda: self.mode(daemon) == 0o666, "the socket to be open to others")
        viewer, stranger = As(VIEWER).connect(daemon), As(STRANGER).connect(daemon)
        self.assertEqual(self.role(viewer), "view")
        self.assertEqual(self.role(stranger), "none")

        # An open connection has its new role in its next call, and what it follows ends when that is not enough any more.
        follower = As(VIEWER).connect(daemon)
        self.assertIn("events", follower.call("io.tendd.Runner.Events", {"tasks": ["t"]}, more=True)["parameters"])
        self.reload_with(daemon, TASKS + f"[access]\noperate = user:{VIEWER}\nview = group:{STRANGER}\n")
        self.assertEqual(self.role(viewer), "operate")
        self.assertEqual(self.role(stranger), "view")
        self.reload_with(daemon, TASKS)
        self.assertEqual(self.role(viewer), "none")
        self.until(lambda: self.mode(daemon) == 0o660, "the socket to be closed to others")
        self.assertRaises(PermissionError, As(VIEWER).connect, daemon)
        self.assertEqual(follower.receive()["parameters"],
                         {"method": "io.tendd.Runner.Events", "needs": "view", "has": "none"})

    def test_who_cannot_get_there_is_told_in_the_log(self):
        os.chmod(self.directory, 0o700)
        daemon = self.daemon(TASKS + ACCESS)
        daemon.log.wait(f"only its owner and its group may pass {self.directory}: others")

    def test_a_user_of_his_own_daemon_is_its_admin(self):
        daemon = self.daemon(TASKS.replace("restart = always\n", "manual = yes\n"), start=False)
        os.chown(daemon.directory, STRANGER, STRANGER)
        text = open(daemon.config_path, encoding="utf-8").read().replace("[defaults]\nuser = root\n", "")
        with open(daemon.config_path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(daemon.config_path, STRANGER, STRANGER)
        daemon.start(user=STRANGER)
        self.assertIn("parameters", As(STRANGER).connect(daemon).call("io.tendd.Runner.Reload"))
        self.assertRaises(PermissionError, As(VIEWER).connect, daemon)

    def test_tendctl_says_what_is_missing_and_exits_with_4(self):
        daemon = self.daemon(TASKS + ACCESS)
        program = shutil.copy(TENDCTL, self.path("tendctl"))  # where it was built others may not look

        def ctl(uid, *args):
            return subprocess.run([program, "--socket", daemon.socket_path, *args], env=daemon.env, capture_output=True,
                                  text=True, user=uid, group=uid, extra_groups=[], check=False)

        self.assertEqual(ctl(VIEWER, "status").returncode, 0)
        self.assertEqual(ctl(OPERATOR, "start", "t").returncode, 0)
        done = ctl(VIEWER, "start", "t")
        self.assertEqual(done.returncode, 4)
        self.assertIn("denied: Start needs the role operate, and you have view; who has which is set in the section "
                      "[access]", done.stderr)
        self.assertEqual(ctl(STRANGER, "list").returncode, 4)
        os.chmod(daemon.socket_path, 0o600)
        done = ctl(VIEWER, "status")
        self.assertEqual(done.returncode, 4)
        self.assertIn("[access]", done.stderr)

    def test_what_is_changed_without_an_answer_is_logged_and_done(self):
        daemon = self.daemon(TASKS + ACCESS)
        # Each on a connection of its own, which is closed at once, as nothing is waited for.
        for method, (needs, parameters) in CALLS.items():
            if needs != "view":
                connection = As(ADMIN).connect(daemon)
                connection.send(f"io.tendd.Runner.{method}", parameters, oneway=True)
                connection.close()
                daemon.log.wait(f"{method} by uid {ADMIN}, pid {os.getpid()}: "
                                + re.escape(json.dumps(parameters, separators=(",", ":"))))
        # And is done, though some of it cannot be at once: who starts a run is looked up first.
        for done in ("t#1 ", "run#1 ", "hourly paused by", "hourly resumed by", "configuration reloaded"):
            daemon.log.wait(done)
