# SPDX-License-Identifier: GPL-2.0-only
"""Which swept key goes where in a figure: along the x axis, to colours, to panels, to a choice."""

from dataclasses import dataclass, field

import pandas

from . import units

PREFERRED_X = "chain.length"
PREFERRED_COLOURS = ("chain.release", "chain.scheme")
COLOURS_MAX = 12
PANELS_MAX = 4


@dataclass
class Axis:
    """A swept key with more than one value."""

    key: str
    numeric: bool
    values: list  # in order: by size if numeric, else as swept
    labels: list  # as they were written
    scale: units.Scale
    together: list = field(default_factory=list)  # keys that go in step with this one

    @property
    def title(self):
        """For an axis or a legend, with its unit."""
        return self.scale.title(self._words()) if self.numeric else self._words()

    @property
    def name(self):
        """For a list of its values as they were written; with a unit unless they have their own."""
        plain = self.numeric and self.labels[0].replace(".", "").isdigit()
        return self.scale.title(self._words()) if plain else self._words()

    def _words(self):
        words = units.key_name(self.key)
        return f"{words} (with {', '.join(self.together)})" if self.together else words

    def shown(self, value):
        """A value for an x axis: in the scale's unit if it is a number."""
        return value / self.scale.divisor if self.numeric else str(value)

    def label(self, value):
        """A value as it was written in the scenario."""
        return self.labels[self.values.index(value)]


@dataclass
class Layout:
    """The axes of a campaign by what they are in a figure; `x` is None if nothing was swept."""

    axes: list
    x: Axis | None = None
    colour: Axis | None = None
    panel: Axis | None = None
    choices: list = field(default_factory=list)

    @property
    def groups(self):
        """All axes but x."""
        return [axis for axis in self.axes if axis is not self.x]


def in_words(axes, row):
    """What a point has on the axes: "release rule all, scheme chain"."""
    return ", ".join(f"{units.key_name(axis.key).lower()} {axis.label(row[axis.key])}"
                     for axis in axes)


def _same_partition(a, b):
    """Whether the two columns go in step: each value of one has one value of the other."""
    return (a.groupby(b).nunique() == 1).all() and (b.groupby(a).nunique() == 1).all()


def _axis(campaign_points, texts, key):
    numbers = campaign_points[key]
    numeric = pandas.api.types.is_numeric_dtype(numbers)
    values = list(dict.fromkeys(numbers))
    if numeric:
        values.sort()
    written = dict(zip(numbers, texts[key]))
    labels = [str(written[v]) for v in values]
    scale = units.key_scale(key, labels, max(values)) if numeric else units.Scale("")
    return Axis(key, numeric, values, labels, scale)


def find_axes(campaign):
    """The independent axes, in the order of the file; keys that go in step are one axis."""
    points, texts = campaign.points(), campaign.values()
    axes = []
    for key in campaign.axes:
        if key not in points or points[key].isna().any() or points[key].nunique() < 2:
            continue
        twin = next((a for a in axes if _same_partition(points[key], points[a.key])), None)
        if twin is None:
            axes.append(_axis(points, texts, key))
        elif key == PREFERRED_X:
            axis = _axis(points, texts, key)
            axis.together = [twin.key, *twin.together]
            axes[axes.index(twin)] = axis
        else:
            twin.together.append(key)
    return axes


def find_layout(campaign):
    """Chain length goes along x if it was swept, else the first number, else the first key. Release
    rule and scheme go to colours first; the next short axis to panels; readers choose the rest."""
    axes = find_axes(campaign)
    layout = Layout(axes)
    if not axes:
        return layout
    numeric = [axis for axis in axes if axis.numeric]
    layout.x = next((a for a in axes if a.key == PREFERRED_X), (numeric or axes)[0])
    rest = [axis for axis in axes if axis is not layout.x]
    rest.sort(key=lambda a: (PREFERRED_COLOURS.index(a.key) if a.key in PREFERRED_COLOURS
                             else len(PREFERRED_COLOURS)))
    for axis in rest:
        if layout.colour is None and len(axis.values) <= COLOURS_MAX:
            layout.colour = axis
        elif layout.panel is None and len(axis.values) <= PANELS_MAX:
            layout.panel = axis
        else:
            layout.choices.append(axis)
    return layout


def with_axes(layout, table, points):
    """`table`, which has a column `point`, with a column for each axis."""
    keys = [axis.key for axis in layout.axes]
    return table.join(points[["label", *keys]], on="point") if len(table) else pandas.DataFrame(
        columns=[*table.columns, "label", *keys])
