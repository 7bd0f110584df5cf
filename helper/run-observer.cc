// SPDX-License-Identifier: GPL-2.0-only
#include "run-observer.h"

#include "message-layout.h"
#include "selector.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

std::vector<Promises>
PromisesOf(const ObserverConfig& config)
{
    std::vector<Promises> promises;
    for (const ObserverConfig::Service& service : config.services)
    {
        promises.push_back(service.promises);
    }
    return promises;
}

std::vector<CopyPromise>
CopiesOf(const ObserverConfig& config)
{
    std::vector<CopyPromise> copies;
    for (const ObserverConfig::Service& service : config.services)
    {
        copies.push_back(service.copies);
    }
    return copies;
}

} // namespace

RunObserver::RunObserver(const ObserverConfig& config,
                         const Directory& directory,
                         InvariantChecker::NodeNamer nameOf,
                         ViolationHandler onViolation,
                         Clock clock)
    : m_config(config)
    , m_directory(directory)
    , m_onViolation(std::move(onViolation))
    , m_clock(std::move(clock))
    , m_checker(PromisesOf(config), m_registry, nameOf)
    , m_copies(CopiesOf(config), m_registry, config.warmup)
    , m_disruptions(config.firstFailure)
    , m_timeline(directory, nameOf)
    , m_sampler(config.seriesInterval,
                [this]
                {
    return StateForSeries();
    })
, m_applications(directory.nodes.size())
, m_lost(config.services.size())
, m_isRestoring(config.services.size())
, m_deliveries(config.warmup)
, m_gaps(config.warmup)
{
    for (const NodeId node : directory.serviceNodes)
    {
        m_serviceNodes.set(node);
    }
    m_complete = m_serviceNodes;
    m_active.set();
    m_members.set();
    m_holders = m_serviceNodes;
    for (const auto& group : directory.groups)
    {
        for (const NodeId node : group)
        {
            m_managers.set(node);
            m_holders.set(node, config.managersServe);
        }
    }
    for (NodeId node = 0; node < directory.nodes.size(); ++node)
    {
        if (directory.nodes[node].absent)
        {
            m_downSince[node] = Instant{};
            m_complete.reset(node);
            m_holders.reset(node);
        }
    }
    m_copies.SetLive(LiveNodesIf(
                         [&](NodeId node)
                         {
        return !directory.nodes[node].absent;
    }),
                     Instant{});
}

void
RunObserver::Watch(const NodeApplication* application)
{
    m_applications[application->Id()] = application;
}

void
RunObserver::SetWorkload(const WorkloadSet* workload, const PacketLedger* ledger)
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
    m_sampler.Advance(now);
    ++m_notes[static_cast<std::size_t>(note.kind)];
    m_membership.OnNote(node, note, now);
    m_timeline.OnNote(node, note, now);
    switch (note.kind)
    {
    case NoteKind::MISSED:
        if (FirstPacket* first = m_first.Find(note.packetId))
        {
            first->missedAt = std::min(first->missedAt, now);
        }
        break;
    case NoteKind::ASKED:
        NoteAsked(node, note, now);
        break;
    case NoteKind::CREATED:
        NoteCreated(node, note, now);
        break;
    case NoteKind::STATE_RECEIVED:
        if (SessionInfo* session = m_registry.Find(note.record.id))
        {
            session->stateAt = std::min(session->stateAt, now);
            session->root = node;
        }
        break;
    case NoteKind::COPY_STORED:
        m_checker.Stored(node, note.record, now, m_members.test(node), note.value);
        NoteStored(node, note.record, now);
        break;
    case NoteKind::COPY_SUPERSEDED:
        m_checker.Superseded(node, note.record.id, now);
        m_copies.Update(*m_registry.Find(note.record.id), now);
        UpdateZombie(*m_registry.Find(note.record.id), now);
        break;
    case NoteKind::REVERSE_STORED:
        if (SessionInfo* session = m_registry.Find(note.record.id))
        {
            session->reverseStored = true;
            session->reverseAt = std::min(session->reverseAt, now);
            session->thirds.set(node);
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
        if (m_downSince.contains(note.peer)) // else it is suspected wrongly
        {
            m_suspected.push_back(note.peer);
        }
        break;
    case NoteKind::REPAIRED:
        if (SessionInfo* session = m_registry.Find(note.record.id))
        {
            session->repaired = true;
        }
        break;
    case NoteKind::DRAINED:
        m_drained.set(node);
        break;
    case NoteKind::SNAPSHOT_STARTED:
        m_joining.set(note.peer);
        break;
    case NoteKind::SNAPSHOT_ENDED:
        m_joining.reset(node);
        m_complete.set(node, note.peer != NO_NODE);
        break;
    default:
        NoteLife(node, note, now);
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
    if (m_config.hasReverseEntries && m_managers.test(node))
    {
        NotePrediction(node, frame);
    }
}

void
RunObserver::OnSend(NodeId, const Frame& frame, Instant now)
{
    m_sampler.Advance(now);
    m_messages.Sent(frame);
}

/** Whether a session's first reverse packet that comes to a manager finds its entry there. */
void
RunObserver::NotePrediction(NodeId node, const Frame& frame)
{
    MessageKind kind;
    PacketView view;
    if (!PeekKind(frame, kind) || kind != MessageKind::PACKET_IN ||
        ParsePacket(frame, layout::MESSAGE_DATA + layout::MESSAGE_SIZE, view) != PacketVerdict::OK)
    {
        return;
    }
    const SessionInfo* found = m_checker.FindExternal(view.key);
    if (found == nullptr || found->reverseAsked)
    {
        return;
    }
    SessionInfo& session = *m_registry.Find(found->record.id);
    session.reverseAsked = true;
    ++m_predictions;
    m_predictionsRight += session.thirds.test(node) ? 1 : 0;
}

// ---------------------------------------------------------------------------------------------
// First packets

void
RunObserver::OnSessionStart(std::uint32_t session, Instant now)
{
    m_sampler.Advance(now);
    ++m_series.active;
    // The packet is about to be injected: its id is the next one.
    m_first.Start(static_cast<std::uint32_t>(m_ledger->Injected() + 1),
                  session,
                  m_workload->ServiceOf(session),
                  now);
    m_deliveries.Started(session, now);
}

void
RunObserver::NoteAsked(NodeId node, const Note& note, Instant now)
{
    FirstPacket* first = m_first.Find(note.packetId);
    if (first == nullptr)
    {
        return;
    }
    first->askedAt = std::min(first->askedAt, now);
    first->asked = note.peer;
    first->askedBy = node;
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
    session.createdAt = now;
    if (const FirstPacket* first = m_first.Find(note.packetId))
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
    if (session.workloadSession != SessionInfo::NO_SESSION)
    {
        m_histories.Created(session.workloadSession, note.record.translated, now);
    }
    OpenCopies(session, now);
}

/** From now on the session's copies count, and those of an earlier one of the same flow no more. */
void
RunObserver::OpenCopies(SessionInfo& session, Instant now)
{
    if (session.workloadSession == SessionInfo::NO_SESSION)
    {
        m_copies.Open(session, now);
        return;
    }
    if (session.workloadSession >= m_latest.size())
    {
        m_latest.resize(session.workloadSession + 1, SessionInfo::NO_SESSION);
    }
    auto& latest = m_latest[session.workloadSession];
    if (latest != SessionInfo::NO_SESSION)
    {
        m_copies.Close(m_registry.At(latest), now);
    }
    latest = m_registry.IndexOf(session.record.id);
    if (m_workload->HasTrafficLeft(session.workloadSession))
    {
        m_copies.Open(session, now);
    }
}

void
RunObserver::OnSessionEnd(std::uint32_t session, bool)
{
    m_sampler.Advance(m_clock());
    --m_series.active;
    if (session < m_latest.size() && m_latest[session] != SessionInfo::NO_SESSION)
    {
        m_copies.Close(m_registry.At(m_latest[session]), m_clock());
    }
}

void
RunObserver::NoteStored(NodeId node, const SessionRecord& record, Instant now)
{
    SessionInfo* session = m_registry.Find(record.id);
    if (session == nullptr)
    {
        return;
    }
    if (m_managers.test(node))
    {
        m_copies.SetGroup(*session, m_directory.nodes[node].group, now);
    }
    m_copies.Update(*session, now);
    UpdateZombie(*session, now);
    const auto crash = m_crashedAt.find(record.owner);
    const bool isOfEarlierLife = crash != m_crashedAt.end() && crash->second > session->createdAt;
    if ((record.id >> 48) != record.owner || VersionCounterOf(record.state) > 1 ||
        isOfEarlierLife || session->repaired)
    {
        return; // copies of an adopted, restored or repaired session or a newer state are no part
                // of set-up
    }
    if (m_managers.test(node))
    {
        ++session->managers;
        session->chainAt = now;
        if (session->managers <= m_config.services[record.service].position)
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
    // An owner spreads a session before any manager hears of it: who joins meanwhile gets it by its
    // snapshot.
    const bool isSpreadByOwner =
        m_config.services[m_directory.nodes[node].service].scheme->Root() == SchemeRoot::OWNER;
    NodeMask serviceNodes;
    for (const NodeId member : view.MemberServiceNodes())
    {
        const bool isPromised = !isSpreadByOwner || view.Status(member) != MemberStatus::JOINING;
        // A node that has restarted since is not the one that the view means: it has failed.
        serviceNodes.set(member,
                         isPromised &&
                             m_applications[member]->Incarnation() == view.Incarnation(member));
    }
    NodeMask managers;
    managers.set(node, m_managers.test(node)); // it may be draining
    std::size_t failed = 0;                    // since they acknowledged, as far as one can tell
    for (const NodeId member : view.ActiveGroups()[m_directory.nodes[node].group])
    {
        managers.set(member);
        const bool same = !m_applications[member]->IsDown() &&
                          m_applications[member]->Incarnation() == view.Incarnation(member);
        failed += same ? 0 : 1;
    }
    const NodeId selected = Selector::Manager(ReverseEntry(note.record).match, view);
    const bool isThirdUp = selected != NO_NODE && !m_applications[selected]->IsDown() &&
                           m_applications[selected]->Incarnation() == view.Incarnation(selected);
    const std::size_t chain = std::min<std::size_t>(
        m_config.services[m_directory.nodes[node].service].chainLength, managers.count());
    m_checker.Released(node,
                       note.record,
                       serviceNodes & UpServiceNodes(),
                       managers,
                       chain - std::min(chain, failed),
                       now,
                       isThirdUp ? selected : NO_NODE);
    if (SessionInfo* session = m_registry.Find(note.record.id))
    {
        session->releasedAt = std::min(session->releasedAt, now);
        m_copies.Update(*session, now);
    }
    if (const FirstPacket* first = m_first.Find(note.packetId))
    {
        if (first->touchedAt != NEVER)
        {
            m_recovery.Add(now - first->touchedAt);
            m_timeline.OnWentOn(first->touchedAt, now);
        }
        m_first.Forget(note.packetId);
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
RunObserver::OnInjection(std::uint32_t session, bool toServer, Instant now)
{
    m_gaps.Sent(session, toServer, now);
}

void
RunObserver::OnFirstDelivery(std::uint32_t, Instant injectedAt, Instant now)
{
    m_sampler.Advance(now);
    ++m_series.sessionsEstablished;
    m_disruptions.FirstDelivered(injectedAt, now);
    if (injectedAt >= m_config.warmup)
    {
        m_firstPacket.Add(now - injectedAt);
    }
}

void
RunObserver::OnDelivery(std::uint32_t session, bool atServer, Instant injectedAt, Instant now)
{
    m_sampler.Advance(now);
    ++m_series.packetsDelivered;
    m_disruptions.Delivered(session, injectedAt, now);
    m_deliveries.Delivered(session, injectedAt, now);
    m_gaps.Delivered(session, atServer, now);
}

void
RunObserver::OnPacketLost(std::uint32_t, DropReason)
{
    m_sampler.Advance(m_clock());
    ++m_series.packetsDropped;
}

void
RunObserver::OnHostArrival(NodeId host,
                           std::uint16_t service,
                           Arrival arrival,
                           const PacketView& view,
                           std::uint32_t payloadBytes,
                           Instant now)
{
    m_sampler.Advance(now);
    switch (arrival)
    {
    case Arrival::DELIVERED:
        m_series.payloadBytes += payloadBytes;
        m_checker.PacketRight();
        return;
    case Arrival::UNKNOWN_CONNECTION:
        if (MayHaveChanged(view.key))
        {
            return; // opened anew, its state lost (judged under durability) or its time over
        }
        m_checker.TranslationChanged(
            host, service, "a packet of a known connection as " + KeyText(view.key), now);
        break;
    case Arrival::CORRUPT:
        if (m_config.linksDamage && view.udpChecksumAbsent)
        {
            return;
        }
        m_checker.PacketChanged(host, "a packet with changed bytes as " + KeyText(view.key), now);
        break;
    case Arrival::DUPLICATE:
        if (m_config.mayDuplicate && IsTranslationKnown(host, view.key))
        {
            m_checker.PacketRight();
            return;
        }
        m_checker.PacketChanged(host, "a packet twice, as " + KeyText(view.key), now);
        break;
    }
    AfterCheck();
}

void
RunObserver::OnMalformedArrival(NodeId host, Instant now)
{
    if (!m_config.linksDamage)
    {
        m_checker.PacketChanged(host, "a packet that is malformed", now);
        AfterCheck();
    }
}

/** @returns whether the packet goes to a client, or comes from the external side of a session. */
bool
RunObserver::IsTranslationKnown(NodeId host, const FlowKey& key) const
{
    return m_directory.nodes[host].role == NodeRole::CLIENT ||
           m_checker.FindExternal(key.Reversed()) != nullptr;
}

bool
RunObserver::MayHaveChanged(const FlowKey& atServer) const
{
    const SessionInfo* session = m_checker.FindExternal(atServer.Reversed());
    return session != nullptr && session->workloadSession < m_mayChange.size() &&
           m_mayChange[session->workloadSession];
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

} // namespace flowchain
