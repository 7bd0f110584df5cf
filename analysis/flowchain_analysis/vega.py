# SPDX-License-Identifier: GPL-2.0-only
"""Vega-Lite specifications of the figures. Colours come from the page's theme, its
config.range.category, so that a change of theme needs no other specification."""

from . import units

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"  # a name; nothing is fetched
DASHES = [[1, 0], [8, 3], [2, 3], [10, 3, 2, 3], [5, 5], [12, 4, 2, 4, 2, 4]]
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
COLOURS = 7
PANEL_HEIGHT = 250
ROW_HEIGHT = 26


def _base(description):
    return {"$schema": SCHEMA, "description": description, "width": "container",
            "height": PANEL_HEIGHT, "autosize": {"type": "fit", "contains": "padding"}}


def styles(labels):
    """Scales that give each label its colour, dash and shape, everywhere the same."""
    n = range(len(labels))
    return {
        "dash": {"domain": labels, "range": [DASHES[i % len(DASHES)] for i in n]},
        "shape": {"domain": labels, "range": [SHAPES[i % len(SHAPES)] for i in n]},
        "colour": {"domain": labels},
    }


def _x(axis, values):
    """Channel definition of the x axis."""
    shown = [axis.shown(v) for v in axis.values]
    if not axis.numeric:
        return {"field": "x", "type": "nominal", "title": axis.title, "sort": shown,
                "scale": {"domain": shown}}
    scale = {"zero": False, "nice": False}
    low, high = min(shown), max(shown)
    if low > 0 and high / low >= 50:
        scale["type"] = "log"
    else:
        margin = (high - low) * 0.05
        scale["domain"] = [low - margin, high + margin]
    channel = {"field": "x", "type": "quantitative", "title": axis.title, "scale": scale}
    if len(shown) <= 8:
        channel["axis"] = {"values": shown, "grid": False, "titleAnchor": "end"}
        if all(float(value).is_integer() for value in shown):
            channel["axis"]["format"] = ",d"
    return channel


def _extent(rows):
    return units.value_ends([row[name] for row in rows for name in ("low", "mean", "high")
                             if row[name] is not None])


def extents(layout, rows, extent=_extent):
    """For every choice that a reader has, joined by "|": the ends of the axis of values that all
    panels of a figure share."""
    found = {}
    for row in rows:
        key = "|".join(row[f"choice{i}"] for i in range(len(layout.choices)))
        found.setdefault(key, []).append(row)
    return {key: extent(own) for key, own in found.items()}


def sweep(figure, layout, rows, ends):
    """One panel: line, points and band for each colour. `rows` have x, series, mean, low, high, n
    and choice0..; `ends` are extents(): the page sets the values' scale to those of the choice."""
    x = layout.x
    colour = layout.colour
    labels = [colour.label(v) for v in colour.values] if colour else [""]
    style = styles(labels)
    tooltip = [{"field": "label", "title": "point"},
               {"field": "mean_text", "title": figure.scale.title("mean")},
               {"field": "interval_text", "title": "95 % interval"},
               {"field": "n", "title": "n"}]
    y_title = figure.scale.title(figure.title)
    colour_channel = {"field": "series", "type": "nominal", "scale": style["colour"],
                      "legend": None}
    order = {"x": _x(x, rows), "color": colour_channel}
    spec = _base(f"{y_title} against {x.title}")
    spec["params"] = [{"name": f"choice{i}", "value": axis.label(axis.values[0])}
                      for i, axis in enumerate(layout.choices)]
    spec["data"] = {"name": "rows", "values": rows}
    spec["transform"] = [{"filter": f"datum.choice{i} === choice{i}"}
                         for i in range(len(layout.choices))]
    y_axis = {"title": _wrapped(y_title)}
    spec["layer"] = [
        {"mark": {"type": "line", "strokeWidth": 2, "aria": False},
         "encoding": {**order, "y": {"field": "mean", "type": "quantitative", "axis": y_axis},
                      "strokeDash": {"field": "series", "type": "nominal", "legend": None,
                                     "scale": style["dash"]}}},
        {"mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
         "encoding": {**order, "y": {"field": "mean", "type": "quantitative",
                                     "axis": y_axis},
                      "shape": {"field": "series", "type": "nominal", "legend": None,
                                "scale": style["shape"]}, "tooltip": tooltip}},
    ]
    interval = {"type": "area", "opacity": 0.2} if x.numeric else {"type": "rule", "size": 2}
    spec["layer"].insert(0, {
        "transform": [{"filter": "isValid(datum.low)"}], "mark": {**interval, "aria": False},
        "encoding": {**order, "y": {"field": "low", "type": "quantitative", "axis": y_axis},
                     "y2": {"field": "high"}}})
    if x.numeric:  # the ends of intervals that a band is too thin to show, and of single points
        spec["layer"].insert(1, {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "errorbar", "ticks": {"size": 7}, "aria": False},
            "encoding": {**order, "y": {"field": "low", "type": "quantitative",
                                        "axis": y_axis}, "y2": {"field": "high"}}})
    else:
        spec["layer"] = [layer for layer in spec["layer"] if layer["mark"]["type"] != "line"]
        for layer in spec["layer"]:
            layer["encoding"] = _upright(layer["encoding"], colour is not None)
        spec["height"] = {"step": ROW_HEIGHT / 2 if colour else ROW_HEIGHT}
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec["usermeta"] = {"ends": ends, "channel": "y" if x.numeric else "x"}
    return spec


def _upright(encoding, dodge):
    """The encoding of a nominal x turned, so that long names can be read."""
    turned = dict(encoding)
    turned["y"] = {**encoding["x"], "axis": _above(encoding["x"]["title"])}
    turned["x"] = dict(encoding["y"])
    turned["x"]["axis"] = {**encoding["y"]["axis"], "titleAnchor": "end", "tickCount": 6}
    if "y2" in turned:
        turned["x2"] = turned.pop("y2")
    if dodge:
        turned["yOffset"] = {"field": "series", "type": "nominal",
                             "scale": encoding["color"]["scale"]}
    return turned


def _above(title):
    """An axis of names whose title stands above it, where there is room."""
    return {"title": title, "titleAngle": 0, "titleAlign": "left", "titleAnchor": "start",
            "titleX": 0, "titleY": -8, "titleBaseline": "bottom", "labelLimit": 130}


def _wrapped(title, width=34):
    """A title in lines that fit beside a panel."""
    lines = [""]
    for word in title.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def parts(figure, layout, rows, names, ends):
    """One panel of stacked bars over x; `names` of the parts in order; `ends` as for sweep()."""
    domain = list(dict.fromkeys(row["bar"] for row in rows))
    spec = _base(figure.scale.title(figure.title))
    spec["params"] = [{"name": f"choice{i}", "value": axis.label(axis.values[0])}
                      for i, axis in enumerate(layout.choices)]
    spec["transform"] = [{"filter": f"datum.choice{i} === choice{i}"}
                         for i in range(len(layout.choices))]
    spec["data"] = {"name": "rows", "values": rows}
    spec["height"] = {"step": ROW_HEIGHT}
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec["usermeta"] = {"ends": ends, "channel": "x"}
    spec["mark"] = {"type": "bar", "stroke": None}
    spec["encoding"] = {
        "y": {"field": "bar", "type": "nominal", "sort": domain,
              "axis": _above(layout.x.title if layout.x else None)},
        "x": {"field": "start", "type": "quantitative", "title": figure.scale.title("Mean time"),
              "axis": {"tickCount": 6, "labelOverlap": True}},
        "x2": {"field": "end"},
        "color": {"field": "part", "type": "nominal", "legend": None, "scale": {"domain": names}},
        "tooltip": [{"field": "part"}, {"field": "mean_text",
                                        "title": figure.scale.title("mean")},
                    {"field": "label", "title": "point"}]}
    return spec


def distribution(complementary, labels):
    """One panel: P(X <= x) or, with logarithmic axes, P(X > x); the page gives the rows."""
    style = styles(labels)
    field = "above" if complementary else "cdf"
    title = "Share of values above" if complementary else "Share of values up to"
    spec = _base(title)
    spec["data"] = {"name": "rows", "values": []}
    colour = {"field": "series", "type": "nominal", "scale": style["colour"], "legend": None}
    x = {"field": "x", "type": "quantitative", "title": "",
         "scale": {"nice": False},
         "axis": {"tickCount": 6, "labelOverlap": True, "format": "~r"}}
    y = {"field": field, "type": "quantitative", "title": title,
         "scale": {"type": "log", "domainMax": 1} if complementary else {"domain": [0, 1]},
         "axis": {"format": "~r" if complementary else ".1f", "labelOverlap": True}}
    line = {"mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2, "aria": False},
            "encoding": {"x": x, "y": y, "color": colour,
                         "strokeDash": {"field": "series", "type": "nominal", "legend": None,
                                        "scale": style["dash"]}}}
    if complementary:
        spec["layer"] = [line]
        return spec
    band = {"transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.2, "aria": False},
            "encoding": {"x": x, "y": {"field": "low", "type": "quantitative"},
                         "y2": {"field": "high"}, "color": colour}}
    spec["layer"] = [line, band]
    return spec


def timeline(name, unit, is_last):
    """One series over time, with a rule for each event; the page gives rows and events."""
    spec = _base(f"{name} over time")
    spec["height"] = 160 if is_last else 120
    x = {"field": "t", "type": "quantitative", "scale": {"nice": False, "zero": False},
         "axis": {"title": "Simulated time (s)" if is_last else None, "labels": is_last,
                  "tickCount": 8, "labelOverlap": True}}
    spec["data"] = {"name": "rows", "values": []}
    spec["layer"] = [
        {"mark": {"type": "line", "strokeWidth": 1.5, "interpolate": "step-after", "aria": False},
         "encoding": {"x": x, "y": {"field": "v", "type": "quantitative",
                                    "scale": {"nice": True},
                                    "axis": {"title": unit or "number", "tickCount": 4,
                                             "minExtent": 48}}}},
        {"data": {"name": "events", "values": []},
         "mark": {"type": "rule", "strokeWidth": 1.5, "aria": True, "clip": True},
         "encoding": {"x": {"field": "t", "type": "quantitative"},
                      "color": {"field": "fault", "type": "nominal", "legend": None,
                                "scale": {"domain": ["series", "fault", "other"]}},
                      "strokeDash": {"field": "fault", "type": "nominal", "legend": None,
                                     "scale": {"domain": ["fault", "other"],
                                               "range": [[1, 0], [3, 3]]}},
                      "tooltip": [{"field": "t", "title": "time (s)"},
                                  {"field": "kind"}, {"field": "node"}, {"field": "detail"}]}},
        {"data": {"name": "marks", "values": []},
         "mark": {"type": "text", "align": "left", "dx": 3, "baseline": "top", "fontSize": 11,
                  "fontWeight": "bold", "aria": False},
         "encoding": {"x": {"field": "t", "type": "quantitative"}, "y": {"value": 1},
                      "text": {"field": "number", "type": "nominal"}}},
    ]
    return spec


def legend_swatch(index, kind):
    """SVG of a legend's line with its dash and shape, or of a part's square; coloured by the page's
    style sheet (class c0..c6)."""
    colour = f"c{index % COLOURS}"
    if kind == "bar":
        return (f'<svg class="swatch {colour}" width="14" height="14" aria-hidden="true">'
                '<rect width="14" height="14" fill="currentColor"/></svg>')
    dash = " ".join(str(d) for d in DASHES[index % len(DASHES)])
    dash = f' stroke-dasharray="{dash}"' if index % len(DASHES) else ""
    marks = {
        "circle": '<circle cx="17" cy="7" r="4"/>',
        "square": '<rect x="13" y="3" width="8" height="8"/>',
        "triangle-up": '<path d="M17 2l5 9h-10z"/>',
        "diamond": '<path d="M17 1l5 6-5 6-5-6z"/>',
        "cross": '<path d="M15 2h4v3h3v4h-3v3h-4v-3h-3v-4h3z"/>',
        "triangle-down": '<path d="M17 12l5-9h-10z"/>',
    }
    shape = marks[SHAPES[index % len(SHAPES)]] if kind == "line" else ""
    return (f'<svg class="swatch {colour}" width="34" height="14" aria-hidden="true">'
            f'<path d="M0 7h34" stroke="currentColor" stroke-width="2"{dash}/>'
            f'<g fill="currentColor">{shape}</g></svg>')


def number_or_none(value):
    """For JSON, which has no NaN."""
    return None if value is None or value != value else float(value)


def text_of(value, scale=units.Scale("")):
    """A number with its unit."""
    return f"{units.short(value)} {scale.unit}".strip()
