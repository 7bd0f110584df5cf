// SPDX-License-Identifier: GPL-2.0-only
#include "protocol-checker.h"

#include "controller-machine.h"

#include <algorithm>

namespace flowchain
{

namespace
{

std::string
TextOf(SessionId session)
{
    return std::to_string(session >> 48) + "/" + std::to_string(session & 0xffffffffffff);
}

} // namespace

void
ProtocolChecker::SetHarness(const ProtocolHarness* harness, int crashes)
{
    m_harness = harness;
    m_crashes = crashes;
}

void
ProtocolChecker::Break(const std::string& what)
{
    m_broken.push_back(std::to_string(m_harness->Now().time_since_epoch() / MICROSECOND) + " " +
                       what);
}

void
ProtocolChecker::OnNote(NodeId node, const Note& note, Instant)
{
    switch (note.kind)
    {
    case NoteKind::COPY_STORED:
        CheckStored(node, note.record);
        break;
    case NoteKind::COPY_SUPERSEDED:
        m_copies[node].erase(note.record.id);
        break;
    case NoteKind::RELEASED:
        CheckReleased(node, note.record);
        break;
    default:
        break;
    }
}

void
ProtocolChecker::OnDown(NodeId node, Instant)
{
    m_copies.erase(node);
}

/** Agreement: a session has one binding, a version of it one content. */
void
ProtocolChecker::CheckStored(NodeId node, const SessionRecord& record)
{
    m_copies[node].insert(record.id);
    const SessionRecord& version =
        m_versions.try_emplace({record.id, record.version}, record).first->second;
    SessionRecord& newest = m_newest.try_emplace(record.id, record).first->second;
    if (version != record || newest.original != record.original ||
        newest.translated != record.translated)
    {
        Break("agreement: " + m_harness->NameOf(node) + " stores another content of session " +
              TextOf(record.id));
    }
    if (record.version > newest.version)
    {
        newest = record;
    }
}

/** The rule that takes effect. */
ReleaseRule
ProtocolChecker::Release() const
{
    const FlowManagerConfig& config = m_harness->Config().manager;
    return config.scheme->Release(config.release);
}

SchemePromise
ProtocolChecker::Promise() const
{
    const FlowManagerConfig& config = m_harness->Config().manager;
    return config.scheme->Promise(config);
}

bool
ProtocolChecker::IsDurable() const
{
    const FlowManagerConfig& config = m_harness->Config().manager;
    const SchemePromise promise = Promise();
    const int copies = promise.serviceNodes + (promise.managersServe ? promise.managers : 0);
    return Release() == ReleaseRule::ALL && config.scheme->Root() != SchemeRoot::NOBODY &&
           (promise.everyServiceNode || (copies > m_crashes && !HasReturned()));
}

/** Has a service node come back? Where only some have a session, it is active before it has got
 * again what it should have, and may take a packet without SYN for the first of its flow. */
bool
ProtocolChecker::HasReturned() const
{
    const auto& nodes = m_harness->Nodes().serviceNodes;
    return std::any_of(nodes.begin(),
                       nodes.end(),
                       [this](NodeId node)
                       {
        return m_harness->Incarnation(node) != 0;
    });
}

/** Has the node a copy, or had it one before it crashed? What a view does not know yet excuses. */
bool
ProtocolChecker::HasCopy(NodeId node, NodeId releaser, SessionId session) const
{
    const bool same =
        !m_harness->IsDown(node) &&
        m_harness->Incarnation(node) == m_harness->Machine(releaser).View().Incarnation(node);
    // Where only some have a session, owners bring a node that has come back up to date later.
    const bool later = !Promise().everyServiceNode && m_harness->Incarnation(node) != 0;
    const auto copies = m_copies.find(node);
    return !same || later || (copies != m_copies.end() && copies->second.contains(session));
}

void
ProtocolChecker::CheckCopies(NodeId releaser, SessionId session, bool isFirst)
{
    const MembershipView& view = m_harness->Machine(releaser).View();
    const SchemePromise promise = Promise();
    const auto check = [&](const std::vector<NodeId>& nodes, std::size_t wanted, const char* what)
    {
        const auto holders = std::count_if(nodes.begin(),
                                           nodes.end(),
                                           [&](NodeId node)
                                           {
            return HasCopy(node, releaser, session);
        });
        if (static_cast<std::size_t>(holders) < std::min(wanted, nodes.size()))
        {
            Break("durability: " + m_harness->NameOf(releaser) + " releases session " +
                  TextOf(session) + ", of which " + std::to_string(holders) + " " + what +
                  " have a copy");
        }
    };
    const auto& services = view.ActiveServiceNodes();
    if (promise.everyServiceNode || isFirst)
    {
        check(services,
              promise.everyServiceNode ? services.size() : promise.serviceNodes,
              "services");
    }
    // Later packets of a session are released without being spread again.
    if (isFirst && m_harness->Nodes().nodes[releaser].role == NodeRole::MANAGER)
    {
        check(view.ActiveGroups()[m_harness->Nodes().nodes[releaser].group],
              promise.managers,
              "managers");
    }
}

/** Durability and uniqueness, when packets of a session leave the first manager. */
void
ProtocolChecker::CheckReleased(NodeId node, const SessionRecord& record)
{
    const bool isFirst = m_released.try_emplace(record.id, record).second;
    const FlowManagerConfig& config = m_harness->Config().manager;
    if (Release() != ReleaseRule::ALL || config.scheme->Root() == SchemeRoot::NOBODY)
    {
        return;
    }
    const SessionId other =
        m_external.try_emplace(record.translated.Reversed(), record.id).first->second;
    if (other != record.id)
    {
        Break("uniqueness: sessions " + TextOf(other) + " and " + TextOf(record.id) +
              " have one external tuple");
    }
    CheckCopies(node, record.id, isFirst);
}

void
ProtocolChecker::OnDelivered(NodeId host, const Frame& frame, Instant)
{
    PacketView view;
    if (ParsePacket(frame, 0, view) != PacketVerdict::OK)
    {
        Break("corruption: " + m_harness->NameOf(host) + " gets a damaged packet");
        return;
    }
    if (m_harness->Nodes().nodes[host].role == NodeRole::SERVER)
    {
        CheckServed(host, view.key);
    }
    else if (!m_harness->Nodes().inside.Contains(view.key.destination.address))
    {
        Break("consistency: an untranslated packet reaches " + m_harness->NameOf(host));
    }
}

/** Consistency: the server sees each connection under one external endpoint. */
void
ProtocolChecker::CheckServed(NodeId, const FlowKey& key)
{
    for (const auto& [id, record] : m_released)
    {
        if (record.translated != key)
        {
            continue;
        }
        const FlowKey& seen = m_seenAs.try_emplace(record.original, key).first->second;
        if (seen != key && IsDurable())
        {
            Break("consistency: client port " + std::to_string(record.original.source.port) +
                  " was :" + std::to_string(seen.source.port) +
                  ", is :" + std::to_string(key.source.port));
        }
        return;
    }
    Break("consistency: a packet of no released session reaches the server");
}

void
ProtocolChecker::CheckAtEnd()
{
    CheckCopiesAtEnd();
    const PacketLedger& ledger = m_harness->Ledger();
    // Under `tail` a root that begins again in a new view cannot know that the packet has gone on.
    const bool repeats = Release() == ReleaseRule::TAIL && m_crashes != 0;
    for (const PacketLedger::Violation& violation : ledger.Violations())
    {
        if (repeats && std::string(violation.what) == "delivered twice")
        {
            continue;
        }
        Break("conservation: packet " + std::to_string(violation.packetId) + ": " + violation.what);
    }
    if (!ledger.Check() || ledger.InFlight() != 0)
    {
        Break("conservation: " + std::to_string(ledger.InFlight()) + " packets still under way");
    }
    if (m_harness->LiveFrames() != m_harness->FramesInFlight())
    {
        Break("leak: machines keep " +
              std::to_string(m_harness->LiveFrames() - m_harness->FramesInFlight()) + " frames");
    }
    for (const auto& group : m_harness->Nodes().groups)
    {
        for (const NodeId node : group)
        {
            const FlowManagerMachine* machine = m_harness->ManagerAt(node);
            if (machine != nullptr && machine->PendingCount() != 0)
            {
                Break("progress: " + m_harness->NameOf(node) + " has " +
                      std::to_string(machine->PendingCount()) + " pending sessions or fan-outs");
            }
        }
    }
}

/** Every released session is at every active service node, unless a newer one has its place. */
void
ProtocolChecker::CheckCopiesAtEnd()
{
    const MembershipView& view = m_harness->Machine(m_harness->Nodes().controller).View();
    if (!IsDurable() || !Promise().everyServiceNode)
    {
        return;
    }
    for (const auto& [id, record] : m_released)
    {
        for (const NodeId node : view.ActiveServiceNodes())
        {
            if (!m_harness->IsDown(node) && !m_copies[node].contains(id))
            {
                Break("durability: " + m_harness->NameOf(node) + " lacks released session " +
                      TextOf(id));
            }
        }
    }
}

} // namespace flowchain
