# SPDX-License-Identifier: MIT
"""Zone files that are replaced under the daemon: what is due by them moves with them."""
import json
import os
import struct

from support.box import BoxCase
from support.case import Case


def tzif(rule):
    """A zone that is nothing but the rule in its footer."""
    def block(abbreviation):
        return (b"TZif2" + bytes(15) + struct.pack(">6I", 0, 0, 0, 0, 1, len(abbreviation)) + bytes(6) + abbreviation)

    return block(b"\0") + block(b"-00\0") + f"\n{rule}\n".encode()


class ZoneFiles(Case):
    def setUp(self):
        super().setUp()
        self.zones = self.path("zones")
        os.mkdir(self.zones)

    def put(self, name, data):
        """As package managers do it: whole, by renaming."""
        os.makedirs(os.path.dirname(os.path.join(self.zones, name)), exist_ok=True)
        with open(os.path.join(self.zones, "new"), "wb") as file:
            file.write(data)
        os.rename(os.path.join(self.zones, "new"), os.path.join(self.zones, name))

    def start(self, config):
        daemon = self.daemon(config, env={"TZDIR": self.zones})
        self.until(lambda: not any(task["starting"] for task in daemon.ctl_json("list")["tasks"]), "what is due")
        return daemon

    def hour(self, daemon, task):
        """The hour, UTC, at which @task is due next."""
        return daemon.ctl_json("next", task, "-n", "1")["next"][0]["due_usec"] // 3600000000 % 24

    def due_at(self, daemon, task, hour):
        self.until(lambda: self.hour(daemon, task) == hour, lambda: f"{task} to be due at {hour}, not "
                   f"{self.hour(daemon, task)}")

    def test_calendars_follow_a_file_that_is_replaced(self):
        self.put("Here", tzif("AAA-3"))
        self.put("Area/There", tzif("BBB-3"))
        daemon = self.start("[defaults]\ncommand = /bin/true\n" + ("user = root\n" if os.geteuid() == 0 else "") +
                            "[task one]\ncalendar = 12:00\ntimezone = Here\n"
                            "[task two]\ncalendar = 12:00 Here\n"
                            "[task cron]\ncron = 0 12 * * *\ntimezone = Here\n"
                            "[task other]\ncalendar = 12:00\ntimezone = Area/There\n")
        for task in ("one", "two", "cron", "other"):
            self.assertEqual(self.hour(daemon, task), 9)
        self.put("Here", tzif("AAA-5"))
        for task in ("one", "two", "cron"):
            self.due_at(daemon, task, 7)
        self.assertEqual(self.hour(daemon, "other"), 9)
        daemon.log.wait("the time zone Here has changed")
        self.assertEqual(daemon.log.count("Area/There has changed"), 0)
        # And again: what is watched is still watched.
        self.put("Here", tzif("AAA-6"))
        self.due_at(daemon, "one", 6)
        self.put("Area/There", tzif("BBB-1"))
        self.due_at(daemon, "other", 11)

    def test_a_link_to_another_zone_is_followed(self):
        self.put("Real", tzif("AAA-3"))
        self.put("Other", tzif("AAA-4"))
        os.symlink("Real", os.path.join(self.zones, "Link"))
        daemon = self.start("[task t]\ncalendar = 12:00\ntimezone = Link\ncommand = /bin/true\n")
        self.assertEqual(self.hour(daemon, "t"), 9)
        self.put("Real", tzif("AAA-5"))
        self.due_at(daemon, "t", 7)
        os.symlink("Other", os.path.join(self.zones, "new-link"))
        os.rename(os.path.join(self.zones, "new-link"), os.path.join(self.zones, "Link"))
        self.due_at(daemon, "t", 8)
        self.put("Other", tzif("AAA-1"))
        self.due_at(daemon, "t", 11)

    def test_a_file_that_cannot_be_read_changes_nothing(self):
        self.put("Here", tzif("AAA-3"))
        daemon = self.start("[task t]\ncalendar = 12:00\ntimezone = Here\ncommand = /bin/true\n")
        self.put("Here", b"TZif2 and nothing else")
        daemon.log.wait("time zone Here has changed and cannot be read")
        self.assertEqual(self.hour(daemon, "t"), 9)
        os.unlink(os.path.join(self.zones, "Here"))
        daemon.log.wait("time zone Here has changed and cannot be read: No such file")
        self.assertEqual(self.hour(daemon, "t"), 9)
        self.put("Here", tzif("AAA-5"))
        self.due_at(daemon, "t", 7)


class LocalZone(BoxCase):
    def test_the_machine_moves(self):
        box = self.box("[task t]\ncalendar = 12:00\ncommand = /bin/true\n")
        box.ask("ln", "-sfn", "/usr/share/zoneinfo/Asia/Tokyo", "/etc/localtime")
        box.ask("systemctl", "start", "tendd", timeout=60)

        def zone():
            return json.loads(box.run("tendctl", "next", "t", "-n", "1", "--json").stdout)["next"][0]["zone"]

        def moved_to(name):
            self.until(lambda: zone() == name, lambda: f"the zone {name}, not {zone()}", 20)

        moved_to("Asia/Tokyo")
        # In two steps, as ln does it: for a moment there is none.
        box.ask("ln", "-sfn", "/usr/share/zoneinfo/Asia/Kolkata", "/etc/localtime")
        moved_to("Asia/Kolkata")
        box.ask("rm", "/etc/localtime")
        moved_to("UTC")
        box.ask("ln", "-s", "../usr/share/zoneinfo/Europe/Berlin", "/etc/localtime")
        moved_to("Europe/Berlin")
