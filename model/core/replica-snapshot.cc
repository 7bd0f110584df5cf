// SPDX-License-Identifier: GPL-2.0-only
// What a node that has copies gives to service nodes that join.
#include "replica-machine.h"

#include <algorithm>

namespace flowchain
{

std::vector<SessionRecord>
ReplicaMachine::OpenRemovals() const
{
    return {};
}

/** Whether the node that the snapshot is for still waits for it. */
bool
ReplicaMachine::IsOpen(const Snapshot& snapshot) const
{
    return View().Status(snapshot.target) == MemberStatus::JOINING &&
           View().Incarnation(snapshot.target) == snapshot.incarnation;
}

void
ReplicaMachine::ReviseSnapshots(bool isDonor, Instant now, Actions& out)
{
    std::erase_if(m_snapshots,
                  [this](const Snapshot& s)
                  {
        return !IsOpen(s);
    });
    if (!isDonor)
    {
        return;
    }
    for (const NodeId node : View().MemberServiceNodes())
    {
        const bool running = std::any_of(m_snapshots.begin(),
                                         m_snapshots.end(),
                                         [node](const Snapshot& s)
                                         {
            return s.target == node;
        });
        if (node != Self() && View().Status(node) == MemberStatus::JOINING && !running)
        {
            m_snapshots.push_back({.target = node, .incarnation = View().Incarnation(node)});
            out.notes.push_back({.kind = NoteKind::SNAPSHOT_STARTED, .peer = node});
            StartSnapshot(m_snapshots.back(), now, out);
        }
    }
}

void
ReplicaMachine::StartSnapshot(Snapshot& snapshot, Instant now, Actions& out)
{
    Rewind(snapshot);
    FeedSnapshot(snapshot, now, out);
}

void
ReplicaMachine::Rewind(Snapshot& snapshot)
{
    snapshot.removals = OpenRemovals();
    snapshot.cursor = 0;
    snapshot.inFlight = 0;
    snapshot.run = ++m_snapshotRun;
    snapshot.ended = false;
}

void
ReplicaMachine::FeedSnapshot(Snapshot& snapshot, Instant now, Actions& out)
{
    const std::size_t removals = snapshot.removals.size();
    while (snapshot.inFlight < m_replica.snapshotWindow &&
           snapshot.cursor < removals + m_store.Slots())
    {
        const std::size_t cursor = snapshot.cursor++;
        SyncMessage message;
        message.header.kind = MessageKind::SNAPSHOT;
        message.record =
            cursor < removals ? snapshot.removals[cursor] : m_store.At(cursor - removals);
        if (message.record.id == 0)
        {
            continue; // superseded or removed
        }
        if (!SendReliable(snapshot.target, message, Pool().Acquire(), snapshot.run, now, out))
        {
            snapshot.cursor = cursor;
            m_snapshotRetry = now + Config().channel.retransmitTimeout;
            return;
        }
        ++snapshot.inFlight;
    }
    if (snapshot.inFlight == 0 && !snapshot.ended)
    {
        // Only now: messages may overtake each other, and this one says that nothing is missing.
        SyncMessage message;
        message.header.kind = MessageKind::SNAPSHOT_END;
        snapshot.ended =
            SendReliable(snapshot.target, message, Pool().Acquire(), snapshot.run, now, out);
        m_snapshotRetry =
            snapshot.ended ? m_snapshotRetry : now + Config().channel.retransmitTimeout;
    }
}

void
ReplicaMachine::FeedSnapshots(Instant now, Actions& out)
{
    for (Snapshot& snapshot : m_snapshots)
    {
        FeedSnapshot(snapshot, now, out);
    }
}

/** @returns null if it has been abandoned, or begun again */
ReplicaMachine::Snapshot*
ReplicaMachine::FindSnapshot(NodeId peer, std::uint64_t run)
{
    const auto found = std::find_if(m_snapshots.begin(),
                                    m_snapshots.end(),
                                    [&](const Snapshot& s)
                                    {
        return s.target == peer && s.run == run;
    });
    return found != m_snapshots.end() && IsOpen(*found) ? &*found : nullptr;
}

} // namespace flowchain
