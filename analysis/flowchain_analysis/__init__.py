# SPDX-License-Identifier: GPL-2.0-only
"""Reads the database of a campaign: tables for notebooks, statistics, figures, the HTML report.

For a notebook, with analysis/ on Python's path; `database` is what `flowchain sweep` wrote:

>>> from flowchain_analysis import Campaign, mean_interval, paired_difference
>>> campaign = Campaign(database)
>>> campaign.axes
['chain.length', 'chain.release']
>>> summary = campaign.summary("latency.first_packet.mean", precision=0.02)
>>> list(summary.columns)
['label', 'chain.length', 'chain.release', 'n', 'mean', 'low', 'high', 'needed']
>>> runs = campaign.wide(["latency.first_packet.mean", "sessions.lost"])    # a row for each run
>>> all_acknowledged = runs[runs["chain.release"] == "all"]
>>> by_length = all_acknowledged.pivot(index="replication", columns="chain.length",
...                                    values="latency.first_packet.mean")
>>> cost = paired_difference(by_length[1], by_length[3])       # equal seeds: common random numbers
>>> cost.n, cost.low < cost.estimate < cost.high
(2, True)
>>> bool(cost.half_width < mean_interval(by_length[1]).half_width)
True
>>> campaign.close()
"""

import importlib

# Names to the modules that they are in; imported when they are needed, so that the command line can
# say which package is missing.
_MODULES = {
    "Campaign": "campaign",
    "CampaignError": "campaign",
    "Interval": "statistics",
    "bootstrap_interval": "statistics",
    "mean_interval": "statistics",
    "paired_difference": "statistics",
    "quantile_interval": "statistics",
    "replications_needed": "statistics",
    "variance_ratio": "statistics",
    "warm_up_end": "statistics",
}
__all__ = sorted(_MODULES)


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
