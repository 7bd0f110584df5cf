// SPDX-License-Identifier: GPL-2.0-only
#include "session-latencies.h"

#include <algorithm>

namespace flowchain
{

void
ReportLatencies(const SessionRegistry& sessions, Instant warmup, MetricSet& metrics)
{
    LatencyHistogram accelerator;
    LatencyHistogram manager;
    LatencyHistogram service;
    LatencyHistogram chain;
    LatencyHistogram fanOut;
    LatencyHistogram reverse;
    LatencyHistogram release;
    LatencyHistogram copies;
    const auto add = [](LatencyHistogram& histogram, Instant from, Instant to)
    {
        if (from != NEVER && to != NEVER && to >= from)
        {
            histogram.Add(to - from);
        }
    };
    for (std::size_t i = 0; i < sessions.Size(); ++i)
    {
        const SessionInfo& s = sessions.At(i);
        if (s.injectedAt == NEVER || s.injectedAt < warmup)
        {
            continue;
        }
        add(accelerator, s.injectedAt, s.missedAt);
        add(manager, s.missedAt, s.askedAt);
        add(service, s.askedAt, s.stateAt);
        add(chain, s.stateAt, s.chainAt);
        add(fanOut, s.secondAt, s.fanOutAt);
        add(reverse, s.stateAt, s.reverseAt);
        add(release, s.stateAt, s.releasedAt);
        // The owner's own copy sets the latter. Where no manager has one, the former is NEVER.
        add(copies, s.createdAt, s.chainAt == NEVER ? s.fanOutAt : std::max(s.chainAt, s.fanOutAt));
    }
    metrics.SetLatency("accelerator", accelerator);
    metrics.SetLatency("manager", manager);
    metrics.SetLatency("service", service);
    metrics.SetLatency("chain", chain);
    metrics.SetLatency("fan_out", fanOut);
    metrics.SetLatency("reverse", reverse);
    metrics.SetLatency("release", release);
    metrics.SetLatency("copies", copies);
}

} // namespace flowchain
