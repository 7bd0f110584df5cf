// SPDX-License-Identifier: GPL-2.0-only
#include "failure-kinds.h"

#include <algorithm>

namespace flowchain
{

namespace
{

constexpr std::uint32_t SYSTEM_ROLES =
    RoleBit(NodeRole::ACCELERATOR) | RoleBit(NodeRole::MANAGER) | RoleBit(NodeRole::SERVICE_NODE);

constexpr std::uint32_t ALL_ROLES = ~0U;

constexpr std::uint32_t WHEN = failure_key::EVENT | failure_key::CHANCE;

constexpr FailureKind KINDS[] = {
    {.name = "crash",
     .required = failure_key::NODE,
     .optional = failure_key::STATE | failure_key::RECOVER_AFTER | WHEN,
     .targetRoles = SYSTEM_ROLES | RoleBit(NodeRole::CONTROLLER),
     .state = NodeState::DOWN},
    {.name = "pause",
     .required = failure_key::NODE,
     .optional = failure_key::RECOVER_AFTER | WHEN,
     .targetRoles = SYSTEM_ROLES | RoleBit(NodeRole::CONTROLLER),
     .state = NodeState::PAUSED},
    {.name = "slow",
     .required = failure_key::NODE | failure_key::FACTOR,
     .optional = failure_key::RECOVER_AFTER | WHEN,
     .targetRoles = SYSTEM_ROLES | RoleBit(NodeRole::CONTROLLER),
     .state = NodeState::SLOW},
    {.name = "clock",
     .required = failure_key::NODE | failure_key::FACTOR,
     .optional = failure_key::RECOVER_AFTER | WHEN,
     .targetRoles = SYSTEM_ROLES | RoleBit(NodeRole::CONTROLLER),
     .state = NodeState::MISTIMED},
    {.name = "cut",
     .required = failure_key::NODE,
     .optional = failure_key::DIRECTION | failure_key::RECOVER_AFTER | WHEN,
     .targetRoles = ALL_ROLES,
     .state = NodeState::UNCHANGED,
     .isOfLinks = true},
    {.name = "partition",
     .required = failure_key::BETWEEN,
     .optional = failure_key::DIRECTION | failure_key::RECOVER_AFTER | WHEN,
     .targetRoles = 0,
     .state = NodeState::UNCHANGED,
     .isOfLinks = true},
    {.name = "spine",
     .required = failure_key::SPINE,
     .optional = failure_key::RECOVER_AFTER | failure_key::REROUTE_AFTER | WHEN,
     .targetRoles = 0,
     .state = NodeState::UNCHANGED,
     .isOfLinks = true},
    {.name = "leaf",
     .required = failure_key::LEAF,
     .optional = failure_key::RECOVER_AFTER | WHEN,
     .targetRoles = 0,
     .state = NodeState::UNCHANGED,
     .isOfLinks = true},
    {.name = "impair",
     .required = failure_key::IMPAIRMENT,
     .optional = failure_key::NODE | failure_key::LEAF | failure_key::SPINE |
                 failure_key::DIRECTION | failure_key::RECOVER_AFTER | WHEN,
     .targetRoles = ALL_ROLES,
     .state = NodeState::UNCHANGED,
     .isOfLinks = true},
    {.name = "drain",
     .required = failure_key::NODE,
     .optional = failure_key::EVENT,
     .targetRoles = SYSTEM_ROLES,
     .state = NodeState::UNCHANGED},
    {.name = "upgrade",
     .required = failure_key::NODE,
     .optional = failure_key::RECOVER_AFTER | failure_key::EVENT,
     .targetRoles = SYSTEM_ROLES,
     .state = NodeState::UNCHANGED},
    {.name = "add",
     .required = failure_key::NODE,
     .optional = 0,
     .targetRoles = SYSTEM_ROLES,
     .state = NodeState::UNCHANGED},
    {.name = "suspect",
     .required = failure_key::NODE,
     .optional = WHEN,
     .targetRoles = SYSTEM_ROLES,
     .state = NodeState::UNCHANGED},
};

} // namespace

std::span<const FailureKind>
FailureKinds()
{
    return KINDS;
}

const char*
ToString(NodeState state)
{
    switch (state)
    {
    case NodeState::UNCHANGED:
        break;
    case NodeState::DOWN:
        return "down";
    case NodeState::SLOW:
        return "slow";
    case NodeState::PAUSED:
        return "paused";
    case NodeState::MISTIMED:
        return "mistimed";
    }
    return "as before";
}

const FailureKind*
FindFailureKind(std::string_view name)
{
    const auto* const found = std::ranges::find(KINDS, name, &FailureKind::name);
    return found == std::end(KINDS) ? nullptr : found;
}

} // namespace flowchain
