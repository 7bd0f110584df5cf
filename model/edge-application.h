// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_EDGE_APPLICATION_H
#define FLOWCHAIN_EDGE_APPLICATION_H

#include "node-application.h"
#include "steering.h"

namespace flowchain
{

/** Takes what arrives at the edge hosts. */
class HostSink
{
  public:
    virtual ~HostSink() = default;
    virtual void OnHostPacket(NodeId host, FramePtr frame, Instant now) = 0;
};

/** Host at the edge, client or server: shell of EdgeMachine. */
class EdgeApplication : public NodeApplication
{
  public:
    static ns3::TypeId GetTypeId();

    void SetHostSink(HostSink* sink);
    /** To be called before the simulation starts. @param steering outlives the application */
    void SetSteering(const Steering* steering);
    /** The host sends a data packet now. */
    void Inject(FramePtr frame);

  private:
    std::unique_ptr<ProtocolMachine> MakeMachine(const NodeConfig& config) override;
    void Deliver(FramePtr frame, Instant now) override;

    HostSink* m_sink = nullptr;
    const Steering* m_steering = nullptr;
};

} // namespace flowchain

#endif
