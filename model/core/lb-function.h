// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_LB_FUNCTION_H
#define FLOWCHAIN_LB_FUNCTION_H

#include "maglev.h"
#include "network-function.h"

namespace flowchain
{

/**
 * Layer 4 load balancer: destination translation of a virtual service to one of its backends. A new
 * connection gets its backend from a Maglev table over the backends in service (Eisenbud et al.,
 * NSDI'16, section 3.4); the session keeps it for life, whatever becomes of the table. The client's
 * endpoint is not translated, so answers must come back through an accelerator.
 *
 * A backend that is drained, or down, gets no new sessions. Those it has stay with it: the tuples
 * of a session never change, and no other server could go on with a TCP connection.
 *
 * One client endpoint that uses two virtual services needs two backends, or the two sessions would
 * look alike on the way back: the second one gets the next backend of the table.
 */
class LbFunction : public NetworkFunction
{
  public:
    LbFunction(const FunctionConfig& config, const FunctionInstance& instance);

    DropReason
    Open(const PacketView& packet, SessionStore& store, Instant now, FlowKey& translated) override;
    void Close(const SessionRecord& record) override;

  private:
    void FollowChanges(Instant now);
    void Rebuild();

    LbConfig m_config;
    bool m_tcpStrict;
    std::vector<bool> m_inService; ///< index: backend
    std::size_t m_changesDone = 0;
    std::vector<std::uint16_t> m_candidates; ///< of the table, as backends
    MaglevTable m_table;
};

/** Packets from a backend's service endpoint are answers. Any service node may have chosen it. */
class LbTopology : public FunctionTopology
{
  public:
    explicit LbTopology(const FunctionConfig& config);

    bool IsReverse(const FlowKey& key) const override;
    std::optional<NodeId> CreatorOf(const FlowKey& key) const override;

  private:
    LbConfig m_config;
};

} // namespace flowchain

#endif
