// SPDX-License-Identifier: GPL-2.0-only
#include "membership-view.h"

#include "flow-hash.h"

#include <cassert>

namespace flowchain
{

namespace
{

constexpr std::uint32_t UNDERLAY_NETWORK = 0xac100000; // 172.16.0.0

/** Maglev's names of groups, apart from those of nodes. */
constexpr std::uint64_t FIRST_GROUP_NAME = std::uint64_t{NO_NODE} + 1;

/** Make the table anew unless it has these members. */
void
Renew(SelectionTable& table,
      const std::vector<std::uint16_t>& members,
      std::uint64_t firstName,
      std::uint32_t size)
{
    if (table.members == members)
    {
        return;
    }
    std::vector<MaglevTable::Candidate> candidates;
    for (const std::uint16_t member : members)
    {
        candidates.push_back({firstName + member, 1});
    }
    table.members = members;
    table.table = MaglevTable(candidates, size);
}

} // namespace

const char*
ToString(NodeRole role)
{
    static constexpr std::array<const char*, 6> NAMES = {
        "client",
        "server",
        "accelerator",
        "manager",
        "service-node",
        "controller",
    };
    return NAMES[static_cast<std::size_t>(role)];
}

NodeId
Directory::HostOf(std::uint32_t address) const
{
    return HostAmong(inside.Contains(address) ? clients : servers, address);
}

NodeId
Directory::HostAmong(const std::vector<NodeId>& hosts, std::uint32_t address)
{
    assert(!hosts.empty());
    return hosts[Mix64(address) % hosts.size()];
}

std::uint16_t
Directory::VniBetween(NodeId a, NodeId b) const
{
    const Node& node = IsOfService(nodes[a].role) ? nodes[a] : nodes[b];
    return IsOfService(node.role) ? node.service : 0;
}

std::array<std::uint8_t, 6>
MacOf(NodeId node)
{
    return {0x02,
            0xfc,
            0x00,
            0x00,
            static_cast<std::uint8_t>(node >> 8),
            static_cast<std::uint8_t>(node)};
}

std::uint32_t
UnderlayAddressOf(NodeId node)
{
    assert(node != NO_NODE);
    return UNDERLAY_NETWORK + node + 1;
}

MembershipView::MembershipView(const Directory& directory)
    : m_directory(&directory)
{
    assert(directory.nodes.size() <= MAX_NODES);
    m_body.count = static_cast<std::uint16_t>(directory.nodes.size());
    Index();
}

MembershipView
MembershipView::Initial(const Directory& directory)
{
    MembershipView view(directory);
    view.m_body.epoch = 1;
    for (std::size_t node = 0; node < view.m_body.count; ++node)
    {
        if (!directory.nodes[node].absent)
        {
            view.m_body.members[node].status = MemberStatus::ACTIVE;
        }
    }
    view.Index();
    return view;
}

void
MembershipView::Adopt(const ViewBody& body)
{
    assert(body.count == m_directory->nodes.size());
    m_body = body;
    Index();
}

void
MembershipView::Index()
{
    const auto active = [this](const std::vector<NodeId>& nodes)
    {
        std::vector<NodeId> result;
        for (const NodeId node : nodes)
        {
            if (IsActive(node))
            {
                result.push_back(node);
            }
        }
        return result;
    };
    m_accelerators = active(m_directory->accelerators);
    m_serviceNodes = active(m_directory->serviceNodes);
    m_groups.clear();
    for (const std::vector<NodeId>& group : m_directory->groups)
    {
        m_groups.push_back(active(group));
    }
    m_memberServiceNodes.clear();
    for (const NodeId node : m_directory->serviceNodes)
    {
        if (IsMember(node))
        {
            m_memberServiceNodes.push_back(node);
        }
    }
    if (m_directory->selection.method == SelectionMethod::MAGLEV)
    {
        MakeTables();
    }
}

void
MembershipView::MakeTables()
{
    const std::uint32_t size = m_directory->selection.tableSize;
    std::vector<std::uint16_t> groups;
    m_tables.managers.resize(m_groups.size());
    for (std::size_t group = 0; group < m_groups.size(); ++group)
    {
        Renew(m_tables.managers[group], m_groups[group], 0, size);
        if (!m_groups[group].empty())
        {
            groups.push_back(static_cast<std::uint16_t>(group));
        }
    }
    Renew(m_tables.groups, groups, FIRST_GROUP_NAME, size);
    Renew(m_tables.serviceNodes, m_serviceNodes, 0, size);
}

} // namespace flowchain
