// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAILURE_KINDS_H
#define FLOWCHAIN_FAILURE_KINDS_H

#include "membership-view.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace flowchain
{

/** Keys of `[[failure]]` that only some kinds have; `kind` and `at` stand in all. A set of them is
 * a sum. EVENT is `on` with `delay`, CHANCE is `mtbf` with `until`. */
namespace failure_key
{
constexpr std::uint32_t NODE = 1U << 0;
constexpr std::uint32_t RECOVER_AFTER = 1U << 1;
constexpr std::uint32_t DIRECTION = 1U << 2;
constexpr std::uint32_t BETWEEN = 1U << 3;
constexpr std::uint32_t FACTOR = 1U << 4;
constexpr std::uint32_t LEAF = 1U << 5;
constexpr std::uint32_t SPINE = 1U << 6;
constexpr std::uint32_t REROUTE_AFTER = 1U << 7;
constexpr std::uint32_t EVENT = 1U << 8;
constexpr std::uint32_t CHANCE = 1U << 9;
constexpr std::uint32_t STATE = 1U << 10;
constexpr std::uint32_t IMPAIRMENT = 1U << 11; ///< keys of LinkQuality
} // namespace failure_key

/** Sets of NodeRole. */
constexpr std::uint32_t
RoleBit(NodeRole role)
{
    return 1U << static_cast<unsigned>(role);
}

/** What a node is until it recovers: nothing may make it so again before. */
enum class NodeState : std::uint8_t
{
    UNCHANGED,
    DOWN,
    SLOW,
    PAUSED,
    MISTIMED, ///< its clock is wrong
};

/** "down", as messages say it. */
const char* ToString(NodeState state);

/** What a `[[failure]]` of a kind may say. */
struct FailureKind
{
    const char* name;
    std::uint32_t required;    ///< keys, of failure_key
    std::uint32_t optional;    ///< keys, of failure_key
    std::uint32_t targetRoles; ///< RoleBit() of the nodes that `node` may name
    NodeState state;           ///< of the node that is named
    bool isOfLinks = false;    ///< it strikes links, not nodes

    bool Has(std::uint32_t key) const
    {
        return ((required | optional) & key) != 0;
    }

    bool Needs(std::uint32_t key) const
    {
        return (required & key) != 0;
    }
};

/** Every kind, in the order of the documentation. The one list of the project: a kind is a row
 * here, and what FaultInjector does for it. */
std::span<const FailureKind> FailureKinds();

/** @returns null if there is no such kind. */
const FailureKind* FindFailureKind(std::string_view name);

} // namespace flowchain

#endif
