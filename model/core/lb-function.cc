// SPDX-License-Identifier: GPL-2.0-only
#include "lb-function.h"

#include "flow-hash.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

/** Seed of FlowHash(), apart from those of the tables and of the Selector. */
constexpr std::uint64_t BACKEND_SEED = 4;

const VirtualService*
FindService(const LbConfig& config, const Endpoint& endpoint, IpProtocol protocol)
{
    const auto service = std::find_if(config.services.begin(),
                                      config.services.end(),
                                      [&](const VirtualService& s)
                                      {
        return s.endpoint == endpoint && s.protocol == protocol;
    });
    return service == config.services.end() ? nullptr : &*service;
}

Endpoint
TargetOf(const VirtualService& service, const Backend& backend)
{
    return {backend.address, backend.port == 0 ? service.endpoint.port : backend.port};
}

bool
IsFromBackend(const LbConfig& config, const FlowKey& key)
{
    for (const VirtualService& service : config.services)
    {
        for (const Backend& backend : config.backends)
        {
            if (service.protocol == key.protocol && TargetOf(service, backend) == key.source)
            {
                return true;
            }
        }
    }
    return false;
}

} // namespace

LbFunction::LbFunction(const FunctionConfig& config, const FunctionInstance&)
    : m_config(config.lb)
    , m_tcpStrict(config.tcpStrict)
    , m_inService(config.lb.backends.size(), true)
{
    assert(std::is_sorted(m_config.changes.begin(),
                          m_config.changes.end(),
                          [](const BackendChange& a, const BackendChange& b)
                          {
        return a.at < b.at;
    }));
    Rebuild();
}

DropReason
LbFunction::Open(const PacketView& packet, SessionStore& store, Instant now, FlowKey& translated)
{
    const VirtualService* service =
        FindService(m_config, packet.key.destination, packet.key.protocol);
    if (service == nullptr)
    {
        return IsFromBackend(m_config, packet.key) ? DropReason::NO_BINDING : DropReason::NO_VIP;
    }
    if (m_tcpStrict && IsMidConnection(packet))
    {
        return DropReason::NO_SESSION;
    }
    FollowChanges(now);
    if (m_table.IsEmpty())
    {
        return DropReason::NO_BACKEND;
    }
    translated = packet.key;
    const std::vector<std::uint16_t>& slots = m_table.Slots();
    const std::size_t first = FlowHash(packet.key, BACKEND_SEED) % slots.size();
    std::vector<bool> tried(m_candidates.size(), false);
    for (std::size_t i = 0; i < slots.size(); ++i)
    {
        const std::uint16_t candidate = slots[(first + i) % slots.size()];
        if (!tried[candidate])
        {
            tried[candidate] = true;
            translated.destination = TargetOf(*service, m_config.backends[m_candidates[candidate]]);
            if (store.Find(translated.Reversed()).record == nullptr)
            {
                return DropReason::NONE;
            }
        }
    }
    return DropReason::NO_BACKEND;
}

void
LbFunction::Close(const SessionRecord&)
{
    // A backend has no limit of sessions: nothing was taken.
}

void
LbFunction::FollowChanges(Instant now)
{
    bool changed = false;
    while (m_changesDone < m_config.changes.size() && m_config.changes[m_changesDone].at <= now)
    {
        const BackendChange& change = m_config.changes[m_changesDone++];
        changed = changed || m_inService[change.backend] != change.inService;
        m_inService[change.backend] = change.inService;
    }
    if (changed)
    {
        Rebuild();
    }
}

void
LbFunction::Rebuild()
{
    m_candidates.clear();
    std::vector<MaglevTable::Candidate> candidates;
    for (std::size_t i = 0; i < m_config.backends.size(); ++i)
    {
        const Backend& backend = m_config.backends[i];
        if (m_inService[i])
        {
            m_candidates.push_back(static_cast<std::uint16_t>(i));
            candidates.push_back(
                {std::uint64_t{backend.address} << 16 | backend.port, backend.weight});
        }
    }
    m_table = MaglevTable(candidates, m_config.tableSize);
}

LbTopology::LbTopology(const FunctionConfig& config)
    : m_config(config.lb)
{
}

bool
LbTopology::IsReverse(const FlowKey& key) const
{
    return FindService(m_config, key.destination, key.protocol) == nullptr &&
           IsFromBackend(m_config, key);
}

std::optional<NodeId>
LbTopology::CreatorOf(const FlowKey&) const
{
    return std::nullopt;
}

} // namespace flowchain
