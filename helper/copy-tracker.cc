// SPDX-License-Identifier: GPL-2.0-only
#include "copy-tracker.h"

#include <algorithm>
#include <cassert>
#include <string>

namespace flowchain
{

namespace
{

constexpr std::uint32_t PS_PER_US = 1'000'000;
constexpr std::uint32_t MILLI = 1'000;

} // namespace

CopyTracker::CopyTracker(std::vector<CopyPromise> promises,
                         SessionRegistry& registry,
                         Instant warmup)
    : m_promises(std::move(promises))
    , m_registry(registry)
    , m_warmup(warmup)
    , m_promised(m_promises.size())
{
}

std::uint32_t
CopyTracker::PromisedTo(const CopyHistory& history) const
{
    const Promised& promised = m_promised[history.service];
    return history.group < promised.byGroup.size() ? promised.byGroup[history.group]
                                                   : promised.anywhere;
}

void
CopyTracker::SetLive(const std::vector<LiveNodes>& services, Instant now)
{
    assert(services.size() == m_promises.size());
    const auto atMost = [](std::size_t live, std::uint16_t promised)
    {
        return static_cast<std::uint32_t>(std::min<std::size_t>(live, promised));
    };
    std::vector<Promised> all;
    for (std::size_t i = 0; i < services.size(); ++i)
    {
        const CopyPromise& promise = m_promises[i];
        const std::size_t live = services[i].serviceNodes.count();
        const auto service = promise.everyServiceNode ? static_cast<std::uint32_t>(live)
                                                      : atMost(live, promise.serviceNodes);
        Promised& promised = all.emplace_back();
        for (const NodeMask& group : services[i].groups)
        {
            promised.byGroup.push_back(service + atMost(group.count(), promise.managers));
            promised.anywhere = std::max(promised.anywhere, promised.byGroup.back());
        }
    }
    if (all == m_promised)
    {
        return;
    }
    for (std::size_t i = 0; i < m_registry.Size(); ++i)
    {
        auto& history = m_registry.At(i).copyHistory;
        if (history.isOpen)
        {
            Settle(history, now);
        }
    }
    m_promised = std::move(all);
    for (std::size_t i = 0; i < m_registry.Size(); ++i)
    {
        CountNow(m_registry.At(i).copyHistory, m_registry.At(i).released);
    }
}

void
CopyTracker::Open(SessionInfo& session, Instant now)
{
    session.copyHistory = {.changedAt = now, .service = session.record.service, .isOpen = true};
    Update(session, now);
}

bool
CopyTracker::IsBelowPromise(const CopyHistory& history) const
{
    return history.copies > 0 && history.copies < PromisedTo(history);
}

/** Let BelowPromise() and Held() follow what has become of the session. */
void
CopyTracker::CountNow(CopyHistory& history, bool isReleased)
{
    const auto follow = [](bool& counted, bool is, std::uint32_t& count)
    {
        count += is ? 1U : 0U;
        count -= counted ? 1U : 0U;
        counted = is;
    };
    follow(history.isBelowPromise, history.isOpen && IsBelowPromise(history), m_belowNow);
    follow(history.isHeld, history.isOpen && !isReleased, m_heldNow);
}

void
CopyTracker::Settle(CopyHistory& history, Instant now) const
{
    const Duration passed = now - history.changedAt;
    history.changedAt = now;
    if (IsBelowPromise(history))
    {
        history.belowPromise += passed;
    }
    if (history.copies == 1)
    {
        history.belowTwo += passed;
    }
}

void
CopyTracker::SetGroup(SessionInfo& session, std::uint16_t group, Instant now)
{
    auto& history = session.copyHistory;
    if (history.isOpen && history.group == CopyHistory::NO_GROUP)
    {
        Settle(history, now);
        history.group = group;
        CountNow(history, session.released);
    }
}

void
CopyTracker::Update(SessionInfo& session, Instant now)
{
    auto& history = session.copyHistory;
    if (!history.isOpen)
    {
        return;
    }
    const std::size_t copies = session.holders.count();
    if (copies != history.copies)
    {
        Settle(history, now);
        history.copies = static_cast<std::uint16_t>(copies);
    }
    const NodeId onlyHolder =
        copies == 1 ? static_cast<NodeId>(session.holders._Find_first()) : NO_NODE;
    SetExposure(history, onlyHolder, session.released, now);
    CountNow(history, session.released);
}

void
CopyTracker::UpdateAll(Instant now)
{
    for (std::size_t i = 0; i < m_registry.Size(); ++i)
    {
        Update(m_registry.At(i), now);
    }
}

void
CopyTracker::SetExposure(CopyHistory& history, NodeId onlyHolder, bool isReleased, Instant now)
{
    if (onlyHolder == history.onlyHolder && isReleased == history.isReleasedExposure)
    {
        return;
    }
    if (onlyHolder != NO_NODE || history.onlyHolder != NO_NODE)
    {
        AddTime(now);
    }
    if (history.onlyHolder != NO_NODE)
    {
        auto& exposure = m_exposures[history.isReleasedExposure ? 1 : 0];
        --exposure.at[history.onlyHolder];
        --exposure.now;
    }
    if (onlyHolder != NO_NODE)
    {
        auto& exposure = m_exposures[isReleased ? 1 : 0];
        ++exposure.now;
        exposure.peak = std::max(exposure.peak, ++exposure.at[onlyHolder]);
        m_peak = std::max(m_peak, m_exposures[0].at[onlyHolder] + m_exposures[1].at[onlyHolder]);
    }
    history.onlyHolder = onlyHolder;
    history.isReleasedExposure = isReleased;
}

void
CopyTracker::AddTime(Instant now)
{
    const auto passed = static_cast<std::uint64_t>((now - m_countedUntil).count());
    for (auto& exposure : m_exposures)
    {
        exposure.sum += Uint128{exposure.now} * passed;
    }
    m_countedUntil = now;
}

void
CopyTracker::Close(SessionInfo& session, Instant now)
{
    auto& history = session.copyHistory;
    if (!history.isOpen)
    {
        return;
    }
    Update(session, now);
    Settle(history, now);
    SetExposure(history, NO_NODE, session.released, now);
    history.isOpen = false;
    CountNow(history, session.released);
    const Instant created{Duration{static_cast<std::int64_t>(session.record.createdNs) * 1000}};
    if (std::min(session.injectedAt, created) >= m_warmup)
    {
        m_belowPromise.histogram.Add(history.belowPromise);
        m_belowPromise.total += static_cast<std::uint64_t>(history.belowPromise.count());
        m_belowTwo.histogram.Add(history.belowTwo);
        m_belowTwo.total += static_cast<std::uint64_t>(history.belowTwo.count());
    }
}

void
CopyTracker::Finish(Instant now, MetricSet& metrics)
{
    for (std::size_t i = 0; i < m_registry.Size(); ++i)
    {
        Close(m_registry.At(i), now);
    }
    AddTime(now);
    const auto setWindows = [&](const std::string& name, const Windows& windows)
    {
        metrics.SetDistribution(name, windows.histogram);
        metrics.Set(name + ".total", static_cast<std::int64_t>(windows.total / PS_PER_US));
    };
    setWindows("vulnerability.window", m_belowPromise);
    setWindows("vulnerability.below_two", m_belowTwo);
    const auto length = static_cast<std::uint64_t>(now.time_since_epoch().count());
    const auto setExposure = [&](const std::string& name, std::uint32_t peak, Uint128 sum)
    {
        metrics.Set(name + ".peak", std::int64_t{peak});
        metrics.Set(name + ".mean",
                    length == 0 ? std::int64_t{0}
                                : static_cast<std::int64_t>(sum * MILLI / length));
    };
    setExposure("exposure", m_peak, m_exposures[0].sum + m_exposures[1].sum);
    setExposure("exposure.unreleased", m_exposures[0].peak, m_exposures[0].sum);
    setExposure("exposure.released", m_exposures[1].peak, m_exposures[1].sum);
}

} // namespace flowchain
