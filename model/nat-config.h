// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_NAT_CONFIG_H
#define FLOWCHAIN_NAT_CONFIG_H

#include "nat44.h"

namespace flowchain
{

/** @returns the translation of the directory's service group, of its first node. */
inline Nat44Config
MakeNat44Config(const Directory& directory, std::uint16_t portFirst, std::uint16_t portLast)
{
    Nat44Config nat;
    nat.inside = directory.inside;
    nat.external = directory.external;
    nat.portFirst = portFirst;
    nat.portLast = portLast;
    nat.blocks = static_cast<std::uint16_t>(directory.serviceNodes.size());
    return nat;
}

} // namespace flowchain

#endif
