// SPDX-License-Identifier: GPL-2.0-only
#include "controller-machine.h"

#include <algorithm>

namespace flowchain
{

ControllerMachine::ControllerMachine(const NodeConfig& config, const ControllerConfig& controller)
    : ProtocolMachine(config)
    , m_controller(controller)
    , m_detector(config.directory->nodes.size(), controller.detectionTimeout)
{
}

bool
ControllerMachine::IsWatched(NodeRole role) const
{
    return role == NodeRole::ACCELERATOR || role == NodeRole::MANAGER ||
           role == NodeRole::SERVICE_NODE;
}

void
ControllerMachine::HandleStart(Instant now, Actions&)
{
    for (NodeId node = 0; node < Nodes().nodes.size(); ++node)
    {
        if (IsWatched(Nodes().nodes[node].role))
        {
            m_detector.Watch(node, now);
        }
    }
}

Instant
ControllerMachine::NextRoleWakeup() const
{
    return m_detector.NextDeadline();
}

void
ControllerMachine::HandleWakeup(Instant now, Actions& out)
{
    const std::vector<NodeId> dead = m_detector.Expire(now);
    if (dead.empty())
    {
        return;
    }
    ViewBody body = View().Body();
    for (const NodeId node : dead)
    {
        body.members[node].status = MemberStatus::DOWN;
        out.notes.push_back({.kind = NoteKind::SUSPECTED, .peer = node});
    }
    PromoteIfLast(body);
    Publish(body, now, out);
}

void
ControllerMachine::PromoteIfLast(ViewBody& body) const
{
    const auto& nodes = Nodes().serviceNodes;
    const auto has = [&](MemberStatus status)
    {
        return std::any_of(nodes.begin(),
                           nodes.end(),
                           [&](NodeId node)
                           {
            return body.members[node].status == status;
        });
    };
    if (has(MemberStatus::ACTIVE) || !has(MemberStatus::JOINING))
    {
        return;
    }
    // Nobody is left to learn from: what a joining node has is all there is.
    for (const NodeId node : nodes)
    {
        if (body.members[node].status == MemberStatus::JOINING)
        {
            body.members[node].status = MemberStatus::ACTIVE;
        }
    }
}

void
ControllerMachine::HandleMessage(const SyncMessage& message,
                                 FramePtr frame,
                                 Instant now,
                                 Actions& out)
{
    if (message.header.kind != MessageKind::HEARTBEAT ||
        !IsWatched(Nodes().nodes[message.header.source].role))
    {
        Drop(std::move(frame), DropReason::NOT_FOR_ME);
        return;
    }
    HandleHeartbeat(message.header, now, out);
}

MemberStatus
ControllerMachine::StatusOnReturn(NodeId node, bool ready) const
{
    const bool needsState = Nodes().nodes[node].role == NodeRole::SERVICE_NODE && !ready;
    // The last service node alive has nobody to learn from.
    const bool hasDonor = !View().ActiveServiceNodes().empty() &&
                          (View().ActiveServiceNodes().size() > 1 || !View().IsActive(node));
    return needsState && hasDonor && m_controller.snapshotOnJoin ? MemberStatus::JOINING
                                                                 : MemberStatus::ACTIVE;
}

void
ControllerMachine::HandleHeartbeat(const MessageHeader& header, Instant now, Actions& out)
{
    const NodeId node = header.source;
    const ViewBody::Member& known = View().Body().members[node];
    const bool ready = (header.flags & message_flag::READY) != 0;
    ViewBody body = View().Body();
    ViewBody::Member& member = body.members[node];
    if (header.sourceIncarnation != known.incarnation)
    {
        member = {StatusOnReturn(node, ready), header.sourceIncarnation};
    }
    else if (known.status == MemberStatus::DOWN)
    {
        // Suspected wrongly. It has missed updates: tell it that it is out, so that it restarts.
        // Whatever it says meanwhile, one such message is under way: the channel sends it again.
        if (Transport().ChannelTo(node).OutstandingCount() == 0)
        {
            SendView(node, View().Body(), now, out);
        }
        return;
    }
    else if (known.status == MemberStatus::JOINING && ready)
    {
        member.status = MemberStatus::ACTIVE;
    }
    m_detector.Watch(node, now);
    if (member != known)
    {
        out.notes.push_back({.kind = NoteKind::READMITTED,
                             .peer = node,
                             .value = static_cast<std::uint64_t>(member.status)});
        Publish(body, now, out);
    }
}

void
ControllerMachine::Publish(ViewBody body, Instant now, Actions& out)
{
    ++body.epoch;
    AdoptView(body, now, out);
    for (NodeId node = 0; node < Nodes().nodes.size(); ++node)
    {
        if (node != Self() && View().IsMember(node))
        {
            SendView(node, View().Body(), now, out);
        }
    }
}

} // namespace flowchain
