// SPDX-License-Identifier: GPL-2.0-only
#include "edge-application.h"

#include "edge-machine.h"

namespace flowchain
{

NS_OBJECT_ENSURE_REGISTERED(EdgeApplication);

ns3::TypeId
EdgeApplication::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("flowchain::EdgeApplication")
                                 .SetParent<NodeApplication>()
                                 .SetGroupName("flowchain")
                                 .AddConstructor<EdgeApplication>();
    return tid;
}

void
EdgeApplication::SetHostSink(HostSink* sink)
{
    m_sink = sink;
}

void
EdgeApplication::SetSteering(const Steering* steering)
{
    m_steering = steering;
}

void
EdgeApplication::Inject(FramePtr frame)
{
    Step({Event::Kind::INJECT, std::move(frame)});
}

void
EdgeApplication::Deliver(FramePtr frame, Instant now)
{
    m_sink->OnHostPacket(Id(), std::move(frame), now);
}

std::unique_ptr<ProtocolMachine>
EdgeApplication::MakeMachine(const NodeConfig& config)
{
    return std::make_unique<EdgeMachine>(config, *m_steering);
}

} // namespace flowchain
