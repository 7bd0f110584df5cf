// SPDX-License-Identifier: GPL-2.0-only
#include "invariant-checker.h"

#include <fmt/format.h>

#include <cassert>

namespace flowchain
{

namespace
{

std::string
EndpointText(const Endpoint& e)
{
    return fmt::format("{}.{}.{}.{}:{}",
                       e.address >> 24,
                       (e.address >> 16) & 255,
                       (e.address >> 8) & 255,
                       e.address & 255,
                       e.port);
}

bool
SameBinding(const SessionRecord& a, const SessionRecord& b)
{
    return a.original == b.original && a.translated == b.translated;
}

/** Nobody can use a session of which nobody in the view has the state: its loss was counted. */
bool
IsLive(const SessionInfo& session)
{
    return !session.deleted && !session.lost && session.holders.any();
}

/** Whether a session is of an earlier life of the node that makes `id`, and nobody outside has ever
 * seen its tuple. The node cannot know of it if it was given up and copied to some nodes only; the
 * newer session replaces such copies before it is released itself. */
bool
IsLeftOver(const SessionInfo& session, SessionId id)
{
    return !session.released && CreatorOf(session.record.id) == CreatorOf(id) &&
           CreatorIncarnationOf(session.record.id) != CreatorIncarnationOf(id);
}

} // namespace

std::string
KeyText(const FlowKey& key)
{
    return fmt::format("{} -> {} protocol {}",
                       EndpointText(key.source),
                       EndpointText(key.destination),
                       static_cast<int>(key.protocol));
}

const char*
ToString(Invariant invariant)
{
    static constexpr std::array<const char*, INVARIANT_COUNT> NAMES = {"durability",
                                                                       "agreement",
                                                                       "uniqueness",
                                                                       "consistency",
                                                                       "resurrection",
                                                                       "conservation",
                                                                       "boundedness",
                                                                       "linearizability"};
    return NAMES[static_cast<std::size_t>(invariant)];
}

std::string
Violation::Text() const
{
    const std::int64_t ns = when.time_since_epoch().count() / 1000;
    return fmt::format(
        "{} at {}.{:09} s: {}", ToString(invariant), ns / 1'000'000'000, ns % 1'000'000'000, what);
}

InvariantChecker::InvariantChecker(std::vector<Promises> promises,
                                   SessionRegistry& registry,
                                   NodeNamer nameOf)
    : m_promises(std::move(promises))
    , m_registry(registry)
    , m_nameOf(std::move(nameOf))
{
}

std::string
InvariantChecker::TextOf(SessionId id)
{
    const std::string name = fmt::format("{}:{}", id >> 48, id & 0xffffffffffff);
    const SessionInfo* session = m_registry.Find(id);
    return session == nullptr || session->workloadSession == SessionInfo::NO_SESSION
               ? name
               : fmt::format("{} ({})", session->workloadSession, name);
}

void
InvariantChecker::Violate(Invariant invariant, Instant now, std::string what)
{
    ++m_violationCount;
    if (m_violations.size() < VIOLATIONS_MAX)
    {
        m_violations.push_back({invariant, now, std::move(what)});
    }
}

SessionInfo&
InvariantChecker::Created(NodeId node, const SessionRecord& record, Instant now)
{
    SessionInfo& session = m_registry.Create(record.id);
    session.record = record;
    CheckUniqueness(node, session, now);
    return session;
}

void
InvariantChecker::CheckUniqueness(NodeId node, const SessionInfo& session, Instant now)
{
    Check(Invariant::UNIQUENESS);
    const FlowKey external = session.record.translated.Reversed();
    const std::uint64_t hash = FlowHash(external);
    const std::uint32_t other = IndexOfExternal(external);
    if (other != FlowIndex::NOT_FOUND)
    {
        const SessionInfo& holder = m_registry.At(other);
        if (PromisesOf(session).uniqueness && IsLive(holder) &&
            !IsLeftOver(holder, session.record.id))
        {
            Violate(Invariant::UNIQUENESS,
                    now,
                    fmt::format("{} gave session {} the external tuple {} of session {}",
                                m_nameOf(node),
                                TextOf(session.record.id),
                                KeyText(external),
                                TextOf(holder.record.id)));
        }
        m_external.Erase(hash, other);
    }
    m_external.Insert(hash, m_registry.IndexOf(session.record.id));
}

/** A session was released for the first time: CheckUniqueness() has let its tuple be given again
 * only while none of its packets had been. */
void
InvariantChecker::CheckReleasedOnce(NodeId node, const SessionInfo& session, Instant now)
{
    const FlowKey external = session.record.translated.Reversed();
    const std::uint32_t own = m_registry.IndexOf(session.record.id);
    const std::uint32_t other = IndexOfExternal(external);
    if (other == own || other == FlowIndex::NOT_FOUND)
    {
        return;
    }
    Check(Invariant::UNIQUENESS);
    const SessionInfo& holder = m_registry.At(other);
    if (PromisesOf(session).uniqueness && holder.released && IsLive(holder))
    {
        Violate(Invariant::UNIQUENESS,
                now,
                fmt::format("{} released session {} while session {} has its external tuple {}",
                            m_nameOf(node),
                            TextOf(session.record.id),
                            TextOf(holder.record.id),
                            KeyText(external)));
    }
    m_external.Erase(FlowHash(external), other);
    m_external.Insert(FlowHash(external), own);
}

std::uint32_t
InvariantChecker::IndexOfExternal(const FlowKey& external) const
{
    return m_external.Find(FlowHash(external),
                           [&](std::uint32_t index)
                           {
        return m_registry.At(index).record.translated.Reversed() == external;
    });
}

const SessionInfo*
InvariantChecker::FindExternal(const FlowKey& external) const
{
    const std::uint32_t index = IndexOfExternal(external);
    return index == FlowIndex::NOT_FOUND ? nullptr : &m_registry.At(index);
}

void
InvariantChecker::Stored(
    NodeId node, const SessionRecord& record, Instant now, bool isMember, std::uint64_t replaced)
{
    Check(Invariant::AGREEMENT);
    Check(Invariant::RESURRECTION);
    SessionInfo* session = m_registry.Find(record.id);
    if (session == nullptr)
    {
        Violate(Invariant::AGREEMENT,
                now,
                fmt::format("{} holds session {}, which nobody has made",
                            m_nameOf(node),
                            TextOf(record.id)));
        return;
    }
    if (isMember && (session->deleted || session->refusedBy.test(node)))
    {
        Violate(Invariant::RESURRECTION,
                now,
                fmt::format(
                    "{} stores session {}, which was deleted", m_nameOf(node), TextOf(record.id)));
    }
    if (!SameBinding(record, session->record) ||
        (record.version == session->record.version && record != session->record))
    {
        Violate(Invariant::AGREEMENT,
                now,
                fmt::format("{} holds version {:x} of session {} as {} => {} of owner {}, others "
                            "as {} => {} of owner {}",
                            m_nameOf(node),
                            record.version,
                            TextOf(record.id),
                            KeyText(record.original),
                            KeyText(record.translated),
                            record.owner,
                            KeyText(session->record.original),
                            KeyText(session->record.translated),
                            session->record.owner));
    }
    if (record.version > session->record.version)
    {
        session->record = record;
    }
    if (replaced > record.version)
    {
        Violate(Invariant::AGREEMENT,
                now,
                fmt::format("{} replaced version {:x} of session {} by the older {:x}",
                            m_nameOf(node),
                            replaced,
                            TextOf(record.id),
                            record.version));
    }
    session->holders.set(node);
}

void
InvariantChecker::Superseded(NodeId node, SessionId id, Instant now)
{
    Check(Invariant::DURABILITY);
    SessionInfo* session = m_registry.Find(id);
    assert(session != nullptr);
    session->holders.reset(node);
    if (PromisesOf(*session).copiesAtServiceNodes && session->released && !session->lost &&
        !session->deleting)
    {
        Violate(
            Invariant::DURABILITY,
            now,
            fmt::format("{} replaced session {}, which was released", m_nameOf(node), TextOf(id)));
    }
}

void
InvariantChecker::Released(NodeId node,
                           const SessionRecord& record,
                           const NodeMask& serviceNodes,
                           const NodeMask& managers,
                           std::size_t chainLength,
                           Instant now,
                           NodeId third)
{
    SessionInfo* session = m_registry.Find(record.id);
    assert(session != nullptr);
    if (session->released)
    {
        return; // released before; its copies were judged then, and at every crash since
    }
    session->released = true;
    if (session->deleting)
    {
        return; // its time was over before its packets could go on
    }
    CheckReleasedOnce(node, *session, now);
    Check(Invariant::DURABILITY);
    const NodeMask missing = serviceNodes & ~session->holders;
    if (PromisesOf(*session).copiesAtServiceNodes && missing.any())
    {
        Violate(Invariant::DURABILITY,
                now,
                fmt::format("{} released session {} while {} has no copy",
                            m_nameOf(node),
                            TextOf(record.id),
                            m_nameOf(static_cast<NodeId>(missing._Find_first()))));
    }
    const std::size_t copies = (session->holders & managers).count();
    if (PromisesOf(*session).copiesInChain && copies < chainLength)
    {
        Violate(Invariant::DURABILITY,
                now,
                fmt::format("{} released session {} with {} of {} copies in the chain",
                            m_nameOf(node),
                            TextOf(record.id),
                            copies,
                            chainLength));
    }
    const bool hasThird = third == NO_NODE ? session->reverseStored : session->thirds.test(third);
    if (PromisesOf(*session).reverseEntry && !hasThird)
    {
        Violate(Invariant::DURABILITY,
                now,
                fmt::format("{} released session {} before its reverse entry was stored{}",
                            m_nameOf(node),
                            TextOf(record.id),
                            third == NO_NODE ? "" : " at " + m_nameOf(third)));
    }
}

void
InvariantChecker::Activated(NodeId node, std::uint16_t service, Instant now)
{
    Check(Invariant::DURABILITY);
    std::uint64_t missing = 0;
    SessionId first = 0;
    for (std::size_t i = 0; i < m_registry.Size(); ++i)
    {
        const SessionInfo& session = m_registry.At(i);
        if (session.record.service == service && session.released && !session.deleting &&
            !session.lost && !session.holders.test(node))
        {
            first = missing++ == 0 ? session.record.id : first;
        }
    }
    if (m_promises[service].copiesAtServiceNodes && missing != 0)
    {
        Violate(Invariant::DURABILITY,
                now,
                fmt::format("{} is active without session {} ({} sessions in all)",
                            m_nameOf(node),
                            TextOf(first),
                            missing));
    }
}

void
InvariantChecker::Deleted(const SessionRecord& record)
{
    if (SessionInfo* session = m_registry.Find(record.id))
    {
        session->deleting = true;
        session->deleted = true;
    }
}

bool
InvariantChecker::IsToBeKept(const SessionInfo& session, std::uint16_t service)
{
    if (session.record.service != service || !session.released || session.deleting || session.lost)
    {
        return false;
    }
    Check(Invariant::DURABILITY);
    return true;
}

std::vector<std::uint32_t>
InvariantChecker::Crashed(NodeId node,
                          std::uint16_t service,
                          const NodeMask& survivors,
                          const NodeMask& restorers,
                          Instant now)
{
    std::vector<std::uint32_t> lost;
    for (std::size_t i = 0; i < m_registry.Size(); ++i)
    {
        SessionInfo& session = m_registry.At(i);
        session.holders.reset(node);
        session.refusedBy.reset(node);
        if (IsToBeKept(session, service) && (session.holders & (survivors | restorers)).none())
        {
            session.lost = true;
            lost.push_back(static_cast<std::uint32_t>(i));
        }
    }
    if (m_promises[service].copiesAtServiceNodes && survivors.any() && !lost.empty())
    {
        Violate(Invariant::DURABILITY,
                now,
                fmt::format("with {} down, no service node has session {} ({} sessions in all)",
                            m_nameOf(node),
                            TextOf(m_registry.At(lost.front()).record.id),
                            lost.size()));
    }
    return lost;
}

std::vector<std::uint32_t>
InvariantChecker::Restored(std::uint16_t service, const NodeMask& serving)
{
    std::vector<std::uint32_t> lost;
    for (std::size_t i = 0; i < m_registry.Size(); ++i)
    {
        SessionInfo& session = m_registry.At(i);
        if (IsToBeKept(session, service) && (session.holders & serving) != serving)
        {
            session.lost = true;
            lost.push_back(static_cast<std::uint32_t>(i));
        }
    }
    return lost;
}

void
InvariantChecker::TranslationChanged(NodeId host,
                                     std::uint16_t service,
                                     const std::string& what,
                                     Instant now)
{
    Check(Invariant::CONSISTENCY);
    if (m_promises[service].consistency)
    {
        Violate(Invariant::CONSISTENCY, now, m_nameOf(host) + " got " + what);
    }
}

void
InvariantChecker::PacketChanged(NodeId host, const std::string& what, Instant now)
{
    Check(Invariant::CONSISTENCY);
    Violate(Invariant::CONSISTENCY, now, m_nameOf(host) + " got " + what);
}

void
InvariantChecker::Conservation(bool holds, const std::string& what, Instant now)
{
    Check(Invariant::CONSERVATION);
    if (!holds)
    {
        Violate(Invariant::CONSERVATION, now, what);
    }
}

void
InvariantChecker::HistoryJudged(bool holds,
                                std::uint16_t service,
                                const std::string& what,
                                Instant when)
{
    Check(Invariant::LINEARIZABILITY);
    if (!holds && m_promises[service].consistency)
    {
        Violate(Invariant::LINEARIZABILITY, when, what);
    }
}

void
InvariantChecker::Bounded(std::string_view what,
                          std::uint64_t value,
                          std::uint64_t limit,
                          Instant now)
{
    Check(Invariant::BOUNDEDNESS);
    if (value > limit)
    {
        Violate(Invariant::BOUNDEDNESS, now, fmt::format("{}: {} of {}", what, value, limit));
    }
}

} // namespace flowchain
