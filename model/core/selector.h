// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SELECTOR_H
#define FLOWCHAIN_SELECTOR_H

#include "flow-key.h"
#include "membership-view.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace flowchain
{

/** How many sessions of a service node the asker knows of. */
using ServiceLoad = std::function<std::uint64_t(NodeId)>;

/**
 * Selections: pure functions of a hash and a view, so two nodes with the same view agree. How, says
 * the SelectionConfig of the view's directory; a change of one member moves only that member's
 * flows (rendezvous, jump) or few others (Maglev). Each purpose has a seed of its own, so that
 * selections are independent.
 *
 * Jump hashing numbers the configured nodes and hashes again where it hits an inactive one:
 * numbering the active ones would renumber, and so move the flows of, all that come behind a node
 * that has gone.
 */
class Selector
{
  public:
    /** Two stages, group then manager, over the tuple (CN116389549, claims 1-2). An empty group is
     * never picked. @returns NO_NODE if no manager is active. */
    static NodeId Manager(const FlowKey& key, const MembershipView& view);

    /** First service node of a new session, by hash. @returns NO_NODE if none is active. */
    static NodeId ServiceNode(const FlowKey& key, const MembershipView& view);

    /** As above, or the least loaded one if the configuration says so; ties by rendezvous. */
    static NodeId
    ServiceNode(const FlowKey& key, const MembershipView& view, const ServiceLoad& load);

    /** Accelerator to which an edge router sends the packet: always rendezvous hashing of the
     * directional tuple (ECMP with resilient hashing). @returns NO_NODE if none is active. */
    static NodeId Accelerator(const FlowKey& key, const MembershipView& view);

    /** Service node that takes over a session whose owner is gone. @returns NO_NODE if none. */
    static NodeId Adopter(SessionId session, const MembershipView& view);

    /** Rendezvous winner among `nodes`. @returns NO_NODE if empty. `hash` may be any number: it is
     * mixed here; distinct candidates never tie, as Mix64 is bijective. */
    static NodeId Rendezvous(std::uint64_t hash, const std::vector<NodeId>& nodes);
};

} // namespace flowchain

#endif
