// SPDX-License-Identifier: GPL-2.0-only
// Draws the figures of a report, and what its readers choose. All data is in the page.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const root = document.documentElement;
  const choices = {};
  const drawn = new Map();

  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  function config() {
    const text = colour("--text");
    const line = colour("--line");
    const font = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
    return {
      background: null,
      font,
      view: { stroke: line },
      axis: {
        labelColor: text, titleColor: text, gridColor: line, domainColor: line, tickColor: line,
        labelFontSize: 12, titleFontSize: 12, titleFontWeight: 600, titlePadding: 8,
      },
      mark: { color: colour("--c0") },
      text: { color: text },
      rule: { color: text },
      range: {
        category: [0, 1, 2, 3, 4, 5, 6].map((i) => colour(`--c${i}`)),
      },
    };
  }

  // The rows that a specification has no values for, by the kind of its figure.
  const rows = {
    distribution(spec, panel) {
      const metric = document.getElementById("distribution-metric").value;
      const about = data.distributions[metric];
      const chosen = [...document.querySelectorAll("#distribution-controls input:checked")];
      const values = [];
      for (const input of chosen) {
        const curve = about.curves[input.value];
        if (!curve) {
          continue;
        }
        for (let i = 0; i < curve.x.length; ++i) {
          values.push({
            series: input.value, x: curve.x[i], cdf: curve.cdf[i],
            // A logarithm has no place for none above: the last share holds up to the maximum.
            above: curve.above[i] || curve.above[i - 1],
            low: curve.low ? curve.low[i] : null, high: curve.high ? curve.high[i] : null,
          });
        }
      }
      spec.data.values = values;
      // A logarithmic axis has no place for zero; around it this one is linear.
      const positive = values.map((value) => value.x).filter((x) => x > 0);
      const isLog = positive.length === values.length;
      for (const layer of spec.layer) {
        layer.encoding.x.title = about.title;
        layer.encoding.x.scale.type = isLog ? "log" : "symlog";
        if (!isLog) {
          layer.encoding.x.scale.constant = positive.length ? Math.min(...positive) : 1;
        }
      }
      panel.setAttribute("aria-label", `${spec.description}: ${about.title}`);
    },
    timeline(spec, panel) {
      const run = data.timelines[document.getElementById("timeline-run").value];
      const series = run.series[panel.dataset.series];
      spec.data.values = series ? series.t.map((t, i) => ({ t, v: series.v[i] })) : [];
      const values = series ? series.v : [];
      spec.layer[0].encoding.y.scale.domain = [
        Math.min(0, ...values), Math.max(0, ...values) || 1];
      spec.layer[1].data.values = run.events;
      spec.layer[2].data.values = run.events.filter((e) => e.number);
      spec.layer[0].encoding.x.scale.domain = [0, run.end];
      const list = document.getElementById("timeline-events");
      list.replaceChildren(...run.events.map((event) => {
        const row = document.createElement("tr");
        for (const key of ["number", "t", "kind", "node", "detail"]) {
          const cell = document.createElement("td");
          cell.textContent = event[key] ?? "";
          cell.className = key === "t" || key === "number" ? "number" : "";
          row.append(cell);
        }
        return row;
      }));
    },
  };

  // As the keys of extents() in vega.py.
  const choiceKey = () => Object.keys(choices).map((name) => choices[name]).join("|");

  async function draw(panel) {
    const spec = structuredClone(data.specs[panel.dataset.spec]);
    const fill = rows[panel.dataset.kind];
    if (fill) {
      fill(spec, panel);
    }
    if (spec.usermeta) {
      const { ends, channel } = spec.usermeta;
      const domain = ends[Object.keys(ends).length === 1 ? Object.keys(ends)[0] : choiceKey()];
      for (const layer of spec.layer ?? [spec]) {
        layer.encoding[channel].scale = { domain, nice: true, zero: false };
      }
    }
    for (const param of spec.params ?? []) {
      if (param.name in choices) {
        param.value = choices[param.name];
      }
    }
    drawn.get(panel)?.finalize();
    const result = await vegaEmbed(panel, spec, {
      actions: false, renderer: "svg", config: config(), logLevel: vega.Error,
      tooltip: { theme: root.dataset.theme === "dark" ? "dark" : "light" },
    });
    drawn.set(panel, result);
  }

  const panels = (kind) => [...document.querySelectorAll(".plot")].filter(
    (panel) => !kind || panel.dataset.kind === kind);

  async function drawAll(kind) {
    await Promise.all(panels(kind).map(draw));
  }

  function download(name, type, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function csvOf(table) {
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    return [...table.rows].map((row) => [...row.cells].map(
      (cell) => quoted(cell.dataset.value ?? cell.textContent.trim())).join(",")).join("\n") + "\n";
  }

  async function saveSvg(figure) {
    let number = 0;
    for (const panel of figure.querySelectorAll(".plot")) {
      number += 1;
      download(`${figure.id}-${number}.svg`, "image/svg+xml",
        await drawn.get(panel).view.toSVG());
    }
  }

  function setTheme(theme) {
    root.dataset.theme = theme;
    const button = document.getElementById("theme");
    button.textContent = theme === "dark" ? "Light theme" : "Dark theme";
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");
  setTheme(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => {
    setTheme(dark.matches ? "dark" : "light");
    drawAll();
  });
  document.getElementById("theme").addEventListener("click", () => {
    setTheme(root.dataset.theme === "dark" ? "light" : "dark");
    drawAll();
  });
  document.addEventListener("change", (event) => {
    const at = event.target;
    if (at.dataset.choice) {
      choices[at.dataset.choice] = at.value;
      drawAll("sweep");
      drawAll("parts");
    } else if (at.id === "timeline-run") {
      drawAll("timeline");
    } else if (at.closest("#distribution-controls")) {
      drawAll("distribution");
    }
  });
  document.addEventListener("click", (event) => {
    const figure = event.target.closest("figure");
    if (event.target.dataset.save === "svg") {
      saveSvg(figure);
    } else if (event.target.dataset.save === "csv") {
      download(`${figure.id}.csv`, "text/csv", csvOf(figure.querySelector("table")));
    }
  });
  for (const select of document.querySelectorAll("[data-choice]")) {
    choices[select.dataset.choice] = select.value;
  }
  drawAll().then(() => {
    root.dataset.drawn = "true";
  });
})();
