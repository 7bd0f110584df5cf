// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CRASH_PLAN_H
#define FLOWCHAIN_CRASH_PLAN_H

#include "boundary.h"
#include "session-registry.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

/** Which boundaries of a run are to be tried, and with which nodes. */
struct PlanOptions
{
    Instant from{};
    Instant to = NEVER; ///< that instant included
    std::array<bool, BOUNDARY_KIND_COUNT> kinds{true, true, true, true};
    std::optional<std::uint32_t> session; ///< of the workload; absent: all
    /** Nodes that crash at each boundary. Empty: the node at which it is, and the accelerators,
     * managers and service nodes that have to do with its session within the window. */
    std::vector<NodeId> nodes;
    std::uint64_t pointsMax = 4096; ///< at most so many, evenly spread over those that there are
};

/** A boundary that is about a session. */
struct SeenBoundary
{
    std::uint64_t number = 0;
    BoundaryKind kind = BoundaryKind::SEND;
    NodeId node = NO_NODE;
    NodeId peer = NO_NODE;               ///< receiver of a SEND, sender of a RECEIVE
    std::string what;                    ///< "CHAIN", "CHAIN+FAN_OUT", "copy"
    std::vector<std::uint32_t> sessions; ///< of the workload, ascending
    Instant at{};
    /** Boundaries of one step of a node come one after the other. */
    std::uint64_t step = 0;
};

/** One crash to be tried. */
struct CrashTry
{
    SeenBoundary boundary;
    NodeId node = NO_NODE;
};

/** What there is to be tried. */
struct CrashPlan
{
    std::uint64_t boundaries = 0; ///< that were chosen from, all about sessions
    std::uint64_t points = 0;     ///< boundaries and nodes, before pointsMax
    /** Left out: within one step of a node, it is the same at which of its boundaries another node
     * crashes. */
    std::uint64_t same = 0;
    std::vector<CrashTry> tries; ///< by boundary, then by node
};

/** @param seen every boundary about a session within the window, by number */
CrashPlan MakeCrashPlan(const std::vector<SeenBoundary>& seen,
                        const Directory& directory,
                        const PlanOptions&);

/** What a boundary is about. Its number, kind, node and instant are those of `boundary`; it has no
 * session if it is about none. */
SeenBoundary Describe(const Boundary& boundary, const RunContext& context);

/** "boundary 12, manager[1] sends CHAIN to manager[2] for session 3" */
std::string BoundaryText(const SeenBoundary& boundary, const Directory& directory);

/** For another process: the plan as CBOR, and back. @throws std::runtime_error if it is none */
std::string EncodePlan(const CrashPlan& plan);
CrashPlan DecodePlan(std::string_view bytes);

} // namespace flowchain

#endif
