// SPDX-License-Identifier: GPL-2.0-only
#include "run-probe.h"

#include <utility>

namespace flowchain
{

RunAudience::RunAudience(RunObserver& observer, std::vector<RunProbe*> probes)
    : m_observer(observer)
    , m_probes(std::move(probes))
{
}

void
RunAudience::OnNote(NodeId node, const Note& note, Instant now)
{
    m_observer.OnNote(node, note, now);
    for (RunProbe* probe : m_probes)
    {
        probe->OnNote(node, note, now);
    }
}

void
RunAudience::OnReceive(NodeId node, const Frame& frame, Instant now)
{
    m_observer.OnReceive(node, frame, now);
    for (RunProbe* probe : m_probes)
    {
        probe->OnReceive(node, frame, now);
    }
}

void
RunAudience::OnSend(NodeId node, const Frame& frame, Instant now)
{
    m_observer.OnSend(node, frame, now);
    for (RunProbe* probe : m_probes)
    {
        probe->OnSend(node, frame, now);
    }
}

void
RunAudience::OnNodeDown(NodeId node, Instant now)
{
    m_observer.OnNodeDown(node, now);
    for (RunProbe* probe : m_probes)
    {
        probe->OnNodeDown(node, now);
    }
}

void
RunAudience::OnNodeUp(NodeId node, Instant now)
{
    m_observer.OnNodeUp(node, now);
    for (RunProbe* probe : m_probes)
    {
        probe->OnNodeUp(node, now);
    }
}

void
RunAudience::OnSessionStart(std::uint32_t session, Instant now)
{
    m_observer.OnSessionStart(session, now);
    for (RunProbe* probe : m_probes)
    {
        probe->OnSessionStart(session, now);
    }
}

void
RunAudience::OnInjection(std::uint32_t session, bool toServer, Instant now)
{
    m_observer.OnInjection(session, toServer, now);
    for (RunProbe* probe : m_probes)
    {
        probe->OnInjection(session, toServer, now);
    }
}

void
RunAudience::OnFirstDelivery(std::uint32_t session, Instant injectedAt, Instant now)
{
    m_observer.OnFirstDelivery(session, injectedAt, now);
    for (RunProbe* probe : m_probes)
    {
        probe->OnFirstDelivery(session, injectedAt, now);
    }
}

void
RunAudience::OnDelivery(std::uint32_t session, bool atServer, Instant injectedAt, Instant now)
{
    m_observer.OnDelivery(session, atServer, injectedAt, now);
    for (RunProbe* probe : m_probes)
    {
        probe->OnDelivery(session, atServer, injectedAt, now);
    }
}

void
RunAudience::OnArrival(std::uint32_t session, const FlowKey& key, Instant injectedAt, Instant now)
{
    m_observer.OnArrival(session, key, injectedAt, now);
    for (RunProbe* probe : m_probes)
    {
        probe->OnArrival(session, key, injectedAt, now);
    }
}

void
RunAudience::OnPacketLost(std::uint32_t session, DropReason reason)
{
    m_observer.OnPacketLost(session, reason);
    for (RunProbe* probe : m_probes)
    {
        probe->OnPacketLost(session, reason);
    }
}

void
RunAudience::OnSessionEnd(std::uint32_t session, bool completed)
{
    m_observer.OnSessionEnd(session, completed);
    for (RunProbe* probe : m_probes)
    {
        probe->OnSessionEnd(session, completed);
    }
}

} // namespace flowchain
