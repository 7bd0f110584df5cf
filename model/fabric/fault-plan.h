// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAULT_PLAN_H
#define FLOWCHAIN_FAULT_PLAN_H

#include "drop-reason.h"
#include "instant.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace flowchain
{

/** What chance does to the frames of a directed link. Probabilities are in parts per million and
 * independent of each other; a frame that is lost suffers nothing else. */
struct Impairment
{
    std::uint32_t lossPerMillion = 0;
    /** The port sends a copy right behind the frame, which takes its time on the wire and its place
     * in the queue. A copy is not duplicated again on that link. */
    std::uint32_t duplicatePerMillion = 0;
    std::uint32_t reorderPerMillion = 0;
    Duration reorderDelay{50'000'000}; ///< of a reordered frame: later ones overtake it
    /**
     * One bit flips, at a random place behind the preamble and before the FCS, which is not
     * checked: the damaged frame gets through to switches and hosts. A frame is damaged at most
     * once on its way, because 16-bit sums find every single error, but not all double ones.
     */
    std::uint32_t corruptPerMillion = 0;
    Duration extraDelay{}; ///< of every frame, besides the propagation
    /** Each frame is late by up to so much more, uniformly; but as in a queue, none overtakes
     * another on its link by it. */
    Duration jitter{};

    bool IsNone() const
    {
        return lossPerMillion == 0 && duplicatePerMillion == 0 && reorderPerMillion == 0 &&
               corruptPerMillion == 0 && extraDelay == Duration::zero() &&
               jitter == Duration::zero();
    }
};

/** Changes what is said of some links for frames that are sent in [from, until). */
struct LinkRule
{
    std::vector<std::uint32_t> links; ///< indices
    Instant from{};
    Instant until = NEVER;
    std::optional<std::uint32_t> lossPerMillion;
    std::optional<std::uint32_t> duplicatePerMillion;
    std::optional<std::uint32_t> reorderPerMillion;
    std::optional<std::uint32_t> corruptPerMillion;
    std::optional<Duration> reorderDelay;
    std::optional<Duration> extraDelay;
    std::optional<Duration> jitter;
};

/** Links carry nothing in [from, until): what is under way on them at any instant of it is lost. */
struct LinkOutage
{
    std::vector<std::uint32_t> links;
    Instant from{};
    Instant until = NEVER;
    DropReason reason = DropReason::LINK_CUT;
};

/** Frames that are sent from one set of hosts to the other in [from, until) are dropped at the far
 * end of the sender's link (DropReason::PARTITIONED). */
struct Partition
{
    std::vector<bool> first; ///< index: NodeId; whether the host is in the first set
    std::vector<bool> second;
    bool isOneWay = false; ///< only what the first set sends to the second is dropped
    Instant from{};
    Instant until = NEVER;
};

/** Leaves send nothing to a spine in [from, until), unless they avoid all spines. */
struct SpineDetour
{
    std::uint16_t spine = 0;
    Instant from{};
    Instant until = NEVER;
};

/** All that will go wrong in a network, as far as it is known. */
struct FaultPlan
{
    Impairment everywhere;
    std::vector<LinkRule> rules; ///< later ones override earlier ones, and `everywhere`
    std::vector<LinkOutage> outages;
    std::vector<Partition> partitions;
    std::vector<SpineDetour> detours;
};

} // namespace flowchain

#endif
