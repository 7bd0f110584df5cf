// SPDX-License-Identifier: GPL-2.0-only
// What the observer sees of the deletion of sessions.
#include "run-observer.h"
#include "service-node-machine.h"

#include <algorithm>
#include <numeric>

namespace flowchain
{

void
RunObserver::NoteLife(NodeId node, const Note& note, Instant now)
{
    switch (note.kind)
    {
    case NoteKind::DELETED:
        m_takenOver += note.value == static_cast<std::uint64_t>(DeletionCause::TAKEN_OVER) ? 1 : 0;
        NoteDeleting(note, now);
        break;
    case NoteKind::COPY_REMOVED:
        if (SessionInfo* session = m_registry.Find(note.record.id))
        {
            m_checker.Removed(node, *session);
            m_copies.Update(*session, now);
            UpdateZombie(*session, now);
        }
        break;
    case NoteKind::DELETION_CONFIRMED:
        m_checker.Deleted(note.record);
        if (const SessionInfo* session = m_registry.Find(note.record.id);
            session != nullptr && session->workloadSession != SessionInfo::NO_SESSION)
        {
            m_histories.Deleted(session->workloadSession, session->record.translated, now);
        }
        break;
    default:
        break;
    }
}

void
RunObserver::NoteDeleting(const Note& note, Instant now)
{
    SessionInfo* session = m_registry.Find(note.record.id);
    if (session == nullptr || session->deleting)
    {
        return; // somebody else was deleting it and is gone
    }
    ++m_deletions[note.value];
    m_checker.Deleting(*session);
    m_copies.Close(*session, now);
    UpdateZombie(*session, now);
    if (session->workloadSession == SessionInfo::NO_SESSION)
    {
        return;
    }
    m_histories.Deleting(session->workloadSession, session->record.translated, now);
    const auto cause = static_cast<DeletionCause>(note.value);
    if (cause == DeletionCause::AGED || cause == DeletionCause::CLOSED)
    {
        const std::size_t index = session->workloadSession;
        m_mayChange.resize(std::max(m_mayChange.size(), index + 1));
        m_mayChange[index] = true;
    }
}

/** The session's holders, or whether it is being deleted, may have changed. */
void
RunObserver::UpdateZombie(SessionInfo& session, Instant now)
{
    const bool isZombie = session.deleting && session.holders.any();
    if (isZombie != session.isZombie)
    {
        SettleZombies(now);
        session.isZombie = isZombie;
        m_zombies += isZombie ? 1 : std::uint64_t(-1);
    }
}

/** A number counts that has lasted: what one event does to several nodes happens at once. */
void
RunObserver::SettleZombies(Instant now)
{
    if (now > m_zombiesSince)
    {
        m_zombiesPeak = std::max(m_zombiesPeak, m_zombies);
        m_zombiesSince = now;
    }
}

/** How evenly the sessions that there are lie on the service nodes that there are. */
void
RunObserver::ReportSpread(MetricSet& metrics) const
{
    std::array<std::uint64_t, MAX_NODES> owned{};
    for (std::size_t i = 0; i < m_registry.Size(); ++i)
    {
        const SessionInfo& session = m_registry.At(i);
        const NodeId owner = session.record.owner;
        owned[owner] += !session.deleting && session.holders.test(owner) ? 1 : 0;
    }
    std::uint64_t spread = 0;
    for (const LiveNodes& live : LiveNodesIf(
             [this](NodeId node)
             {
        return m_active.test(node) && !m_downSince.contains(node);
         }))
    {
        std::uint64_t sum = 0;
        std::uint64_t most = 0;
        for (NodeId node = 0; node < MAX_NODES; ++node)
        {
            const std::uint64_t own = live.serviceNodes.test(node) ? owned[node] : 0;
            sum += own;
            most = std::max(most, own);
        }
        if (sum != 0)
        {
            spread = std::max(spread, most * live.serviceNodes.count() * 1000 / sum);
        }
    }
    if (spread != 0)
    {
        metrics.Set("service.sessions_spread", static_cast<std::int64_t>(spread));
    }
}

void
RunObserver::ReportLife(Instant now, MetricSet& metrics)
{
    const auto set = [&](const char* name, std::uint64_t value)
    {
        metrics.Set(name, static_cast<std::int64_t>(value));
    };
    const auto of = [this](DeletionCause cause)
    {
        return m_deletions[static_cast<std::size_t>(cause)];
    };
    const auto deleted = std::accumulate(m_deletions.begin(), m_deletions.end(), std::uint64_t{0});
    set("sessions.deleted", deleted);
    set("sessions.closed", of(DeletionCause::CLOSED));
    set("sessions.aged", of(DeletionCause::AGED));
    set("sessions.deletions_taken_over", m_takenOver);
    std::uint64_t zombies = 0;
    std::uint64_t ports = 0;
    std::uint64_t pending = 0;
    std::uint64_t tombstones = 0;
    std::uint64_t evicted = 0;
    std::vector<SessionId> held;
    for (const NodeApplication* application : m_applications)
    {
        if (application == nullptr || application->IsDown())
        {
            continue;
        }
        const ProtocolMachine& machine = application->Machine();
        if (const Tombstones* names = machine.DeletedSessions())
        {
            tombstones += names->Size();
            evicted += names->Evicted();
        }
        if (const auto* service = dynamic_cast<const ServiceNodeMachine*>(&machine))
        {
            ports += service->Function().PortsInUse();
            pending += service->PendingDeletions();
        }
        held.clear();
        if (deleted != 0)
        {
            machine.ListSessions(held);
        }
        for (const SessionId id : held)
        {
            const SessionInfo* session = m_registry.Find(id);
            zombies += session != nullptr && session->deleting ? 1 : 0;
        }
    }
    set("sessions.zombies", zombies);
    SettleZombies(now);
    set("zombies.peak", m_zombiesPeak);
    set("sessions.deletions_pending", pending);
    set("ports.in_use", ports);
    set("tombstones", tombstones);
    set("tombstones.evicted", evicted);
}

} // namespace flowchain
