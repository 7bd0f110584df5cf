// SPDX-License-Identifier: GPL-2.0-only
#include "run-observer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace flowchain
{

RunObserver::RunObserver(const ObserverConfig& config,
                         const Directory& directory,
                         InvariantChecker::NodeNamer nameOf,
                         ViolationHandler onViolation)
    : m_config(config)
    , m_directory(directory)
    , m_onViolation(std::move(onViolation))
    , m_checker(config.promises, m_registry, std::move(nameOf))
    , m_applications(directory.nodes.size())
{
    for (const NodeId node : directory.serviceNodes)
    {
        m_serviceNodes.set(node);
    }
    m_complete = m_serviceNodes;
    for (const auto& group : directory.groups)
    {
        for (const NodeId node : group)
        {
            m_managers.set(node);
        }
    }
}

void
RunObserver::Watch(const NodeApplication* application)
{
    m_applications[application->Id()] = application;
}

void
RunObserver::SetWorkload(const Workload* workload, const PacketLedger* ledger)
{
    m_workload = workload;
    m_ledger = ledger;
}

void
RunObserver::AfterCheck()
{
    if (m_checker.ViolationCount() != 0)
    {
        m_onViolation();
    }
}

void
RunObserver::OnNote(NodeId node, const Note& note, Instant now)
{
    switch (note.kind)
    {
    case NoteKind::MISSED:
        if (FirstPacket* first = FindFirst(note.packetId))
        {
            first->missedAt = std::min(first->missedAt, now);
        }
        break;
    case NoteKind::ASKED:
        NoteAsked(note, now);
        break;
    case NoteKind::CREATED:
        NoteCreated(node, note, now);
        break;
    case NoteKind::STATE_RECEIVED:
        if (SessionInfo* session = m_registry.Find(note.record.id))
        {
            session->stateAt = std::min(session->stateAt, now);
        }
        break;
    case NoteKind::COPY_STORED:
        NoteStored(node, note.record, now);
        break;
    case NoteKind::COPY_SUPERSEDED:
        m_checker.Superseded(node, note.record.id, now);
        break;
    case NoteKind::REVERSE_STORED:
        if (SessionInfo* session = m_registry.Find(note.record.id))
        {
            session->reverseStored = true;
            session->reverseAt = std::min(session->reverseAt, now);
        }
        break;
    case NoteKind::RELEASED:
        NoteReleased(node, note, now);
        break;
    case NoteKind::SLOW_REVERSE:
        NoteSlowReverse(note);
        break;
    case NoteKind::VIEW_ADOPTED:
        NoteViewAdopted(node, note.value, now);
        break;
    case NoteKind::SUSPECTED:
        m_suspected.push_back(note.peer);
        break;
    case NoteKind::RETRANSMITTED:
        m_retransmissions += note.value;
        break;
    case NoteKind::STALE_REFUSED:
        ++m_refusedStale;
        break;
    case NoteKind::SNAPSHOT_STARTED:
        m_joining.set(note.peer);
        break;
    case NoteKind::SNAPSHOT_ENDED:
        m_joining.reset(node);
        m_complete.set(node);
        break;
    default:
        break;
    }
    AfterCheck();
}

void
RunObserver::OnReceive(NodeId node, const Frame& frame, Instant now)
{
    const auto header = frame.Header();
    const std::uint64_t seed =
        Mix64(m_digest + static_cast<std::uint64_t>(now.time_since_epoch().count())) ^
        ((static_cast<std::uint64_t>(node) << 48) | frame.payload.length);
    m_digest = XXH3_64bits_withSeed(header.data(), header.size(), seed);
}

void
RunObserver::OnSend(NodeId, const Frame& frame, Instant)
{
    MessageKind kind;
    if (PeekKind(frame, kind))
    {
        ++m_messages[static_cast<std::size_t>(kind)];
        m_messageBytes += frame.Length();
    }
}

// ---------------------------------------------------------------------------------------------
// First packets

void
RunObserver::OnSessionStart(std::uint32_t session, Instant now)
{
    std::uint32_t slot;
    if (m_freeFirst.empty())
    {
        slot = static_cast<std::uint32_t>(m_first.size());
        m_first.emplace_back();
    }
    else
    {
        slot = m_freeFirst.back();
        m_freeFirst.pop_back();
    }
    // The packet is about to be injected: its id is the next one.
    const auto packetId = static_cast<std::uint32_t>(m_ledger->Injected() + 1);
    m_first[slot] = {.packetId = packetId, .workloadSession = session, .injectedAt = now};
    m_firstIndex.Insert(Mix64(packetId), slot);
}

RunObserver::FirstPacket*
RunObserver::FindFirst(std::uint32_t packetId)
{
    const std::uint32_t slot = m_firstIndex.Find(Mix64(packetId),
                                                 [&](std::uint32_t s)
                                                 {
        return m_first[s].packetId == packetId;
    });
    return slot == FlowIndex::NOT_FOUND ? nullptr : &m_first[slot];
}

void
RunObserver::ForgetFirst(std::uint32_t packetId)
{
    if (const FirstPacket* first = FindFirst(packetId))
    {
        const auto slot = static_cast<std::uint32_t>(first - m_first.data());
        m_firstIndex.Erase(Mix64(packetId), slot);
        m_first[slot].packetId = 0;
        m_freeFirst.push_back(slot);
    }
}

void
RunObserver::NoteAsked(const Note& note, Instant now)
{
    FirstPacket* first = FindFirst(note.packetId);
    if (first == nullptr)
    {
        return;
    }
    first->askedAt = std::min(first->askedAt, now);
    first->asked = note.peer;
    const auto down = m_downSince.find(note.peer);
    if (down != m_downSince.end())
    {
        first->touchedAt = std::min(first->touchedAt, down->second);
    }
}

void
RunObserver::NoteCreated(NodeId node, const Note& note, Instant now)
{
    SessionInfo& session = m_checker.Created(node, note.record, now);
    if (const FirstPacket* first = FindFirst(note.packetId))
    {
        session.workloadSession = first->workloadSession;
        session.injectedAt = first->injectedAt;
        session.missedAt = first->missedAt;
        session.askedAt = first->askedAt;
    }
    else if (const auto index = m_workload->SessionOf(note.record.original))
    {
        session.workloadSession = *index;
    }
}

void
RunObserver::NoteStored(NodeId node, const SessionRecord& record, Instant now)
{
    m_checker.Stored(node, record, now);
    SessionInfo* session = m_registry.Find(record.id);
    if (session == nullptr || (record.id >> 48) != record.owner)
    {
        return; // an adopted session's copies are no part of its set-up
    }
    if (m_managers.test(node))
    {
        ++session->managers;
        session->chainAt = now;
        if (session->managers <= m_config.position)
        {
            session->secondAt = now;
        }
    }
    else if (!m_joining.test(node))
    {
        session->fanOutAt = now;
    }
}

void
RunObserver::NoteReleased(NodeId node, const Note& note, Instant now)
{
    const MembershipView& view = m_applications[node]->Machine().View();
    NodeMask serviceNodes;
    for (const NodeId member : view.MemberServiceNodes())
    {
        // A node that has restarted since is not the one that the view means: it has failed.
        serviceNodes.set(member, m_applications[member]->Incarnation() == view.Incarnation(member));
    }
    NodeMask managers;
    const auto& group = view.ActiveGroups()[m_directory.nodes[node].group];
    for (const NodeId member : group)
    {
        managers.set(member);
    }
    m_checker.Released(node,
                       note.record,
                       serviceNodes & UpServiceNodes(),
                       managers,
                       std::min<std::size_t>(m_config.chainLength, group.size()),
                       now);
    if (SessionInfo* session = m_registry.Find(note.record.id))
    {
        session->releasedAt = std::min(session->releasedAt, now);
    }
    if (const FirstPacket* first = FindFirst(note.packetId))
    {
        if (first->touchedAt != NEVER)
        {
            m_recovery = std::max(m_recovery, now - first->touchedAt);
        }
        ForgetFirst(note.packetId);
    }
}

void
RunObserver::NoteSlowReverse(const Note& note)
{
    ++m_thirdMisses;
    const SessionInfo* session = m_checker.FindExternal(note.record.original);
    if (m_config.hasReverseEntries && session != nullptr && session->released &&
        !session->reverseStored)
    {
        ++m_overtakes;
    }
}

void
RunObserver::OnFirstDelivery(std::uint32_t, Instant injectedAt, Instant now)
{
    if (injectedAt >= m_config.warmup)
    {
        m_firstPacket.Add(now - injectedAt);
    }
}

void
RunObserver::OnHostArrival(NodeId host, Arrival arrival, const PacketView& view, Instant now)
{
    switch (arrival)
    {
    case Arrival::DELIVERED:
        m_checker.PacketRight();
        return;
    case Arrival::UNKNOWN_CONNECTION:
        if (WasLost(view.key))
        {
            return; // opened anew after all its state was lost: judged under durability
        }
        m_checker.TranslationChanged(
            host, "a packet of a known connection as " + KeyText(view.key), now);
        break;
    case Arrival::CORRUPT:
        if (m_config.linksDamage && view.udpChecksumAbsent)
        {
            return;
        }
        m_checker.PacketChanged(host, "a packet with changed bytes as " + KeyText(view.key), now);
        break;
    case Arrival::DUPLICATE:
        if (m_config.linksDuplicate && IsTranslationKnown(view.key))
        {
            m_checker.PacketRight();
            return;
        }
        m_checker.PacketChanged(host, "a packet twice, as " + KeyText(view.key), now);
        break;
    }
    AfterCheck();
}

/** @returns whether the packet goes to a client, or comes from the external side of a session. */
bool
RunObserver::IsTranslationKnown(const FlowKey& key) const
{
    return m_directory.inside.Contains(key.destination.address) ||
           m_checker.FindExternal(key.Reversed()) != nullptr;
}

bool
RunObserver::WasLost(const FlowKey& atServer) const
{
    const SessionInfo* session = m_checker.FindExternal(atServer.Reversed());
    return session != nullptr && session->workloadSession < m_lostSessions.size() &&
           m_lostSessions[session->workloadSession];
}

void
RunObserver::CheckBound(std::string_view what,
                        std::uint64_t value,
                        std::uint64_t limit,
                        Instant now)
{
    m_checker.Bounded(what, value, limit, now);
    AfterCheck();
}

// ---------------------------------------------------------------------------------------------
// Failures

NodeMask
RunObserver::UpServiceNodes() const
{
    NodeMask up = m_serviceNodes;
    for (const auto& [node, since] : m_downSince)
    {
        up.reset(node);
    }
    return up;
}

void
RunObserver::OnNodeDown(NodeId node, Instant now)
{
    m_downSince[node] = now;
    m_crashedAt[node] = now;
    m_joining.reset(node);
    m_complete.reset(node);
    const MembershipView& view = m_applications[m_directory.controller]->Machine().View();
    NodeMask survivors;
    for (const NodeId member : view.ActiveServiceNodes())
    {
        survivors.set(member);
    }
    // A node that took over for lack of any other, its snapshot unfinished, survives nothing: then
    // all have failed at once, which nobody promises to survive.
    survivors &= UpServiceNodes() & m_complete;
    if (m_config.managersServe)
    {
        for (const auto& group : view.ActiveGroups())
        {
            for (const NodeId manager : group)
            {
                if (!m_downSince.contains(manager))
                {
                    survivors.set(manager);
                }
            }
        }
    }
    for (const std::uint32_t index : m_checker.Crashed(node, survivors, now))
    {
        const std::uint32_t session = m_registry.At(index).workloadSession;
        if (session != SessionInfo::NO_SESSION)
        {
            m_lost += m_workload->HasTrafficLeft(session) ? 1 : 0;
            m_lostSessions.resize(std::max<std::size_t>(m_lostSessions.size(), session + 1));
            m_lostSessions[session] = true;
        }
    }
    for (FirstPacket& first : m_first)
    {
        if (first.packetId != 0 && (first.asked == node || m_managers.test(node)))
        {
            first.touchedAt = std::min(first.touchedAt, now);
        }
    }
    AfterCheck();
}

void
RunObserver::OnNodeUp(NodeId node, Instant)
{
    m_downSince.erase(node);
}

void
RunObserver::NoteViewAdopted(NodeId node, std::uint64_t epoch, Instant now)
{
    if (node == m_directory.controller)
    {
        m_epoch = epoch;
        for (const NodeId suspect : m_suspected)
        {
            const auto crash = m_crashedAt.find(suspect);
            if (crash != m_crashedAt.end())
            {
                m_detection = std::max(m_detection, now - crash->second);
                auto [entry, isNew] = m_crashOfEpoch.emplace(epoch, crash->second);
                entry->second = std::min(entry->second, crash->second);
            }
        }
        m_suspected.clear();
    }
    const auto crash = m_crashOfEpoch.find(epoch);
    if (crash != m_crashOfEpoch.end())
    {
        m_recovery = std::max(m_recovery, now - crash->second);
    }
}

// ---------------------------------------------------------------------------------------------
// Results

std::string
RunObserver::Digest() const
{
    return fmt::format("{:016x}", m_digest);
}

void
RunObserver::ReportLatencies(MetricSet& metrics)
{
    LatencyHistogram accelerator;
    LatencyHistogram manager;
    LatencyHistogram service;
    LatencyHistogram chain;
    LatencyHistogram fanOut;
    LatencyHistogram reverse;
    LatencyHistogram release;
    const auto add = [](LatencyHistogram& histogram, Instant from, Instant to)
    {
        if (from != NEVER && to != NEVER && to >= from)
        {
            histogram.Add(to - from);
        }
    };
    for (std::size_t i = 0; i < m_registry.Size(); ++i)
    {
        const SessionInfo& s = m_registry.At(i);
        if (s.injectedAt == NEVER || s.injectedAt < m_config.warmup)
        {
            continue;
        }
        add(accelerator, s.injectedAt, s.missedAt);
        add(manager, s.missedAt, s.askedAt);
        add(service, s.askedAt, s.stateAt);
        add(chain, s.stateAt, s.chainAt);
        add(fanOut, s.secondAt, s.fanOutAt);
        add(reverse, s.stateAt, s.reverseAt);
        add(release, s.stateAt, s.releasedAt);
    }
    metrics.SetLatency("first_packet", m_firstPacket);
    metrics.SetLatency("accelerator", accelerator);
    metrics.SetLatency("manager", manager);
    metrics.SetLatency("service", service);
    metrics.SetLatency("chain", chain);
    metrics.SetLatency("fan_out", fanOut);
    metrics.SetLatency("reverse", reverse);
    metrics.SetLatency("release", release);
}

void
RunObserver::Report(MetricSet& metrics)
{
    const auto set = [&](std::string_view name, std::uint64_t value)
    {
        metrics.Set(name, static_cast<std::int64_t>(value));
    };
    set("sessions.lost", m_lost);
    ReportLatencies(metrics);
    if (m_detection >= Duration::zero())
    {
        metrics.Set("failover.detection_time", m_detection);
    }
    if (m_recovery >= Duration::zero())
    {
        metrics.Set("failover.recovery_time", m_recovery);
    }
    for (std::size_t kind = 1; kind < m_messages.size(); ++kind)
    {
        set(std::string("sync.messages.") + ToString(static_cast<MessageKind>(kind)),
            m_messages[kind]);
    }
    set("sync.bytes", m_messageBytes);
    set("sync.retransmissions", m_retransmissions);
    set("sync.refused_stale", m_refusedStale);
    set("slow_path.third_misses", m_thirdMisses);
    set("slow_path.overtakes", m_overtakes);
    set("run.view_epoch", m_epoch);
    for (std::size_t i = 0; i < INVARIANT_COUNT; ++i)
    {
        const auto invariant = static_cast<Invariant>(i);
        set(std::string("observer.checks.") + ToString(invariant), m_checker.Checks(invariant));
    }
    set("observer.violations", m_checker.ViolationCount());
    metrics.SetText("trace.digest", Digest());
}

} // namespace flowchain
