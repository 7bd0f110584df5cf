# SPDX-License-Identifier: GPL-2.0-only
"""The report: one HTML file that needs nothing else, neither files nor a network."""

import json
import pathlib
import re
import shlex
from html import escape

from . import figures, html, sections, statistics, topology, units, vega
from .campaign import CampaignError
from .layout import in_words

FOLDER = pathlib.Path(__file__).resolve().parent
MODULES = FOLDER.parent / "node_modules"
LIBRARIES = (("vega", "build/vega.min.js"), ("vega-lite", "build/vega-lite.min.js"),
             ("vega-embed", "build/vega-embed.min.js"))
# Nothing may be fetched, whatever the page contains.
POLICY = ("default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
          "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'")
PRECISION = 0.02


def library_scripts(folder=MODULES):
    """Vega, Vega-Lite and vega-embed as <script>s, with their licences.

    :raises CampaignError: they are not installed"""
    found = []
    for name, path in LIBRARIES:
        base = pathlib.Path(folder) / name
        try:
            script = (base / path).read_text(encoding="utf-8")
            licence = (base / "LICENSE").read_text(encoding="utf-8")
            version = json.loads((base / "package.json").read_text(encoding="utf-8"))["version"]
        except OSError as error:
            raise CampaignError(
                f"{error.filename}: not there. The report needs {name}; install it: "
                f"npm ci --ignore-scripts --prefix {shlex.quote(str(pathlib.Path(folder).parent))}"
            ) from error
        notice = f"{name} {version}\n{licence.strip()}".replace("*/", "* /")
        script = "\n".join(line for line in script.split("\n")
                           if not line.startswith("//# sourceMappingURL"))
        found.append(html.inline_script(f"/*! {notice} */\n{script}"))
    return "\n".join(found)


def _plural(count, word):
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def summary(campaign, layout, members):
    """The first paragraph: what was swept, how many runs, what failed, what it shows."""
    points = campaign.points()
    swept = [_axis_in_words(axis) for axis in layout.axes]
    counts = members["status"].value_counts()
    done, failed, missing = (int(counts.get(s, 0)) for s in ("done", "failed", "missing"))
    words = [f"This campaign sweeps {_listed(swept)}: " if swept else
             "This campaign sweeps no key: "]
    words[0] += f"{_plural(len(points), 'point')}, {_plural(len(members), 'run')}. "
    words.append(f"{done:,} {'is' if done == 1 else 'are'} done, {failed:,} failed"
                 + (f", {missing:,} not run yet" if missing else "") + ". ")
    broken = int(((members["violations"] > 0) | (members["exit_code"] == 3)).sum())
    unmet = int((members["exit_code"] == 1).sum())
    words.append("No run violated an invariant" if broken == 0 else
                 f"{_plural(broken, 'run')} VIOLATED AN INVARIANT")
    expected = int(campaign.query("SELECT count(*) AS n FROM expectation")["n"].iloc[0])
    if unmet:
        words.append(f"; in {_plural(unmet, 'run')} an expectation did not hold. ")
    else:
        words.append("; every expectation of the scenario held. " if expected else ". ")
    words.append(_finding(campaign, layout))
    return "".join(words), failed, broken


def _axis_in_words(axis):
    values = ", ".join(axis.labels[:12]) + (", …" if len(axis.labels) > 12 else "")
    if axis.numeric and axis.labels[0].replace(".", "").isdigit():  # else they have their unit
        values = f"{values} {axis.scale.unit}".strip()
    return f"{units.key_name(axis.key).lower()} ({values})"


def _listed(words):
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _finding(campaign, layout):
    """What the first metric that can be drawn does along a numeric x, in words."""
    x = layout.x
    if x is None or not x.numeric:
        return ""
    figure = next(iter(figures.sweep_figures(campaign, layout, figures.COSTS)), None)
    if figure is None:
        return ""
    groups = [axis.key for axis in layout.groups]
    first = figure.table[figure.table[x.key] == x.values[0]]
    last = figure.table[figure.table[x.key] == x.values[-1]]
    pairs = first.merge(last, on=groups) if groups else first.merge(last, how="cross")
    said = []
    for row in pairs.head(4 if len(groups) < 3 else 1).to_dict("records"):
        group = in_words(layout.groups, row)
        last_mean = vega.text_of(row["mean_y"], figure.scale)
        said.append(f"from {units.short(row['mean_x'])} to {last_mean}"
                    + (f" ({group})" if group else ""))
    if not said:
        return ""
    more = len(pairs) - len(said)
    return (f"From {units.key_name(x.key).lower()} {x.labels[0]} to {x.labels[-1]}, "
            f"{figure.title[:1].lower()}{figure.title[1:]} goes {_listed(said)}"
            + (f", and {more} more below" if more else "") + ".")


def points_section(campaign, members):
    """A row for each point: runs, failures, the main metrics."""
    names = [name for name in figures.COSTS[:2] + figures.COSTS[3:] + figures.BENEFITS
             if not campaign.values_of(name).empty]
    tables, headings = [], []
    for name in names:
        table = campaign.summary(name, precision=PRECISION)
        scale = units.scale_of(campaign.metric(name)["unit"], table["mean"].abs().max())
        tables.append((table, scale))
        headings.append(scale.title(units.metric_name(name)))
    rows, bad = [], set()
    for point, label in campaign.points()["label"].items():
        own = members[members["point"] == point]
        failed = int((own["status"] == "failed").sum())
        violated = int(((own["violations"] > 0) | (own["exit_code"] == 3)).sum())
        unmet = int((own["exit_code"] == 1).sum())
        row = [label, int((own["status"] == "done").sum()), failed, violated, unmet]
        if failed or violated:
            bad.add(len(rows))
        for table, scale in tables:
            row.append(_mean_text(table, point, scale))
        needed = tables[0][0]["needed"].get(point) if tables else None
        row.append(None if needed is None or needed != needed else int(needed))
        rows.append(row)
    table = html.table(
        ["Point", "n", "Failed", "Violations", "Expectations unmet", *headings, "Runs for ±2 %"],
        rows, "Mean ± half-width of the 95 % interval", {1, 2, 3, 4, len(headings) + 5}, bad)
    words = (f"n is the number of replications. “Runs for ±{PRECISION:.0%}” is how many of them "
             "the first metric needs for a half-width of 2 % of its mean, judged by these runs."
             if tables else "n is the number of replications.")
    body = (f'<figure id="figure-points"><p>{escape(words)}</p>{table}<div class="more">'
            '<button type="button" data-save="csv">CSV</button></div></figure>')
    return html.section("points", "All points", body + _failed_runs(members, campaign))


def _mean_text(table, point, scale):
    if point not in table.index:
        return None
    row = table.loc[point]
    half = (row["high"] - row["low"]) / 2 / scale.divisor
    mean = row["mean"] / scale.divisor
    if half != half:
        return units.short(mean)
    if half == 0:
        return f"{units.short(mean)} ± 0"
    return f"{units.short(mean)} ± {units.short(half, 2)}"


def _failed_runs(members, campaign):
    bad = members[(members["status"] == "failed") | (members["violations"] > 0)]
    if bad.empty:
        return ""
    labels = campaign.points()["label"]
    rows = []
    for run in bad.head(100).itertuples():
        text = run.error or "; ".join(campaign.query(
            "SELECT text FROM violation WHERE run = ? ORDER BY place LIMIT 3", (run.run,))["text"])
        seed = None if run.seed != run.seed else int(run.seed)
        rows.append([labels[run.point], run.replication, seed, run.status, text or ""])
    shown = html.table(["Point", "Replication", "Seed", "Status", "Why"], rows,
                       "Runs that failed or violated an invariant", {1, 2})
    return f"<details open><summary>Failed runs ({len(bad)})</summary>{shown}</details>"


def topology_section(campaign, layout):
    """The network of the point with the longest chain, with one session's way on it."""
    run = _run_to_draw(campaign, layout)
    if run is None:
        return ""
    _, scenario = campaign.scenario(run["run"])
    try:
        svg, steps, note = topology.drawing(scenario)
    except (KeyError, IndexError, ValueError) as error:
        return html.section("topology", "Topology", '<p class="note">Not drawn: the scenario has '
                            f"no {escape(str(error))}.</p>")
    listed = "".join(f'<li value="{n}">{escape(words)}</li>' for n, words in steps)
    words = (f"At {run['label']}. Roles differ from session to session: a hash of the five-tuple "
             "selects the first manager and the service node. The way of one session is drawn; it "
             "crosses leaves and spines, which the arrows leave out." if steps else
             f"At {run['label']}.")
    body = (f'<figure id="figure-topology"><div class="scroll" tabindex="0" role="region" '
            f'aria-label="Topology drawing">{svg}</div><figcaption>{escape(words)} {escape(note)}'
            f'</figcaption></figure><ol class="steps">{listed}</ol>')
    return html.section("topology", "Topology and the chain", body)


def _run_to_draw(campaign, layout):
    done = campaign.runs()
    if done.empty:
        return None
    keys = [axis.key for axis in layout.axes]
    if "chain.scheme" in keys and (done["chain.scheme"] == "chain").any():
        done = done[done["chain.scheme"] == "chain"]
    if "chain.length" in keys:
        done = done[done["chain.length"] == done["chain.length"].max()]
    run = done.iloc[-1]
    return {"run": run["run"], "label": campaign.points()["label"][run["point"]]}


def provenance_section(campaign, members, command):
    """What made these numbers."""
    info = campaign.info
    builds = campaign.builds
    used = set(members["build"].dropna())
    seeds = members["seed"].dropna().astype(int)
    pairs = [("Campaign", info.get("name")), ("Scenario file", info.get("file")),
             ("Overrides", "" if info.get("overrides") in (None, "[]") else info["overrides"]),
             ("Created", info.get("created")), ("Database", campaign.path)]
    for build in builds.itertuples():
        if build.id in used or len(builds) == 1:
            pairs.append(("Build", f"flowchain {build.version}, commit {build.commit_id}, "
                          f"{build.compiler}, {build.build_type}, ns-3 {build.ns3_version}"))
    if len(used) > 1:
        pairs.append(("Caution", "the runs come from several builds"))
    pairs += [
        ("Hosts", ", ".join(sorted(set(members["host"].dropna())))),
        ("Run between", _span(members["started"].dropna())),
        ("Seeds", f"{seeds.min()} to {seeds.max()}" if len(seeds) else ""),
        ("Time of all runs", vega.text_of(members["cpu_seconds"].sum(), units.Scale("s of CPU"))),
        ("Confidence", f"{statistics.CONFIDENCE:.0%}, Student's t over replications"),
        ("Warm-up", _warm_up(campaign, members))]
    commands = "\n".join(["# repeat the sweep", info.get("command", ""), "# this report", command,
                          "# the figures for a paper",
                          f"flowchain figures {shlex.quote(str(campaign.path))}"])
    body = html.definitions(pairs)
    body += f"<h3>Commands</h3><pre tabindex=0><code>{escape(commands)}</code></pre>"
    body += ("<details><summary>Scenario file</summary><pre tabindex=0><code>"
             f"{escape(info.get('toml', ''))}</code></pre></details>")
    return html.section("provenance", "Provenance", body)


def _span(times):
    if times.empty:
        return ""
    return times.min() if times.min() == times.max() else f"{times.min()} and {times.max()}"


def _warm_up(campaign, members):
    done = members[members["status"] == "done"]
    if done.empty:
        return ""
    _, scenario = campaign.scenario(done["run"].iloc[0])
    warmup = scenario.get("sim", {}).get("warmup", "0s")
    return (f"sim.warmup = {warmup}: sessions that start earlier are left out of the latencies"
            if not warmup.startswith("0") else "none (sim.warmup = 0s)")


def build(campaign, command, libraries=None):
    """The report as text.

    :param command: what made it, for the provenance
    :param libraries: the drawing libraries' scripts; None: those installed
    :raises CampaignError: no run, or no libraries"""
    libraries = library_scripts() if libraries is None else libraries
    members = campaign.members()
    if members.empty:
        raise CampaignError(f"{campaign.path}: the campaign has no runs")
    layout, found = figures.all_figures(campaign)
    page = sections.Page(campaign, layout)
    words, failed, broken = summary(campaign, layout, members)
    is_chain = layout.x is not None and layout.x.key == "chain.length"
    against = units.key_name(layout.x.key).lower() if layout.x else ""
    titles = (("What one more manager costs", "What it buys") if is_chain else
              (f"Cost against {against}", f"What breaks, against {against}"))
    parts = [
        sections.choices(page),
        sections.sweeps(page, "costs", titles[0], found["costs"], figures.COSTS),
        sections.sweeps(page, "benefits", titles[1], found["benefits"], figures.BENEFITS),
        sections.difference_section(page, figures.COSTS + figures.BENEFITS),
        sections.parts_section(page, found["parts"]),
        sections.distribution_section(page),
        sections.timeline_section(page),
        sections.sweeps(page, "others", "More metrics", found["others"], []),
        topology_section(campaign, layout),
        points_section(campaign, members),
        provenance_section(campaign, members, command),
    ]
    template = (FOLDER / "assets/report.html").read_text(encoding="utf-8")
    title = f"{campaign.name}: campaign report"
    alert = ""
    if failed or broken:
        alert = ('<p class="bad" role="note">Some runs failed or violated an invariant; see '
                 '<a href="#points">All points</a>.</p>')
    for name, text in {
        "POLICY": POLICY, "TITLE": escape(title), "NAME": escape(campaign.name),
        "SUMMARY": escape(words), "ALERT": alert, "NAV": _navigation(parts),
        "STYLE": (FOLDER / "assets/report.css").read_text(encoding="utf-8"),
        "BODY": "\n".join(parts), "LIBRARIES": libraries,
        "DATA": html.script_json(page.data),
        "SCRIPT": html.inline_script((FOLDER / "assets/report.js").read_text(encoding="utf-8")),
    }.items():
        before, after = template.split("{{" + name + "}}")
        template = before + text + after
    return template


def _navigation(parts):
    found = [re.search(r'<section id="([^"]+)".*?<h2 [^>]*>(.*?)</h2>', part) for part in parts]
    return "".join(f'<li><a href="#{m.group(1)}">{m.group(2)}</a></li>' for m in found if m)
