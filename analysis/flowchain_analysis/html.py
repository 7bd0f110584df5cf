# SPDX-License-Identifier: GPL-2.0-only
"""Pieces of HTML: escaped text, tables, legends, figures with their numbers."""

import json
import math
from html import escape

from . import units, vega


def script_json(value):
    """JSON that may stand in a <script>: no '<', so neither </script> nor <!--."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def inline_script(text):
    """A script's text as it may stand in a <script>.

    :raises ValueError: it would end the element early"""
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError("a script that cannot be inlined: it contains </script or <!--")
    return f"<script>\n{text}\n</script>"


def cell(value, header=False, digits=4):
    """A table's cell; numbers keep their full value for the download."""
    tag = 'th scope="row"' if header else "td"
    end = "th" if header else "td"
    if value is None or isinstance(value, float) and math.isnan(value):
        return f'<{tag} class="number" data-value="">–</{end}>'
    if isinstance(value, str):
        return f"<{tag}>{escape(value)}</{end}>"
    return f'<{tag} class="number" data-value="{value!r}">{units.short(value, digits)}</{end}>'


def table(headings, rows, caption, numbers=(), bad=()):
    """A table that scrolls by itself. `numbers`: places of the columns of numbers; `bad`: places of
    rows to be marked. The first column is each row's heading."""
    head = "".join(f'<th scope="col"{" class=number" if i in numbers else ""}>{escape(h)}</th>'
                   for i, h in enumerate(headings))
    body = []
    for place, row in enumerate(rows):
        cells = "".join(cell(value, header=i == 0) for i, value in enumerate(row))
        body.append(f'<tr{" class=bad-row" if place in bad else ""}>{cells}</tr>')
    return (f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
            f"<caption class=note>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(body)}</tbody></table></div>")


def plain(value):
    """A number of numpy or pandas as Python's."""
    return value.item() if hasattr(value, "item") else value


def frame(data, columns, caption):
    """A data frame as a table: `columns` to headings, in order."""
    chosen = [column for column in columns if column in data]
    rows = [[plain(value) for value in row] for row in data[chosen].itertuples(index=False)]
    numbers = {i for i, column in enumerate(chosen) if data[column].dtype.kind in "if"}
    return table([columns[c] for c in chosen], rows, caption, numbers)


def legend(title, labels, kind="line"):
    """Which colour, dash and shape is what."""
    if not labels:
        return ""
    items = "".join(f"<li>{vega.legend_swatch(i, kind)}<span>{escape(label)}</span></li>"
                    for i, label in enumerate(labels))
    head = f"<li><strong>{escape(title)}</strong></li>" if title else ""
    return f'<ul class="legend">{head}{items}</ul>'


def plot(spec_id, kind, label, heading="", extra=""):
    """A place that the page's script draws a specification in."""
    head = f"<h4>{escape(heading)}</h4>" if heading else ""
    return (f'<div class="panel">{head}<div class="plot" role="group" '
            f'data-spec="{escape(spec_id)}" data-kind="{kind}" '
            f'aria-label="{escape(label)}" {extra}></div></div>')


def figure(identifier, title, plots, caption, numbers, command, notes=(), above=""):
    """A figure: heading, legend (`above`), panels, caption, its numbers, where they come from."""
    identifier = "figure-" + identifier.replace(".", "-")
    said = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    shown = f"<details><summary>Data</summary>{numbers}</details>" if numbers else ""
    csv = '<button type="button" data-save="csv">CSV</button>' if numbers else ""
    return f"""<figure class="card" id="{identifier}" aria-labelledby="{identifier}-title">
<h3 id="{identifier}-title">{escape(title)}</h3>{above}
<div class="panels">{''.join(plots)}</div>
<figcaption>{escape(caption)}</figcaption>{said}
<div class="more">{shown}<details><summary>Command</summary>
<pre tabindex=0><code>{escape(command)}</code></pre></details>
{csv}<button type="button" data-save="svg">SVG</button></div>
</figure>"""


def section(identifier, title, body):
    """A part of the page with a heading, nothing if it is empty."""
    if not body:
        return ""
    return (f'<section id="{identifier}" aria-labelledby="{identifier}-heading">'
            f'<h2 id="{identifier}-heading">{escape(title)}</h2>{body}</section>')


def definitions(pairs):
    """A list of terms and what they are; empty ones are left out."""
    items = "".join(f"<dt>{escape(term)}</dt><dd>{escape(str(value))}</dd>" for term, value in pairs
                    if value not in (None, ""))
    return f"<dl>{items}</dl>"


def select(identifier, label, options, attributes=""):
    """A choice of one: `options` are (value, text)."""
    inner = "".join(f'<option value="{escape(str(v))}">{escape(t)}</option>' for v, t in options)
    return (f'<label>{escape(label)} <select id="{identifier}" autocomplete="off" {attributes}>'
            f"{inner}</select></label>")
