// SPDX-License-Identifier: GPL-2.0-only
#include "controller-machine.h"

#include <algorithm>

namespace flowchain
{

namespace
{

constexpr int LIFE_SHIFT = 24; ///< bits of the epochs that one life of a controller may publish

} // namespace

ControllerMachine::ControllerMachine(const NodeConfig& config, const ControllerConfig& controller)
    : ProtocolMachine(config)
    , m_controller(controller)
    , m_detector(config.directory->nodes.size(), controller.detector)
    , m_wanted(View().Body())
    , m_members(config.directory->nodes.size())
{
}

bool
ControllerMachine::IsWatched(NodeId node) const
{
    return IsOfService(Nodes().nodes[node].role);
}

void
ControllerMachine::HandleStart(Instant now, Actions&)
{
    if (View().Epoch() == 0)
    {
        ListenFrom(now);
        m_epochFloor = (std::uint32_t{Config().incarnation} << LIFE_SHIFT) - 1;
        return;
    }
    for (NodeId node = 0; node < Nodes().nodes.size(); ++node)
    {
        if (IsWatched(node) && View().IsMember(node))
        {
            m_detector.Watch(node, now);
            m_detector.Expect(node, View().Incarnation(node));
        }
    }
}

Instant
ControllerMachine::NextRoleWakeup() const
{
    return IsRecovering() ? m_recoveredAt : std::min(m_publishAt, m_detector.NextDeadline());
}

void
ControllerMachine::HandleWakeup(Instant now, Actions& out)
{
    if (IsRecovering())
    {
        if (now >= m_recoveredAt)
        {
            Resume(now, out);
        }
        return;
    }
    bool changed = false;
    for (const NodeId node : m_detector.Expire(now))
    {
        if (IsLast(node))
        {
            m_detector.Watch(node, now);
            continue;
        }
        Suspect(node, out);
        changed = true;
    }
    if (changed)
    {
        Decide(now, out);
    }
    if (now >= m_publishAt)
    {
        Publish(now, out);
    }
}

bool
ControllerMachine::IsLast(NodeId node) const
{
    for (NodeId other = 0; other < Nodes().nodes.size(); ++other)
    {
        if (other != node && Nodes().AreAlike(node, other) &&
            m_wanted.members[other].status != MemberStatus::DOWN)
        {
            return false;
        }
    }
    return true;
}

bool
ControllerMachine::IsLastActive(NodeId node) const
{
    return !HasAlike(node, MemberStatus::ACTIVE, m_wanted);
}

void
ControllerMachine::Suspect(NodeId node, Actions& out)
{
    m_wanted.members[node].status = MemberStatus::DOWN;
    out.notes.push_back({.kind = NoteKind::SUSPECTED, .peer = node});
    PromoteIfLast(m_wanted);
}

/** Whether another node like `node` has this status. */
bool
ControllerMachine::HasAlike(NodeId node, MemberStatus status, const ViewBody& body) const
{
    for (NodeId other = 0; other < body.count; ++other)
    {
        if (other != node && Nodes().AreAlike(node, other) && body.members[other].status == status)
        {
            return true;
        }
    }
    return false;
}

/** Whether the view of this epoch told the node of one that is active still, if anybody is: else it
 * is ready with what managers had, and the active ones may have more. */
bool
ControllerMachine::KnowsADonor(NodeId node, std::uint32_t epoch) const
{
    bool any = false;
    for (NodeId other = 0; other < m_members.size(); ++other)
    {
        if (other != node && Nodes().AreAlike(node, other) &&
            m_wanted.members[other].status == MemberStatus::ACTIVE)
        {
            if (View().IsActive(other) && m_members[other].activeSince <= epoch)
            {
                return true;
            }
            any = true;
        }
    }
    return !any;
}

bool
ControllerMachine::CanRestore(NodeId node, const ViewBody& body) const
{
    if (!m_controller.restoreFromManagers || Nodes().nodes[node].role != NodeRole::SERVICE_NODE)
    {
        return false;
    }
    for (NodeId other = 0; other < body.count; ++other)
    {
        if (Nodes().nodes[other].role == NodeRole::MANAGER &&
            Nodes().nodes[other].service == Nodes().nodes[node].service &&
            body.members[other].status == MemberStatus::ACTIVE)
        {
            return true;
        }
    }
    return false;
}

void
ControllerMachine::PromoteIfLast(ViewBody& body) const
{
    for (NodeId first = 0; first < body.count; ++first)
    {
        const auto has = [&](MemberStatus status)
        {
            return body.members[first].status == status || HasAlike(first, status, body);
        };
        // A draining node still has everything. What a joining one has is all there is otherwise,
        // if nobody is left to learn from.
        const MemberStatus next =
            has(MemberStatus::DRAINING) ? MemberStatus::DRAINING : MemberStatus::JOINING;
        if (!IsWatched(first) || has(MemberStatus::ACTIVE) || !has(next) ||
            (next == MemberStatus::JOINING && CanRestore(first, body)))
        {
            continue;
        }
        for (NodeId node = first; node < body.count; ++node)
        {
            if (Nodes().AreAlike(first, node) && body.members[node].status == next)
            {
                body.members[node].status = MemberStatus::ACTIVE;
            }
        }
    }
}

void
ControllerMachine::HandleMessage(const SyncMessage& message,
                                 FramePtr frame,
                                 Instant now,
                                 Actions& out)
{
    if (message.header.kind != MessageKind::HEARTBEAT || !IsWatched(message.header.source))
    {
        Drop(std::move(frame), DropReason::NOT_FOR_ME);
        return;
    }
    m_detector.Heartbeat(
        message.header.source, message.header.sourceIncarnation, NumberOf(message.header), now);
    if (IsRecovering())
    {
        Listen(message.header, now, out);
    }
    else
    {
        HandleHeartbeat(message.header, now, out);
    }
}

MemberStatus
ControllerMachine::StatusOnReturn(NodeId node, bool ready, const ViewBody& body) const
{
    if (body.members[node].status == MemberStatus::DRAINING)
    {
        return MemberStatus::DRAINING; // it has crashed meanwhile, but is to stop all the same
    }
    const bool needsState = Nodes().nodes[node].role == NodeRole::SERVICE_NODE && !ready;
    // The last service node alive has nobody of its kind to learn from. One that is being drained
    // has everything, and is taken into service again where nobody else has.
    const bool hasDonor = HasAlike(node, MemberStatus::ACTIVE, body) ||
                          HasAlike(node, MemberStatus::DRAINING, body) || CanRestore(node, body);
    return needsState && hasDonor && m_controller.snapshotOnJoin ? MemberStatus::JOINING
                                                                 : MemberStatus::ACTIVE;
}

void
ControllerMachine::HandleHeartbeat(const MessageHeader& header, Instant now, Actions& out)
{
    const NodeId node = header.source;
    const bool ready = (header.flags & message_flag::READY) != 0;
    const ViewBody::Member known = m_wanted.members[node];
    ViewBody::Member& member = m_wanted.members[node];
    if (header.sourceIncarnation != known.incarnation)
    {
        member = {StatusOnReturn(node, ready, m_wanted), header.sourceIncarnation};
        PromoteIfLast(m_wanted); // if it was the last active one while others drain
    }
    else if (known.status == MemberStatus::DOWN)
    {
        // Suspected wrongly: it has missed updates and must start again. Or drained: it may stop.
        if (View().Status(node) == MemberStatus::DOWN)
        {
            SendViewOnce(node, View().Body(), out);
        }
        return;
    }
    else if (known.status == MemberStatus::JOINING && ready && KnowsADonor(node, header.epoch))
    {
        member.status = MemberStatus::ACTIVE;
    }
    else if (known.status == MemberStatus::DRAINING && now >= m_members[node].drainableAt &&
             (header.flags & message_flag::DRAINED) != 0)
    {
        m_detector.Unwatch(node);
        member.status = MemberStatus::DOWN;
        Decide(now, out);
        return;
    }
    m_detector.Watch(node, now);
    if (member != known)
    {
        out.notes.push_back({.kind = NoteKind::READMITTED,
                             .peer = node,
                             .value = static_cast<std::uint64_t>(member.status)});
        Decide(now, out);
    }
}

// ---------------------------------------------------------------------------------------------
// What an operator asks for

void
ControllerMachine::HandleRequest(OperatorRequest request, NodeId subject, Instant now, Actions& out)
{
    MemberStatus& status = m_wanted.members[subject].status;
    const bool draining = status == MemberStatus::DRAINING;
    const bool drain = request == OperatorRequest::DRAIN;
    if (IsRecovering() || !IsWatched(subject) || status == MemberStatus::DOWN ||
        (drain && (draining || IsLastActive(subject))) || (!drain && IsLast(subject)))
    {
        out.notes.push_back({.kind = NoteKind::REQUEST_REFUSED, .peer = subject});
        return;
    }
    if (drain)
    {
        status = MemberStatus::DRAINING;
        out.notes.push_back({.kind = NoteKind::DRAIN_STARTED, .peer = subject});
    }
    else
    {
        m_detector.Unwatch(subject);
        Suspect(subject, out);
    }
    Decide(now, out);
}

void
ControllerMachine::UpdateDrains(Instant now)
{
    for (NodeId node = 0; node < m_members.size(); ++node)
    {
        Member& member = m_members[node];
        if (View().Status(node) != MemberStatus::DRAINING)
        {
            member.drainEpoch = 0;
            continue;
        }
        if (member.drainEpoch == 0)
        {
            member.drainEpoch = View().Epoch();
            member.drainableAt = NEVER;
        }
        bool known = true;
        for (NodeId other = 0; other < m_members.size(); ++other)
        {
            known = known && (other == Self() || !View().IsMember(other) ||
                              m_members[other].acknowledged >= member.drainEpoch);
        }
        if (known && member.drainableAt == NEVER)
        {
            member.drainableAt = now + m_controller.drainTime;
        }
    }
}

void
ControllerMachine::HandleAcknowledged(
    NodeId peer, MessageKind kind, std::uint64_t token, Instant now, Actions&)
{
    if (kind == MessageKind::VIEW)
    {
        auto& acknowledged = m_members[peer].acknowledged;
        acknowledged = std::max(acknowledged, static_cast<std::uint32_t>(token));
        UpdateDrains(now);
    }
}

// ---------------------------------------------------------------------------------------------
// After a restart

void
ControllerMachine::Listen(const MessageHeader& header, Instant now, Actions& out)
{
    Member& member = m_members[header.source];
    member.heard = true;
    member.incarnation = header.sourceIncarnation;
    member.ready = (header.flags & message_flag::READY) != 0;
    m_heardEpoch = std::max(m_heardEpoch, header.epoch);
    m_epochFloor = std::max(m_epochFloor, header.epoch);
    m_detector.Watch(header.source, now);
    if (header.epoch > m_learnt.epoch)
    {
        SendViewOnce(header.source, View().Body(), out);
    }
}

void
ControllerMachine::ListenFrom(Instant now)
{
    m_listensSince = now;
    m_recoveredAt = now + m_detector.Timeout();
}

void
ControllerMachine::HandleNewerView(const ViewBody& body, Instant, Actions&)
{
    if (IsRecovering() && body.epoch > m_learnt.epoch)
    {
        m_learnt = body;
        m_epochFloor = std::max(m_epochFloor, body.epoch);
    }
}

void
ControllerMachine::Resume(Instant now, Actions& out)
{
    if (now < m_listensSince + m_detector.Timeout())
    {
        m_recoveredAt =
            m_listensSince + m_detector.Timeout(); // heartbeats are lost, as it has heard
        return;
    }
    const bool anyHeard = std::any_of(m_members.begin(),
                                      m_members.end(),
                                      [](const Member& member)
                                      {
        return member.heard;
    });
    if (!anyHeard || m_learnt.epoch < m_heardEpoch)
    {
        // Cut off, or still without a view that others have: a guess could cost every session.
        m_heardEpoch = 0;
        for (Member& member : m_members)
        {
            member.heard = false;
        }
        ListenFrom(now);
        return;
    }
    m_recoveredAt = NEVER;
    m_learnt.count = m_wanted.count;
    std::uint64_t members = 0;
    for (NodeId node = 0; node < m_members.size(); ++node)
    {
        ViewBody::Member& member = m_learnt.members[node];
        if (!IsWatched(node))
        {
            member = {MemberStatus::ACTIVE,
                      node == Self() ? Config().incarnation : std::uint8_t{0}};
        }
        else if (!m_members[node].heard)
        {
            if (member.status != MemberStatus::DOWN)
            {
                out.notes.push_back({.kind = NoteKind::SUSPECTED, .peer = node});
            }
            member.status = MemberStatus::DOWN;
        }
        members += m_members[node].heard ? 1 : 0;
    }
    for (NodeId node = 0; node < m_members.size(); ++node)
    {
        ViewBody::Member& member = m_learnt.members[node];
        if (m_members[node].heard && member.incarnation != m_members[node].incarnation)
        {
            member = {StatusOnReturn(node, m_members[node].ready, m_learnt),
                      m_members[node].incarnation};
        }
    }
    out.notes.push_back({.kind = NoteKind::CONTROL_RESUMED, .value = members});
    m_wanted = m_learnt;
    PromoteIfLast(m_wanted);
    Publish(now, out);
}

// ---------------------------------------------------------------------------------------------
// Views

void
ControllerMachine::Decide(Instant now, Actions& out)
{
    if (m_controller.publishDelay == Duration::zero())
    {
        Publish(now, out);
    }
    else if (m_publishAt == NEVER)
    {
        m_publishAt = now + m_controller.publishDelay;
    }
}

void
ControllerMachine::Publish(Instant now, Actions& out)
{
    m_publishAt = NEVER;
    if (m_wanted.members == View().Body().members)
    {
        return; // what was to be said is no longer true
    }
    m_wanted.epoch = std::max(View().Epoch(), m_epochFloor) + 1;
    const ViewBody old = View().Body();
    for (NodeId node = 0; node < m_members.size(); ++node)
    {
        if (m_wanted.members[node].status == MemberStatus::ACTIVE &&
            old.members[node].status != MemberStatus::ACTIVE)
        {
            m_members[node].activeSince = m_wanted.epoch;
        }
    }
    AdoptView(m_wanted, now, out);
    for (NodeId node = 0; node < Nodes().nodes.size(); ++node)
    {
        if (node != Self() && View().IsMember(node))
        {
            SendView(node, View().Body(), now, out);
        }
        else if (old.members[node].status == MemberStatus::DRAINING)
        {
            SendViewOnce(node, View().Body(), out); // it may stop; its heartbeats ask again
        }
    }
    UpdateDrains(now);
}

} // namespace flowchain
