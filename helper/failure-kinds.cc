// SPDX-License-Identifier: GPL-2.0-only
#include "failure-kinds.h"

#include <algorithm>

namespace flowchain
{

namespace
{

constexpr std::uint32_t SYSTEM_ROLES =
    RoleBit(NodeRole::ACCELERATOR) | RoleBit(NodeRole::MANAGER) | RoleBit(NodeRole::SERVICE_NODE);

constexpr FailureKind KINDS[] = {
    {.name = "crash",
     .required = failure_key::NODE,
     .optional = failure_key::RECOVER_AFTER,
     .targetRoles = SYSTEM_ROLES,
     .takesNodeDown = true},
};

} // namespace

std::span<const FailureKind>
FailureKinds()
{
    return KINDS;
}

const FailureKind*
FindFailureKind(std::string_view name)
{
    const auto* const found = std::ranges::find(KINDS, name, &FailureKind::name);
    return found == std::end(KINDS) ? nullptr : found;
}

} // namespace flowchain
