# SPDX-License-Identifier: MIT
"""tendctl timeline: the runs of a real daemon as a chart on the terminal and as a picture, which is rendered."""
import os
import re
import shutil
import struct
import subprocess
import time
import xml.etree.ElementTree as ElementTree
import zlib

from support.case import Case

WORK = """
[defaults]
user = root
[group pair]
members = first second
manual = yes
[task first]
command = /bin/true
[task second]
after = first
command = /bin/true
[task fails]
manual = yes
shell = exit 3
[task works]
manual = yes
shell = sleep 1000
overlap = allow:2
[task often]
every = 200ms
command = /bin/true
"""

RED, BLUE, WHITE = (0xd1, 0x24, 0x2f), (0x54, 0xae, 0xff), (0xff, 0xff, 0xff)


def read_png(path):
    """The rows of an image of eight bits a channel, each a list of its pixels' channels."""
    with open(path, "rb") as file:
        data = file.read()
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
        elif kind == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += 12 + length
    assert depth == 8 and colour in (2, 6), (depth, colour)
    size = 3 if colour == 2 else 4
    raw, above, rows = zlib.decompress(packed), bytes(width * size), []
    for y in range(height):
        begin = y * (width * size + 1)
        line = bytearray(raw[begin + 1:begin + 1 + width * size])
        unfilter(raw[begin], line, above, size)
        rows.append([tuple(line[i:i + 3]) for i in range(0, len(line), size)])
        above = line
    return rows


def unfilter(kind, line, above, size):
    for i, value in enumerate(line):
        left, up = line[i - size] if i >= size else 0, above[i]
        corner = above[i - size] if i >= size else 0
        estimate = left + up - corner
        nearest = min((abs(estimate - left), 0, left), (abs(estimate - up), 1, up), (abs(estimate - corner), 2, corner))[2]
        line[i] = (value + (0, left, up, (left + up) // 2, nearest)[kind]) & 0xff


class Timeline(Case):
    def run_some(self):
        daemon = self.daemon(WORK)
        daemon.ctl("pause", "often")
        for task in ("pair", "fails"):
            daemon.ctl("start", task, "--wait")
        daemon.ctl("start", "works")
        daemon.ctl("start", "works")
        self.until(lambda: len(daemon.ctl_json("tree", "works")["runs"]) == 2, "two runs")
        self.until(lambda: any("missed" in past for past in daemon.ctl_json("history", "often")["history"]), "what was not run")
        return daemon

    def test_chart_data_and_usage(self):
        daemon = self.run_some()
        text = daemon.ctl("timeline", "--since", "1min").stdout
        self.assertRegex(text, r"(?m)^pair +█+$")
        self.assertRegex(text, r"(?m)^  first +█+$")
        self.assertRegex(text, r"(?m)^fails +F$")
        self.assertRegex(text, r"(?m)^works +▶+\n +▶+$")  # both are seen
        self.assertRegex(text, r"(?m)^often +!+")
        self.assertRegex(text, r"F failed  ! not run  ▶ running  █ ok  one column: \d+ms")
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()), text)

        rows = {row["row"]: row for row in daemon.ctl_json("timeline", "pair", "fails")["rows"]}
        self.assertEqual(set(rows), {"pair", "pair/first", "pair/second", "fails"})
        self.assertEqual(rows["pair/second"]["depth"], 1)
        bar = rows["fails"]["bars"][0]
        self.assertEqual((bar["run"], bar["what"]), ("fails#1", "failed"))
        self.assertIn("exit status 3", bar["text"])
        self.assertEqual(daemon.ctl("timeline", "--until", "1h").stdout, "nothing ran\n")

        for args, code in ((["nothing"], 5), (["works#1"], 2), (["--since", "never"], 2), (["--svg="], 2),
                           (["--since", "1h", "--until", "2h"], 2), (["--json", "--svg", "x"], 2)):
            self.assertEqual(daemon.ctl("timeline", *args).returncode, code, args)

        begin = int(time.time()) + 1
        self.until(lambda: time.time() >= begin, "runs that were begun before the chart")
        daemon.ctl("stop", "works")
        self.until(lambda: not daemon.ctl_json("tree", "works")["runs"], "their ends")
        begin, end = (time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) for at in (begin, begin + 60))
        text = daemon.ctl("timeline", "works", "--since", begin, "--until", end).stdout
        self.assertRegex(text, r"(?m)^works +C+\n +C+$")

        daemon.write_config(WORK.replace("[task fails]", "[task other]"))
        daemon.ctl("reload")
        self.assertRegex(daemon.ctl("timeline", "fails").stdout, r"(?m)^fails +F$")  # it is no more, and was

    def test_picture(self):
        if not shutil.which("rsvg-convert"):
            self.skipTest("no rsvg-convert (Debian: librsvg2-bin)")
        daemon = self.run_some()
        svg, png = self.write("a.svg", "what was there"), self.path("a.png")
        done = daemon.ctl("timeline", "--since", "10s", "--svg", svg)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual([name for name in os.listdir(self.directory) if "a.svg" in name], ["a.svg"])
        subprocess.run(["rsvg-convert", svg, "-o", png], check=True, timeout=60)
        pixels = read_png(png)
        name = "{http://www.w3.org/2000/svg}"
        found = set()
        for group in ElementTree.parse(svg).getroot().iter(f"{name}g"):
            rect, title = group.find(f"{name}rect"), group.find(f"{name}title").text
            if rect is None or not re.match(r"works#\d running|fails#1 failed", title):
                continue
            x, y = float(rect.get("x")) + float(rect.get("width")) / 2, float(rect.get("y")) + 2
            wanted = RED if title.startswith("fails") else BLUE
            around = [pixels[int(y)][int(x) + i] for i in (-1, 0, 1)]
            self.assertIn(wanted, [wanted if all(abs(a - b) < 90 for a, b in zip(pixel, wanted)) else pixel for pixel in around])
            found.add(title.split()[0])
        self.assertEqual(found, {"works#1", "works#2", "fails#1"})
        self.assertEqual(pixels[3][3], WHITE)

        self.assertTrue(daemon.ctl("timeline", "--svg", "-").stdout.startswith("<?xml"))
        link, pipe = self.path("link.svg"), self.path("pipe")
        os.symlink(svg, link)
        self.write("a.svg", "what was there")
        os.mkfifo(pipe)
        self.assertEqual(daemon.ctl("timeline", "--svg", link).returncode, 0)
        self.assertTrue(os.path.islink(link))
        self.assertTrue(self.read("a.svg").startswith("<?xml"))
        end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # what is no file is written to, not replaced
        self.addCleanup(os.close, end)
        self.assertEqual(daemon.ctl("timeline", "--since", "1s", "--svg", pipe).returncode, 0)
        self.assertTrue(os.read(end, 100).startswith(b"<?xml"))
        self.assertEqual(daemon.ctl("timeline", "--svg", self.directory).returncode, 1)
        done = daemon.ctl("timeline", "--svg", self.path("none", "a.svg"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("No such file", done.stderr)
