// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_COPY_PLAN_H
#define FLOWCHAIN_COPY_PLAN_H

#include "session-record.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowchain
{

/** Whether a session's first packet travels with its state. */
enum class PacketPath : std::uint8_t
{
    STAYS,           ///< it waits at the root
    RELEASED_AT_END, ///< the last node of the path sends it on
    RETURNED,        ///< the last node of the path sends it back to the root
};

/**
 * Where the copies of one session's state go: along a path, node by node, each storing before it
 * forwards, and from one node of the path to a set of others at once.
 */
struct CopyPlan
{
    std::vector<NodeId> path; ///< the root, where the state comes from, is the first
    /** Place in the path, from 1, of the node that fans out (CN116389549: second flow manager). 0:
     * none does. */
    std::size_t position = 0;
    std::vector<NodeId> fan; ///< to whom; none of them is the root
    PacketPath packet = PacketPath::STAYS;

    void Clear()
    {
        path.clear();
        position = 0;
        fan.clear();
        packet = PacketPath::STAYS;
    }
};

} // namespace flowchain

#endif
