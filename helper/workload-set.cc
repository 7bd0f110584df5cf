// SPDX-License-Identifier: GPL-2.0-only
#include "workload-set.h"

#include "workload-sessions.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <limits>
#include <stdexcept>
#include <utility>

namespace flowchain
{

namespace
{

/** What the hosts know of the service group. */
BalancedService
BalancedBy(const ServiceSection& service, const std::string& protocol)
{
    BalancedService balanced;
    for (const VipSection& vip : service.vips)
    {
        if (vip.protocol != protocol)
        {
            continue;
        }
        balanced.vips.push_back({vip.address, vip.port});
        for (const BackendSection& backend : service.backends)
        {
            balanced.backends.push_back(
                {backend.address, backend.port == 0 ? vip.port : backend.port});
        }
    }
    return balanced;
}

} // namespace

WorkloadSet::WorkloadSet(const std::vector<WorkloadSection>& sections,
                         const std::vector<ServiceSection>& services,
                         std::uint64_t seed)
{
    std::uint32_t generators = 0;
    for (const WorkloadSection& section : sections)
    {
        const ServiceSection& service = services.at(section.serviceIndex);
        try
        {
            if (section.kind == "replay")
            {
                AddReplay(section, service.inside);
            }
            else
            {
                Add(std::make_unique<SessionsWorkload>(
                        section.sessions,
                        service.inside,
                        Instant{section.start},
                        seed,
                        generators++,
                        Sessions(),
                        BalancedBy(service, section.sessions.protocol)),
                    section.serviceIndex);
            }
        }
        catch (const std::invalid_argument& error)
        {
            throw std::invalid_argument(
                fmt::format("workload \"{}\": {}", section.name, error.what()));
        }
    }
}

void
WorkloadSet::AddReplay(const WorkloadSection& section, const Prefix& inside)
{
    ReplayCapture capture(PcapFile::Load(section.replay.fileResolved), inside);
    for (std::size_t i = 0; i < m_skipped.size(); ++i)
    {
        m_skipped[i] += capture.Skipped()[i];
    }
    Add(std::make_unique<ReplayWorkload>(std::move(capture),
                                         Instant{section.start},
                                         section.replay.timeScalePermille,
                                         Sessions()),
        section.serviceIndex);
}

void
WorkloadSet::Add(std::unique_ptr<Workload> workload, std::uint16_t service)
{
    assert(m_owners.empty() && m_workloads.size() < NOBODY);
    assert(workload->FirstSession() == Sessions());
    m_workloads.push_back(std::move(workload));
    m_services.push_back(service);
}

std::optional<Instant>
WorkloadSet::NextWakeup() const
{
    std::optional<Instant> next;
    for (const auto& workload : m_workloads)
    {
        const auto own = workload->NextWakeup();
        if (own && (!next || *own < *next))
        {
            next = own;
        }
    }
    return next;
}

void
WorkloadSet::Wakeup(Instant now, FramePool& pool, PacketLedger& ledger, std::vector<Outgoing>& out)
{
    for (std::size_t i = 0; i < m_workloads.size(); ++i)
    {
        const std::size_t before = out.size();
        m_workloads[i]->Wakeup(now, pool, ledger, out);
        for (std::size_t k = before; k < out.size(); ++k)
        {
            const std::uint32_t id = out[k].frame->packetId;
            m_owners.resize(std::max<std::size_t>(m_owners.size(), id + std::size_t{1}), NOBODY);
            m_owners[id] = static_cast<std::uint8_t>(i);
        }
    }
}

Arrival
WorkloadSet::Receive(const Frame& frame, const PacketView& view, bool atServer, Instant now)
{
    Workload* const owner = OwnerOf(frame.packetId);
    assert(owner != nullptr);
    return owner->Receive(frame, view, atServer, now);
}

void
WorkloadSet::PacketDropped(std::uint32_t packetId, DropReason reason)
{
    if (Workload* const owner = OwnerOf(packetId))
    {
        owner->PacketDropped(packetId, reason);
    }
}

std::uint32_t
WorkloadSet::Sessions() const
{
    return m_workloads.empty()
               ? 0
               : m_workloads.back()->FirstSession() + m_workloads.back()->Sessions();
}

std::optional<std::uint32_t>
WorkloadSet::SessionOf(const FlowKey& original) const
{
    std::optional<std::uint32_t> last;
    for (const auto& workload : m_workloads)
    {
        const auto found = workload->SessionOf(original);
        if (found && (!last || StartOf(*last) < workload->StartOf(*found)))
        {
            last = found;
        }
    }
    return last;
}

FlowKey
WorkloadSet::KeyOf(std::uint32_t session) const
{
    return WorkloadOf(session).KeyOf(session);
}

std::optional<Instant>
WorkloadSet::StartOf(std::uint32_t session) const
{
    return WorkloadOf(session).StartOf(session);
}

bool
WorkloadSet::HasTrafficLeft(std::uint32_t session) const
{
    return WorkloadOf(session).HasTrafficLeft(session);
}

WorkloadCounters
WorkloadSet::Counters() const
{
    WorkloadCounters sum;
    for (const auto& workload : m_workloads)
    {
        sum += workload->Counters();
    }
    return sum;
}

WorkloadCounters
WorkloadSet::CountersOf(std::uint16_t service) const
{
    WorkloadCounters sum;
    for (std::size_t i = 0; i < m_workloads.size(); ++i)
    {
        if (m_services[i] == service)
        {
            sum += m_workloads[i]->Counters();
        }
    }
    return sum;
}

void
WorkloadSet::SetListener(WorkloadListener* listener)
{
    for (const auto& workload : m_workloads)
    {
        workload->SetListener(listener);
    }
}

std::uint16_t
WorkloadSet::ServiceOf(std::uint32_t session) const
{
    return m_services[IndexOf(session)];
}

std::uint16_t
WorkloadSet::ServiceOfPacket(std::uint32_t packetId) const
{
    assert(OwnerOf(packetId) != nullptr);
    return m_services[m_owners[packetId]];
}

std::size_t
WorkloadSet::IndexOf(std::uint32_t session) const
{
    assert(session < Sessions());
    std::size_t index = 0;
    while (session - m_workloads[index]->FirstSession() >= m_workloads[index]->Sessions())
    {
        ++index;
    }
    return index;
}

Workload&
WorkloadSet::WorkloadOf(std::uint32_t session) const
{
    return *m_workloads[IndexOf(session)];
}

Workload*
WorkloadSet::OwnerOf(std::uint32_t packetId) const
{
    if (packetId >= m_owners.size() || m_owners[packetId] == NOBODY)
    {
        return nullptr;
    }
    return m_workloads[m_owners[packetId]].get();
}

} // namespace flowchain
