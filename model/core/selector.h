// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SELECTOR_H
#define FLOWCHAIN_SELECTOR_H

#include "flow-key.h"
#include "membership-view.h"

#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * Selections by rendezvous hashing (Thaler & Ravishankar 1998): pure functions of a hash and a
 * view, so two nodes with the same view agree, and a change of one member moves only that member's
 * flows. Each purpose has a seed of its own, so that selections are independent. Mix64 is
 * bijective, so distinct candidates never tie.
 */
class Selector
{
  public:
    /** Two stages, group then manager, over the directional tuple (CN116389549, claims 1-2). An
     * empty group is never picked. @returns NO_NODE if no manager is active. */
    static NodeId Manager(const FlowKey& key, const MembershipView& view);

    /** First service node of a new session. @returns NO_NODE if none is active. */
    static NodeId ServiceNode(const FlowKey& key, const MembershipView& view);

    /** Accelerator to which an edge router sends the packet (ECMP with resilient hashing).
     * @returns NO_NODE if none is active. */
    static NodeId Accelerator(const FlowKey& key, const MembershipView& view);

    /** Service node that takes over a session whose owner is gone. @returns NO_NODE if none. */
    static NodeId Adopter(SessionId session, const MembershipView& view);

    /** Rendezvous winner among `nodes`. @returns NO_NODE if empty. `hash` may be any number: it is
     * mixed here. */
    static NodeId Rendezvous(std::uint64_t hash, const std::vector<NodeId>& nodes);
};

} // namespace flowchain

#endif
