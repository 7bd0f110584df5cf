// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RUN_PROBE_H
#define FLOWCHAIN_RUN_PROBE_H

#include "node-application.h"
#include "run-observer.h"
#include "workload-set.h"

#include <ns3/ptr.h>

#include <vector>

namespace flowchain
{

/** A run, for who looks at it. All of it lives until the run's end. */
struct RunContext
{
    const Scenario& scenario;
    const std::vector<ns3::Ptr<NodeApplication>>& applications; ///< index: NodeId
    const Directory& directory;                                 ///< of the whole network
    const WorkloadSet& workload;
    RunObserver& observer;
};

/**
 * Sees what the observer of a run sees, right after it has seen it. A probe that only looks has no
 * effect on the run; one that crashes a node says so.
 */
class RunProbe : public NodeListener, public WorkloadListener
{
  public:
    /** Before anything happens. */
    virtual void Begin(const RunContext& context) = 0;

    void OnNote(NodeId, const Note&, Instant) override
    {
    }

    void OnReceive(NodeId, const Frame&, Instant) override
    {
    }

    void OnSend(NodeId, const Frame&, Instant) override
    {
    }

    void OnNodeDown(NodeId, Instant) override
    {
    }

    void OnNodeUp(NodeId, Instant) override
    {
    }
};

/** Tells the observer of a run and then its probes, in their order. */
class RunAudience : public NodeListener, public WorkloadListener
{
  public:
    /** @param probes outlive this object, as the observer does */
    RunAudience(RunObserver& observer, std::vector<RunProbe*> probes);

    void OnNote(NodeId node, const Note& note, Instant now) override;
    void OnReceive(NodeId node, const Frame& frame, Instant now) override;
    void OnSend(NodeId node, const Frame& frame, Instant now) override;
    void OnNodeDown(NodeId node, Instant now) override;
    void OnNodeUp(NodeId node, Instant now) override;

    void OnSessionStart(std::uint32_t session, Instant now) override;
    void OnInjection(std::uint32_t session, bool toServer, Instant now) override;
    void OnFirstDelivery(std::uint32_t session, Instant injectedAt, Instant now) override;
    void OnDelivery(std::uint32_t session, bool atServer, Instant injectedAt, Instant now) override;
    void
    OnArrival(std::uint32_t session, const FlowKey& key, Instant injectedAt, Instant now) override;
    void OnPacketLost(std::uint32_t session, DropReason reason) override;
    void OnSessionEnd(std::uint32_t session, bool completed) override;

  private:
    RunObserver& m_observer;
    std::vector<RunProbe*> m_probes;
};

} // namespace flowchain

#endif
