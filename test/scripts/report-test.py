#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes a report of a small campaign and opens it in Chromium: what must be there is there, nothing
is fetched, nothing is written to the console, and it can be used on a phone and with keys only.

usage: report-test.py FLOWCHAIN    exit code 77: skipped, as something is missing
"""

import csv
import html
import html.parser
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from campaign_database import CampaignDatabase

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = 77
FLOWCHAIN = None
# A service node and a manager die, so that schemes differ in what they lose.
SCENARIO = """
[sim]
stop = "500ms"
[group]
managers = 3
[[service]]
name = "nat"
nodes = 3
[[accelerator]]
[[workload]]
kind = "sessions"
sessions = 100
arrivals = "poisson"
rate = 400.0
packets = 10
gap = "10ms"
[[failure]]
kind = "crash"
node = "service[1]"
at = "200ms"
[sweep]
replications = 3
[sweep.cross]
chain.length = [1, 2, 3]
chain.release = ["immediate", "all"]
chain.scheme = ["chain", "none"]
"""


def missing():
    """What a test cannot do without, or None."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        return "no Chromium: apt-get install chromium chromium-driver"
    try:
        import selenium  # noqa: F401 pylint: disable=import-outside-toplevel,unused-import
    except ImportError:
        return "no Selenium: apt-get install python3-selenium"
    if not (ROOT / "analysis/node_modules/vega").is_dir():
        return "no analysis/node_modules: npm ci --ignore-scripts --prefix analysis"
    return None


def made_up(path):
    """A campaign with all that a run can record, one run of which has failed."""
    made = CampaignDatabase(path, axes=("topology.host_delay", "chain.release", "chain.scheme",
                                        "group.managers", "topology.spines"))
    parts = ("accelerator", "manager", "service", "release")
    for delay in (1, 10):
        for rule in ("all", "</script><b>x"):
            for place in range(8):
                scheme, managers, spines = place & 1, place >> 1 & 1, place >> 2
                point = made.point((f"{delay}us", delay * 1000.0), (rule, None),
                                   (("chain", "mesh")[scheme], None), 3 + 2 * managers, 1 + spines)
                for replication in range(2):
                    whole = (20 + delay + 3 * place + replication) * 1000.0
                    scalars = [("latency.first_packet.mean", "ns", whole)]
                    scalars += [(f"latency.{part}.mean", "ns", whole / 5) for part in parts]
                    scalars += [(f"latency.{part}.count", "sessions", 9)
                                for part in ("first_packet", *parts)]
                    bins = [(whole, whole * 1.004, 30), (whole * 2, whole * 2.008, 10)]
                    series = [("goodput", "bit/s", [(t * 10**7, 1e9 + t) for t in range(60)])]
                    events = [(200_000_000, "crash", "service[1]", ""),
                              (230_000_000, "view", "", "epoch 2")]
                    failed = place == 7 and replication == 1
                    made.run(point, replication, scalars if not failed else (),
                             [("latency.first_packet", bins)], series, events,
                             status="failed" if failed else "done",
                             violations=["durability: <lost>"] if place == 6 else ())
    made.close()


class Elements(html.parser.HTMLParser):
    """Counts scripts, and notes what elements want from outside of the file."""

    def __init__(self):
        super().__init__()
        self.scripts = 0
        self.outside = []

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        self.outside += [f"{tag} {name}={value}" for name, value in attrs
                         if name in ("src", "href", "action", "data", "srcset")
                         and not value.startswith(("#", "data:"))]


class Browser:
    """Chromium with a window of a size, in light or dark."""

    def __init__(self, width, dark):
        from selenium import webdriver  # pylint: disable=import-outside-toplevel
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu",
                         "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")),
                                       options=options)
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def open(self, path):
        """Load a page and wait until its figures are drawn."""
        self.driver.get(path.as_uri())
        deadline = time.monotonic() + 60
        while not self.run("return document.documentElement.dataset.drawn"):
            if time.monotonic() > deadline:
                raise AssertionError(f"not drawn; console: {self.console()}")
            time.sleep(0.1)

    def run(self, script, *arguments):
        """Run JavaScript."""
        return self.driver.execute_script(script, *arguments)

    def console(self):
        """What was written to the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Addresses that were asked for, but for files, data and the page's own objects."""
        found = []
        for entry in self.driver.get_log("performance"):
            match = re.search(r'"Network\.(requestWillBeSent|webSocketCreated)".*?"url":"([^"]*)"',
                              entry["message"])
            if match and not match.group(2).startswith(("file:", "data:", "blob:")):
                found.append(match.group(2))
        return found

    def wait_for(self, script, *arguments):
        """Wait until the script returns something true."""
        deadline = time.monotonic() + 20
        while not self.run(script, *arguments):
            if time.monotonic() > deadline:
                raise AssertionError(f"did not come true: {script}")
            time.sleep(0.1)

    def close(self):
        self.driver.quit()


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        (cls.folder / "small.toml").write_text(SCENARIO, encoding="utf-8")
        cls.flowchain("sweep", "small.toml", "-d", "small.db", "--quiet")
        cls.flowchain("report", "small.db")
        made_up(cls.folder / "made-up.db")
        cls.flowchain("report", "made-up.db", "-o", "folder/made-up.html")
        cls.small = cls.folder / "small.html"
        cls.made_up = cls.folder / "folder" / "made-up.html"

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def flowchain(cls, *arguments):
        done = subprocess.run([FLOWCHAIN, *arguments], cwd=cls.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"flowchain {arguments[0]}: {done.stdout}")
        return done.stdout

    def browser(self, width=1280, dark=False):
        browser = Browser(width, dark)
        self.addCleanup(browser.close)
        return browser

    def test_the_file_needs_nothing_else(self):
        text = self.small.read_text(encoding="utf-8")
        elements = Elements()
        elements.feed(text)
        self.assertEqual(elements.outside, [])
        self.assertEqual(elements.scripts, 5)  # data, three libraries, the page's own
        self.assertTrue("default-src 'none'" in text, "no policy")
        self.assertTrue("University of Washington Interactive Data Lab" in text, "no licence")
        self.assertLess(len(text), 6_000_000)

    def check_page(self, path, width, dark):
        browser = self.browser(width, dark)
        browser.open(path)
        with self.subTest(path=path.name, width=width, dark=dark):
            self.assertEqual(browser.console(), [])
            self.assertEqual(browser.requests(), [])
            theme = browser.run("return document.documentElement.dataset.theme")
            self.assertEqual(theme, "dark" if dark else "light")
            overflow = browser.run("return document.documentElement.scrollWidth - innerWidth")
            self.assertLessEqual(overflow, 0, "the page is wider than the window")
            empty = browser.run("""return [...document.querySelectorAll(".plot")].filter(
                (p) => p.querySelectorAll("svg path").length < 3).map((p) => p.dataset.spec)""")
            self.assertEqual(empty, [])
            wide = browser.run("""return [...document.querySelectorAll(".plot")].filter(
                (p) => p.querySelector("svg").getBoundingClientRect().right >
                    p.closest("figure").getBoundingClientRect().right + 1).map(
                (p) => p.dataset.spec)""")
            self.assertEqual(wide, [])
            untitled = browser.run("""return [...document.querySelectorAll(
                ".plot[data-kind=sweep], .plot[data-kind=distribution]")].filter((p) =>
                p.querySelectorAll(".role-axis-title").length < 2).map((p) => p.dataset.spec)""")
            self.assertEqual(untitled, [])
            self.assertEqual(self.contrast(browser), [])
        return browser

    @staticmethod
    def contrast(browser):
        """Texts whose contrast to the ground is below 4.5 (WCAG 2.1, 1.4.3)."""
        return browser.run("""
            const rgb = (c) => c.match(/[\\d.]+/g).map(Number);
            const lum = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255;
                return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
            const ground = (e) => { for (; e; e = e.parentElement) {
                const c = rgb(getComputedStyle(e).backgroundColor);
                if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
            const bad = [];
            for (const e of document.querySelectorAll("p, h1, h2, h3, a, button, th, td, dt, dd, " +
                    "figcaption, label, summary, code, select, .plot text")) {
                const style = getComputedStyle(e);
                if (!e.textContent.trim() || e.tagName === "A" && e.className === "skip") continue;
                const a = lum(rgb(e.namespaceURI.endsWith("svg") ? style.fill : style.color));
                const b = lum(ground(e));
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio < 4.5) bad.push(`${e.tagName} ${e.textContent.slice(0, 30)} ${ratio}`);
            }
            return bad.slice(0, 5);""")

    def test_phone_and_desk_light_and_dark(self):
        for path in (self.small, self.made_up):
            self.check_page(path, 1280, False)
            self.check_page(path, 360, True)
        self.check_page(self.small, 1280, True)
        self.check_page(self.made_up, 360, False)

    def test_sections_of_a_real_campaign(self):
        browser = self.browser()
        browser.open(self.small)
        sections = browser.run(
            "return [...document.querySelectorAll('main section')].map((s) => s.id)")
        for name in ("costs", "benefits", "differences", "distributions", "topology", "points",
                     "provenance"):
            self.assertIn(name, sections)
        text = browser.run("return document.querySelector('main').innerText")
        for words in ("What one more manager costs", "What it buys", "12 points, 36 runs",
                      "36 are done, 0 failed", "No run violated an invariant",
                      "flowchain sweep small.toml", "ns-3 3.37", "1 to 3"):
            self.assertIn(words, text)
        figures = browser.run("return [...document.querySelectorAll('figure')].map(f => f.id)")
        for name in ("latency-first_packet-mean", "sync-bytes_per_session", "sessions-lost"):
            self.assertIn(f"figure-{name}", figures)
        # Each of 2 panels has a line and a band for each of 2 release rules.
        marks = browser.run("""return [...document.querySelectorAll(
            "#figure-latency-first_packet-mean .plot")].map((p) => [
            p.querySelectorAll(".mark-line path").length,
            p.querySelectorAll(".mark-area path").length])""")
        self.assertEqual(marks, [[2, 2], [2, 2]])
        rows = browser.run("return document.querySelectorAll('#points tbody tr').length")
        self.assertEqual(rows, 12)
        roles = browser.run("""return [...document.querySelectorAll(".topology .role")].map(
            (t) => t.textContent)""")
        self.assertIn("intermediate", roles)
        numbers = browser.run("""return [...document.querySelectorAll(".topology .step text")].map(
            (t) => t.textContent)""")
        self.assertEqual(sorted(set(numbers)), ["1", "2", "3", "4", "5", "6", "7"])

    def test_points_are_drawn_where_their_means_are(self):
        browser = self.browser()
        browser.open(self.small)
        marks = browser.run("""return [...document.querySelectorAll(
            "#figure-latency-first_packet-mean .mark-symbol path")].map((m) => [
            m.getAttribute("transform"), m.getAttribute("aria-label")])""")
        rows = csv.DictReader(self.flowchain(
            "query", "small.db", "--metric", "latency.first_packet.mean", "--format",
            "csv").splitlines())
        means = {" ".join(f"{key}={row[key]}" for key in
                          ("chain.length", "chain.release", "chain.scheme")): float(row["mean"])
                 for row in rows}
        drawn = [(means[re.search("point: ([^;]*);", label).group(1)],
                  float(re.search(r"translate\([^,]*,([^)]*)\)", place).group(1)))
                 for place, label in marks]
        self.assertEqual(len(drawn), 12)
        low, high = min(drawn), max(drawn)
        self.assertLess(high[1], low[1] - 20)  # greater is higher
        slope = (high[1] - low[1]) / (high[0] - low[0])
        for mean, y in drawn:
            self.assertAlmostEqual(y, low[1] + slope * (mean - low[0]), delta=0.05)

    def test_commands_of_the_figures_yield_their_numbers(self):
        text = html.unescape(self.small.read_text(encoding="utf-8"))
        commands = re.findall(r"^flowchain (query small\.db .*?)(?:</code>|$)", text, re.M)
        self.assertGreater(len(commands), 10)
        for command in commands:
            self.assertNotEqual(self.flowchain(*shlex.split(command), "--format", "csv"), "")
        # The program's own statistics.
        mean = "latency.first_packet.mean"
        printed = self.flowchain("query", "small.db", "--metric", mean, "--format", "csv")
        sys.path.insert(0, str(ROOT / "analysis"))
        import flowchain_analysis  # pylint: disable=import-outside-toplevel

        with flowchain_analysis.Campaign(self.folder / "small.db") as campaign:
            summary = campaign.summary(mean)
        rows = list(csv.DictReader(printed.splitlines()))
        self.assertEqual(len(rows), len(summary))
        for row, own in zip(rows, summary.to_dict("records")):
            self.assertEqual((int(row["chain.length"]), row["chain.release"], row["chain.scheme"]),
                             (own["chain.length"], own["chain.release"], own["chain.scheme"]))
            self.assertAlmostEqual(float(row["mean"]), own["mean"], 3)
            self.assertAlmostEqual(float(row["half_width_95"]), own["high"] - own["mean"], 3)

    def test_the_page_says_the_numbers_of_the_database(self):
        printed = subprocess.run(
            ["/usr/bin/python3", "-m", "flowchain_analysis", "data", self.folder / "small.db",
             "latency.first_packet.mean"], cwd=ROOT / "analysis", stdout=subprocess.PIPE, text=True,
            check=True).stdout.splitlines()
        browser = self.browser()
        browser.open(self.small)
        shown = browser.run("""return [...document.querySelectorAll(
            "#figure-latency-first_packet-mean tbody tr")].map((r) => [...r.cells].map(
            (c) => c.dataset.value ?? c.textContent))""")
        self.assertEqual(len(shown), len(printed) - 1)
        for row, line in zip(shown, printed[1:]):
            for cell, value in zip(row, line.split(",")):
                if value.replace(".", "", 1).isdigit():
                    self.assertAlmostEqual(float(cell), float(value))
                else:
                    self.assertEqual(cell, value)

    def test_failures_and_violations_are_loud_and_text_stays_text(self):
        browser = self.browser()
        browser.open(self.made_up)
        summary = browser.run("return document.getElementById('summary').innerText")
        self.assertIn("4 failed", summary)
        self.assertIn("8 runs VIOLATED AN INVARIANT", summary)
        self.assertEqual(browser.run("return document.querySelectorAll('.bad').length"), 1)
        text = browser.run("return document.getElementById('points').innerText")
        self.assertIn("it crashed", text)
        self.assertIn("durability: <lost>", text)
        self.assertIn("</script><b>x", text)
        self.assertEqual(browser.run("return document.querySelectorAll('main b').length"), 0)

    def test_readers_choose(self):
        browser = self.browser()
        browser.open(self.made_up)
        first = "return document.querySelector('#costs .plot svg').outerHTML"
        before = browser.run(first)
        browser.run("""const s = document.querySelector("[data-choice]"); s.selectedIndex = 1;
                       s.dispatchEvent(new Event("change", {bubbles: true}));""")
        browser.wait_for(f"{first} !== arguments[0]", before)
        curves = "return document.querySelector('.plot[data-spec=cdf]').querySelectorAll(" \
                 "'.mark-line path').length"
        self.assertEqual(browser.run(curves), 6)
        browser.run("document.querySelector('#distribution-controls input:not(:checked)').click()")
        browser.wait_for(f"{curves} === 7")
        events = "return document.querySelectorAll('#timeline-events tr').length"
        self.assertEqual(browser.run(events), 2)
        ground = "return getComputedStyle(document.body).backgroundColor"
        light = browser.run(ground)
        browser.run("document.getElementById('theme').click()")
        browser.wait_for(f"{ground} !== arguments[0]", light)
        self.assertEqual(browser.console(), [])

    def test_keys_reach_every_control(self):
        from selenium.webdriver.common.keys import Keys  # pylint: disable=import-outside-toplevel

        browser = self.browser()
        browser.open(self.made_up)
        wanted = browser.run("""let n = 0; const all = document.querySelectorAll(
            "button, select, input, summary, nav a"); for (const e of all) e.dataset.n = n++;
            return all.length""")
        reached, outlined = set(), 0
        body = browser.driver.find_element("tag name", "body")
        body.send_keys(Keys.TAB)
        self.assertEqual(browser.run("return document.activeElement.className"), "skip")
        for _ in range(wanted + 120):
            browser.driver.switch_to.active_element.send_keys(Keys.TAB)
            number, outline = browser.run("""const e = document.activeElement; return [
                e.dataset.n ?? null, getComputedStyle(e).outlineStyle]""")
            if number is not None:
                reached.add(int(number))
                outlined += outline != "none"
            if len(reached) == wanted:
                break
        hidden = set(range(wanted)) - reached
        self.assertEqual(hidden, set())
        self.assertGreaterEqual(outlined, wanted)


if __name__ == "__main__":
    FLOWCHAIN = str(pathlib.Path(sys.argv.pop(1)).resolve())
    WHY = missing()
    if WHY is not None:
        print(f"skipped: {WHY}")
        sys.exit(SKIPPED)
    unittest.main()
