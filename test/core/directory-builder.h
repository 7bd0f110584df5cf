// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_DIRECTORY_BUILDER_H
#define FLOWCHAIN_DIRECTORY_BUILDER_H

#include "membership-view.h"

namespace flowchain
{

/**
 * Fluent construction of a directory, node by node in the order of the calls:
 * `DirectoryBuilder().Servers(2).Group(3).Group(1).ServiceNodes(4).Build()`.
 */
class DirectoryBuilder
{
  public:
    DirectoryBuilder& Clients(int count)
    {
        return Add(count, NodeRole::CLIENT, m_directory.clients);
    }

    DirectoryBuilder& Servers(int count)
    {
        return Add(count, NodeRole::SERVER, m_directory.servers);
    }

    DirectoryBuilder& Accelerators(int count)
    {
        return Add(count, NodeRole::ACCELERATOR, m_directory.accelerators);
    }

    DirectoryBuilder& ServiceNodes(int count)
    {
        return Add(count, NodeRole::SERVICE_NODE, m_directory.serviceNodes);
    }

    /** A flow-management group of `count` managers. */
    DirectoryBuilder& Group(int count)
    {
        m_directory.groups.emplace_back();
        return Add(count, NodeRole::MANAGER, m_directory.groups.back());
    }

    Directory Build() const
    {
        return m_directory;
    }

  private:
    DirectoryBuilder& Add(int count, NodeRole role, std::vector<NodeId>& list)
    {
        const auto groups = static_cast<std::uint16_t>(m_directory.groups.size());
        const std::uint16_t group =
            role == NodeRole::MANAGER ? static_cast<std::uint16_t>(groups - 1) : std::uint16_t{0};
        for (int i = 0; i < count; ++i)
        {
            list.push_back(static_cast<NodeId>(m_directory.nodes.size()));
            m_directory.nodes.push_back({role, group});
        }
        return *this;
    }

    Directory m_directory;
};

/** The view with one node's status changed, one epoch later. */
inline MembershipView
With(const MembershipView& view, NodeId node, MemberStatus status)
{
    ViewBody body = view.Body();
    ++body.epoch;
    body.members[node].status = status;
    MembershipView next = view;
    next.Adopt(body);
    return next;
}

} // namespace flowchain

#endif
