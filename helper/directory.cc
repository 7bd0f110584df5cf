// SPDX-License-Identifier: GPL-2.0-only
#include "scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

/** Adds nodes to the list of all of them. */
class Nodes
{
  public:
    std::vector<NodeId>
    Add(NodeRole role, std::size_t count, std::uint16_t group = 0, std::uint16_t service = 0)
    {
        assert(m_nodes.size() + count <= MAX_NODES);
        std::vector<NodeId> added;
        for (std::size_t i = 0; i < count; ++i)
        {
            added.push_back(static_cast<NodeId>(m_nodes.size()));
            m_nodes.push_back({.role = role, .group = group, .service = service});
        }
        return added;
    }

    const std::vector<Directory::Node>& All() const
    {
        return m_nodes;
    }

  private:
    std::vector<Directory::Node> m_nodes;
};

LbConfig
MakeLbConfig(const ServiceSection& service)
{
    LbConfig lb;
    for (const VipSection& vip : service.vips)
    {
        lb.services.push_back({{vip.address, vip.port}, ProtocolOf(vip)});
    }
    for (const BackendSection& backend : service.backends)
    {
        const auto index = static_cast<std::uint16_t>(lb.backends.size());
        lb.backends.push_back({backend.address, backend.port, backend.weight});
        if (backend.drainAt)
        {
            lb.changes.push_back({Instant(*backend.drainAt), index, false});
        }
        if (backend.restoreAt)
        {
            lb.changes.push_back({Instant(*backend.restoreAt), index, true});
        }
    }
    std::stable_sort(lb.changes.begin(),
                     lb.changes.end(),
                     [](const BackendChange& a, const BackendChange& b)
                     {
        return a.at < b.at;
    });
    lb.tableSize = service.tableSize;
    return lb;
}

FunctionConfig
MakeFunctionConfig(const ServiceSection& service, const std::vector<NodeId>& nodes)
{
    FunctionConfig function;
    function.kind = service.kind;
    function.nodes = nodes;
    function.tcpStrict = service.tcpStrict;
    function.nat.inside = service.inside;
    function.nat.external = service.external;
    function.nat.portFirst = service.portFirst;
    function.nat.portLast = service.portLast;
    function.lb = MakeLbConfig(service);
    return function;
}

template <typename Value>
void
Append(const std::vector<Value>& more, std::vector<Value>& list)
{
    list.insert(list.end(), more.begin(), more.end());
}

void
AddService(Nodes& nodes, const ServiceSection& service, std::uint16_t index, Directory& directory)
{
    for (const AcceleratorSection& section : service.accelerators)
    {
        Append(nodes.Add(NodeRole::ACCELERATOR, section.count, 0, index), directory.accelerators);
    }
    for (std::uint16_t group = 0; group < service.group.count; ++group)
    {
        directory.groups.push_back(
            nodes.Add(NodeRole::MANAGER, service.group.managers, group, index));
    }
    directory.serviceNodes = nodes.Add(NodeRole::SERVICE_NODE, service.nodes, 0, index);
    directory.inside = service.inside;
    directory.function = MakeFunctionConfig(service, directory.serviceNodes);
}

/** The part of a node's name before the brackets. */
const char*
BaseName(NodeRole role)
{
    switch (role)
    {
    case NodeRole::CLIENT:
        return "client";
    case NodeRole::SERVER:
        return "server";
    case NodeRole::ACCELERATOR:
        return "accelerator";
    case NodeRole::MANAGER:
        return "manager";
    case NodeRole::SERVICE_NODE:
        return "service";
    case NodeRole::CONTROLLER:
        return "controller";
    }
    return "";
}

SelectionConfig
MakeSelectionConfig(const SelectionSection& section)
{
    SelectionConfig config;
    config.method = section.method == "maglev" ? SelectionMethod::MAGLEV
                    : section.method == "jump" ? SelectionMethod::JUMP
                                               : SelectionMethod::RENDEZVOUS;
    config.hash =
        section.hash == "symmetric" ? SelectionHash::SYMMETRIC : SelectionHash::DIRECTIONAL;
    config.serviceNode = section.serviceNode == "least-loaded" ? ServiceNodeRule::LEAST_LOADED
                                                               : ServiceNodeRule::HASH;
    config.tableSize = section.tableSize;
    return config;
}

} // namespace

Directories
MakeDirectories(const Scenario& scenario)
{
    Nodes nodes;
    Directories directories;
    Directory& network = directories.network;
    network.clients = nodes.Add(NodeRole::CLIENT, scenario.topology.clients);
    network.servers = nodes.Add(NodeRole::SERVER, scenario.topology.servers);
    for (const ServiceSection& service : scenario.services)
    {
        network.services.push_back(service.name);
        network.groupNames.push_back(service.group.names);
        network.groupNames.back().resize(service.group.count);
    }
    network.selection = MakeSelectionConfig(scenario.selection);
    directories.services.assign(scenario.services.size(), network);
    for (std::uint16_t i = 0; i < directories.services.size(); ++i)
    {
        Directory& service = directories.services[i];
        AddService(nodes, scenario.services[i], i, service);
        Append(service.accelerators, network.accelerators);
        Append(service.groups, network.groups);
        Append(service.serviceNodes, network.serviceNodes);
    }
    network.controller = nodes.Add(NodeRole::CONTROLLER, 1).front();
    network.nodes = nodes.All();
    for (const FailureSection& failure : scenario.failures)
    {
        const NodeId added = failure.kind == "add" ? FindNode(network, failure.node) : NO_NODE;
        if (added != NO_NODE)
        {
            network.nodes[added].absent = true;
        }
    }
    for (Directory& service : directories.services)
    {
        service.controller = network.controller;
        service.nodes = network.nodes;
    }
    return directories;
}

std::string
NodeName(const Directory& directory, NodeId node)
{
    const Directory::Node& about = directory.nodes.at(node);
    if (about.role == NodeRole::CONTROLLER)
    {
        return BaseName(about.role);
    }
    // Nodes of one role and service group have consecutive ids.
    const auto first = std::find_if(directory.nodes.begin(),
                                    directory.nodes.end(),
                                    [&about](const Directory::Node& other)
                                    {
        return other.role == about.role && other.service == about.service;
    });
    const bool isQualified = IsOfService(about.role) && directory.services.size() > 1;
    return fmt::format("{}{}[{}]",
                       isQualified ? directory.services[about.service] + "." : "",
                       BaseName(about.role),
                       node - (first - directory.nodes.begin()));
}

NodeId
FindNode(const Directory& directory, const std::string& name)
{
    for (std::size_t node = 0; node < directory.nodes.size(); ++node)
    {
        if (NodeName(directory, static_cast<NodeId>(node)) == name)
        {
            return static_cast<NodeId>(node);
        }
    }
    return NO_NODE;
}

std::vector<std::uint16_t>
LeavesOfNodes(const Scenario& scenario, const Directory& directory)
{
    std::vector<std::uint16_t> leaves;
    for (std::size_t node = 0; node < directory.nodes.size(); ++node)
    {
        leaves.push_back(static_cast<std::uint16_t>(node % scenario.topology.leaves));
    }
    return leaves;
}

} // namespace flowchain
