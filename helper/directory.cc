// SPDX-License-Identifier: GPL-2.0-only
#include "scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

NodeId
AddNode(Directory& directory, NodeRole role, std::uint16_t group = 0)
{
    assert(directory.nodes.size() < MAX_NODES);
    directory.nodes.push_back({role, group});
    return static_cast<NodeId>(directory.nodes.size() - 1);
}

void
AddNodes(Directory& directory, NodeRole role, std::size_t count, std::vector<NodeId>& list)
{
    for (std::size_t i = 0; i < count; ++i)
    {
        list.push_back(AddNode(directory, role));
    }
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

FunctionConfig
MakeFunctionConfig(const Scenario& scenario, const std::vector<NodeId>& nodes)
{
    const ServiceSection& service = scenario.service;
    FunctionConfig function;
    function.kind = service.kind;
    function.nodes = nodes;
    function.tcpStrict = service.tcpStrict;
    function.nat.inside = service.inside;
    function.nat.external = service.external;
    function.nat.portFirst = service.portFirst;
    function.nat.portLast = service.portLast;
    return function;
}

} // namespace

Directory
MakeDirectory(const Scenario& scenario)
{
    Directory directory;
    AddNodes(directory, NodeRole::CLIENT, scenario.topology.clients, directory.clients);
    AddNodes(directory, NodeRole::SERVER, scenario.topology.servers, directory.servers);
    for (const auto& section : scenario.accelerators)
    {
        AddNodes(directory, NodeRole::ACCELERATOR, section.count, directory.accelerators);
    }
    for (std::uint16_t group = 0; group < scenario.group.count; ++group)
    {
        auto& members = directory.groups.emplace_back();
        for (std::uint16_t i = 0; i < scenario.group.managers; ++i)
        {
            members.push_back(AddNode(directory, NodeRole::MANAGER, group));
        }
    }
    AddNodes(directory, NodeRole::SERVICE_NODE, scenario.service.nodes, directory.serviceNodes);
    directory.controller = AddNode(directory, NodeRole::CONTROLLER);
    for (const FailureSection& failure : scenario.failures)
    {
        const NodeId added = failure.kind == "add" ? FindNode(directory, failure.node) : NO_NODE;
        if (added != NO_NODE)
        {
            directory.nodes[added].absent = true;
        }
    }
    directory.inside = scenario.service.inside;
    directory.function = MakeFunctionConfig(scenario, directory.serviceNodes);
    return directory;
}

std::string
NodeName(const Directory& directory, NodeId node)
{
    const auto role = directory.nodes.at(node).role;
    if (role == NodeRole::CONTROLLER)
    {
        return BaseName(role);
    }
    // Nodes of one role have consecutive ids.
    const auto first = std::find_if(directory.nodes.begin(),
                                    directory.nodes.end(),
                                    [role](const auto& other)
                                    {
        return other.role == role;
    });
    return fmt::format("{}[{}]", BaseName(role), node - (first - directory.nodes.begin()));
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
