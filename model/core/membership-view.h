// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_MEMBERSHIP_VIEW_H
#define FLOWCHAIN_MEMBERSHIP_VIEW_H

#include "function-config.h"
#include "maglev.h"
#include "selection-config.h"
#include "sync-message.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

enum class NodeRole : std::uint8_t
{
    CLIENT, ///< host on the inside
    SERVER, ///< host on the outside
    ACCELERATOR,
    MANAGER,
    SERVICE_NODE,
    CONTROLLER,
};

const char* ToString(NodeRole role);

/** Whether a node of this role belongs to a service group: hosts and the controller do not. */
constexpr bool
IsOfService(NodeRole role)
{
    return role == NodeRole::ACCELERATOR || role == NodeRole::MANAGER ||
           role == NodeRole::SERVICE_NODE;
}

/**
 * What every node knows from configuration and never changes during a run. There is one directory
 * for each service group: its own accelerators, flow managers, service nodes and addresses. The
 * nodes, hosts and controller of the whole run are the same in all of them.
 */
struct Directory
{
    struct Node
    {
        NodeRole role = NodeRole::CLIENT;
        std::uint16_t group = 0;   ///< flow-management group of a manager, within its service
        bool absent = false;       ///< configured, but not there when the run starts
        std::uint16_t service = 0; ///< index of the service group that the node belongs to
    };

    std::vector<Node> nodes; ///< of all service groups; index: NodeId
    std::vector<NodeId> clients;
    std::vector<NodeId> servers;
    std::vector<NodeId> accelerators;
    std::vector<std::vector<NodeId>> groups; ///< managers of each group, in chain order
    std::vector<NodeId> serviceNodes;
    NodeId controller = NO_NODE;
    /** Names of all service groups; nodes are called by them if there are several. */
    std::vector<std::string> services;
    /** Names that groups have besides their numbers, or ""; index: service group, group. */
    std::vector<std::vector<std::string>> groupNames;
    Prefix inside; ///< addresses of clients that use the service group
    FunctionConfig function;
    SelectionConfig selection;

    /** The host that has `address`: a client for the inside prefix, else a server.
     * @pre `address` is not one that the network function answers for, and there is such a host */
    NodeId HostOf(std::uint32_t address) const;

    /** The one of `hosts` that has `address`. @pre there is one */
    static NodeId HostAmong(const std::vector<NodeId>& hosts, std::uint32_t address);

    /** Whether two nodes have the same role in the same service group. */
    bool AreAlike(NodeId a, NodeId b) const
    {
        return nodes[a].role == nodes[b].role && nodes[a].service == nodes[b].service;
    }

    /** The Geneve VNI of messages between two nodes: the index of the service group that one of
     * them belongs to, the first one's if both do; 0 if neither does. */
    std::uint16_t VniBetween(NodeId a, NodeId b) const;
};

/** Ethernet address of a node: locally administered, 02:fc:00:00:hi:lo. */
std::array<std::uint8_t, 6> MacOf(NodeId node);
/** Underlay IPv4 address of a node: 172.16.hi.lo, lo counting from 1 upwards with the NodeId. */
std::uint32_t UnderlayAddressOf(NodeId node);

/** A Maglev table over nodes or groups. */
struct SelectionTable
{
    std::vector<std::uint16_t> members; ///< candidates of the table
    MaglevTable table;
};

/** Tables of SelectionMethod::MAGLEV, over what is active in a view. */
struct SelectionTables
{
    SelectionTable groups;                ///< those with an active manager
    std::vector<SelectionTable> managers; ///< index: group
    SelectionTable serviceNodes;
};

/**
 * A membership view: an epoch and what it says of each node. Everybody acts on a view, never on a
 * private guess.
 */
class MembershipView
{
  public:
    /** No view yet: epoch 0, everybody down. */
    explicit MembershipView(const Directory& directory);

    /** Epoch 1: everybody active who is not absent, incarnation 0. */
    static MembershipView Initial(const Directory& directory);

    /** Become the view that `body` describes. @pre body.count == number of nodes */
    void Adopt(const ViewBody& body);

    const ViewBody& Body() const
    {
        return m_body;
    }

    const Directory& Nodes() const
    {
        return *m_directory;
    }

    std::uint32_t Epoch() const
    {
        return m_body.epoch;
    }

    bool IsActive(NodeId node) const
    {
        return m_body.members[node].status == MemberStatus::ACTIVE;
    }

    /** ACTIVE, JOINING or DRAINING: gets live updates. */
    bool IsMember(NodeId node) const
    {
        return m_body.members[node].status != MemberStatus::DOWN;
    }

    MemberStatus Status(NodeId node) const
    {
        return m_body.members[node].status;
    }

    std::uint8_t Incarnation(NodeId node) const
    {
        return m_body.members[node].incarnation;
    }

    const std::vector<NodeId>& ActiveAccelerators() const
    {
        return m_accelerators;
    }

    const std::vector<std::vector<NodeId>>& ActiveGroups() const
    {
        return m_groups; ///< index: group; possibly empty lists
    }

    const std::vector<NodeId>& ActiveServiceNodes() const
    {
        return m_serviceNodes;
    }

    /** Active, joining and draining service nodes. */
    const std::vector<NodeId>& MemberServiceNodes() const
    {
        return m_memberServiceNodes;
    }

    /** Empty unless the directory's method is MAGLEV. Made anew, as far as their nodes have
     * changed, when the view changes. */
    const SelectionTables& Tables() const
    {
        return m_tables;
    }

  private:
    void Index();
    void MakeTables();

    const Directory* m_directory;
    ViewBody m_body;
    std::vector<NodeId> m_accelerators;
    std::vector<std::vector<NodeId>> m_groups;
    std::vector<NodeId> m_serviceNodes;
    std::vector<NodeId> m_memberServiceNodes;
    SelectionTables m_tables;
};

} // namespace flowchain

#endif
