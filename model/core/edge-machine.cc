// SPDX-License-Identifier: GPL-2.0-only
#include "edge-machine.h"

#include "packet-rules.h"
#include "selector.h"

namespace flowchain
{

EdgeMachine::EdgeMachine(const NodeConfig& config, const Steering& steering)
    : ProtocolMachine(config)
    , m_steering(steering)
{
    for (const Directory& service : steering.Services())
    {
        m_views.emplace_back(service).Adopt(View().Body());
    }
}

void
EdgeMachine::HandleViewChange(Instant, Actions&)
{
    for (MembershipView& view : m_views)
    {
        view.Adopt(View().Body());
    }
}

void
EdgeMachine::HandlePacket(FramePtr frame, Instant, Actions& out)
{
    out.deliveries.push_back(std::move(frame));
}

void
EdgeMachine::HandleInject(FramePtr frame, Instant, Actions& out)
{
    PacketView view;
    const PacketVerdict verdict = ParsePacketTrusted(*frame, 0, view);
    if (verdict != PacketVerdict::OK)
    {
        Drop(std::move(frame), DropReasonOf(verdict));
        return;
    }
    const std::uint16_t service = m_steering.ServiceOf(view.key);
    if (service == Steering::NO_SERVICE)
    {
        Drop(std::move(frame), DropReason::NO_SERVICE);
        return;
    }
    const NodeId accelerator = Selector::Accelerator(view.key, m_views[service]);
    if (accelerator == NO_NODE)
    {
        Drop(std::move(frame), DropReason::NO_ACCELERATOR);
        return;
    }
    SetMacAddresses(*frame, 0, MacOf(Self()), MacOf(accelerator));
    out.sends.push_back(std::move(frame));
}

void
EdgeMachine::HandleMessage(const SyncMessage&, FramePtr frame, Instant, Actions&)
{
    Drop(std::move(frame), DropReason::NOT_FOR_ME);
}

} // namespace flowchain
