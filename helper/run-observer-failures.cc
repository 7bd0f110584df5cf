// SPDX-License-Identifier: GPL-2.0-only
// What the observer makes of crashes, returns and views.
#include "run-observer.h"

#include <algorithm>

namespace flowchain
{

std::vector<LiveNodes>
RunObserver::LiveNodesIf(const std::function<bool(NodeId)>& isLive) const
{
    std::vector<LiveNodes> services(m_config.services.size());
    for (NodeId node = 0; node < m_directory.nodes.size(); ++node)
    {
        const Directory::Node& about = m_directory.nodes[node];
        LiveNodes& live = services[about.service];
        if (about.role == NodeRole::SERVICE_NODE)
        {
            live.serviceNodes.set(node, isLive(node));
        }
        else if (about.role == NodeRole::MANAGER)
        {
            live.groups.resize(std::max<std::size_t>(live.groups.size(), about.group + 1U));
            live.groups[about.group].set(node, isLive(node));
        }
    }
    return services;
}

NodeMask
RunObserver::UpServiceNodes() const
{
    NodeMask up = m_serviceNodes;
    for (const auto& [node, since] : m_downSince)
    {
        up.reset(node);
    }
    return up;
}

NodeMask
RunObserver::OfService(NodeMask nodes, std::uint16_t service) const
{
    for (NodeId node = 0; node < m_directory.nodes.size(); ++node)
    {
        if (m_directory.nodes[node].service != service || m_downSince.contains(node))
        {
            nodes.reset(node);
        }
    }
    return nodes;
}

NodeMask
RunObserver::Survivors(std::uint16_t service) const
{
    // Where each service node is to have every session, one that took over for lack of any other,
    // its snapshot unfinished, survives nothing: then all have failed at once, which nobody
    // promises to survive. Elsewhere nobody gets a snapshot, and a node has what it has.
    return OfService(m_config.services[service].copies.everyServiceNode
                         ? m_holders & (m_complete | m_managers)
                         : m_holders,
                     service);
}

NodeMask
RunObserver::Restorers(std::uint16_t service) const
{
    return m_config.managersRestore ? OfService(m_managers & m_active, service) : NodeMask();
}

/** @param sessions of the registry, that are lost @returns those that have packets left */
std::uint64_t
RunObserver::CountLost(const std::vector<std::uint32_t>& sessions, std::uint16_t service)
{
    std::uint64_t lost = 0;
    for (const std::uint32_t index : sessions)
    {
        const std::uint32_t session = m_registry.At(index).workloadSession;
        if (session != SessionInfo::NO_SESSION)
        {
            lost += m_workload->HasTrafficLeft(session) ? 1 : 0;
            m_mayChange.resize(std::max<std::size_t>(m_mayChange.size(), session + 1));
            m_mayChange[session] = true;
            m_histories.Forgotten(session, m_registry.At(index).record.translated, m_clock());
        }
    }
    m_lost[service] += lost;
    return lost;
}

/** Where somebody serves again, what any of those who do has not got again is lost. */
void
RunObserver::JudgeRestored(const MembershipView& view, Instant now)
{
    for (std::uint16_t service = 0; service < m_isRestoring.size(); ++service)
    {
        if (!m_isRestoring[service])
        {
            continue;
        }
        NodeMask serving;
        bool isJoined = true;
        for (const NodeId node : m_directory.serviceNodes)
        {
            // A view may mean an earlier life of a node.
            const bool here = m_directory.nodes[node].service == service &&
                              !m_downSince.contains(node) &&
                              m_applications[node]->Incarnation() == view.Incarnation(node);
            serving.set(node, here && view.IsActive(node));
            isJoined = isJoined && !(here && view.Status(node) == MemberStatus::JOINING);
        }
        if (serving.any())
        {
            m_isRestoring[service] = m_config.managersRestore && !isJoined;
            const std::uint64_t lost = CountLost(m_checker.Restored(service, serving), service);
            if (m_config.managersRestore || lost != 0)
            {
                m_timeline.OnRestored(serving.count(), lost, LostSoFar(), now);
            }
        }
    }
}

/** Who joins is active once it has what those have that were active already. */
void
RunObserver::JudgeJoined(const MembershipView& view, Instant now)
{
    NodeMask stayed = m_active & m_complete;
    for (const NodeId node : m_directory.serviceNodes)
    {
        stayed.set(node, stayed.test(node) && view.IsActive(node));
    }
    for (const NodeId node : m_directory.serviceNodes)
    {
        const std::uint16_t service = m_directory.nodes[node].service;
        const bool here = !m_downSince.contains(node) &&
                          m_applications[node]->Incarnation() == view.Incarnation(node);
        const NodeMask donors = OfService(stayed, service);
        if (here && view.IsActive(node) && !m_active.test(node) && donors.any())
        {
            m_checker.Activated(node, service, now);
        }
    }
}

void
RunObserver::OnNodeDown(NodeId node, Instant now)
{
    m_sampler.Advance(now);
    m_downSince[node] = now;
    m_crashedAt[node] = now;
    m_joining.reset(node);
    m_complete.reset(node);
    const std::uint16_t service = m_directory.nodes[node].service;
    const NodeMask survivors = Survivors(service);
    const NodeMask restorers = survivors.any() ? NodeMask() : Restorers(service);
    m_isRestoring[service] = restorers.any();
    const std::uint64_t lost =
        CountLost(m_checker.Crashed(node, service, survivors, restorers, now), service);
    m_timeline.OnNodeDown(node, lost, LostSoFar(), now);
    if (m_managers.test(node))
    {
        for (std::size_t i = 0; i < m_registry.Size(); ++i)
        {
            m_registry.At(i).thirds.reset(node);
        }
    }
    m_copies.UpdateAll(now);
    for (std::size_t i = 0; i < m_registry.Size(); ++i)
    {
        UpdateZombie(m_registry.At(i), now);
    }
    UpdateLive(now);
    if (!m_drained.test(node))
    {
        m_first.TouchAsked(node, now);
        if (m_managers.test(node))
        {
            m_first.TouchAll(service, now);
        }
    }
    AfterCheck();
}

void
RunObserver::OnNodeUp(NodeId node, Instant now)
{
    m_sampler.Advance(now);
    m_timeline.OnNodeUp(node, now);
    m_downSince.erase(node);
    m_drained.reset(node);
    UpdateLive(now);
}

/** Tell who is up and, for all that the controller knows, in service. */
void
RunObserver::UpdateLive(Instant now)
{
    m_copies.SetLive(LiveNodesIf(
                         [this](NodeId node)
                         {
        return m_active.test(node) && !m_downSince.contains(node);
    }),
                     now);
}

void
RunObserver::NoteViewAdopted(NodeId node, std::uint64_t epoch, Instant now)
{
    if (node == m_directory.controller)
    {
        m_epoch = epoch;
        const MembershipView& view = m_applications[node]->Machine().View();
        JudgeJoined(view, now);
        for (NodeId member = 0; member < m_directory.nodes.size(); ++member)
        {
            m_active.set(member, view.IsActive(member));
            m_members.set(member, view.IsMember(member));
        }
        m_holders.reset();
        for (const NodeId member : view.MemberServiceNodes())
        {
            m_holders.set(member, view.Status(member) != MemberStatus::JOINING);
        }
        for (const auto& group : view.ActiveGroups())
        {
            for (const NodeId member : group)
            {
                m_holders.set(member, m_config.managersServe);
            }
        }
        for (const NodeId suspect : m_suspected)
        {
            const auto crash = m_crashedAt.find(suspect);
            if (crash != m_crashedAt.end())
            {
                m_detection.Add(now - crash->second);
                auto [entry, isNew] = m_crashOfEpoch.emplace(epoch, crash->second);
                entry->second = std::min(entry->second, crash->second);
            }
        }
        m_suspected.clear();
        for (std::uint16_t service = 0; service < m_isRestoring.size(); ++service)
        {
            // Whoever is left out of the view, though it may be up, is as good as down: what it
            // has does not come back with it.
            m_isRestoring[service] = m_isRestoring[service] || Survivors(service).none();
        }
        JudgeRestored(view, now);
        UpdateLive(now);
    }
    const auto crash = m_crashOfEpoch.find(epoch);
    if (crash != m_crashOfEpoch.end())
    {
        m_recovery.Add(now - crash->second);
    }
}

} // namespace flowchain
