// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_INVARIANT_CHECKER_H
#define FLOWCHAIN_INVARIANT_CHECKER_H

#include "flow-table.h"
#include "session-registry.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

/** What is checked during every run. */
enum class Invariant : std::uint8_t
{
    DURABILITY,   ///< a released session survives the failures that the configuration promises
    AGREEMENT,    ///< no two nodes hold different bindings of one session and version
    UNIQUENESS,   ///< no two live sessions share an external tuple
    CONSISTENCY,  ///< every packet of a session gets the same translation for life
    RESURRECTION, ///< a deleted session never returns
    CONSERVATION, ///< every packet is delivered, dropped under one reason, or in flight
    BOUNDEDNESS,  ///< no table, queue or buffer passes its limit
    /** The operations on a session are those of one register, in an order that fits their times. */
    LINEARIZABILITY,
};
constexpr std::size_t INVARIANT_COUNT = 8;

/** @returns a lower-case name such as "durability" */
const char* ToString(Invariant invariant);

/** What the configuration promises; what it does not is counted in the metrics, not here. */
struct Promises
{
    bool copiesAtServiceNodes = false; ///< on release, every live service node has the state
    bool copiesInChain = false;        ///< on release, the whole chain has it
    bool reverseEntry = false;         ///< on release, the third manager has the reverse entry
    bool uniqueness = false;
    bool consistency = false; ///< and linearizability
};

/** A broken invariant. */
struct Violation
{
    Invariant invariant;
    Instant when;
    std::string what; ///< names node, session or packet

    /** "durability at 1.500000000 s: ..." */
    std::string Text() const;
};

/**
 * The rules of the global observer, judged on facts that it is told. Knows no simulator, so that
 * each rule is tested by telling it a story in which the rule is broken.
 */
class InvariantChecker
{
  public:
    using NodeNamer = std::function<std::string(NodeId)>;

    static constexpr std::size_t VIOLATIONS_MAX = 100; ///< that are kept with their text

    /** @param promises of each service group */
    InvariantChecker(std::vector<Promises> promises, SessionRegistry& registry, NodeNamer nameOf);

    /** A service node has made a session. @returns the session's entry in the registry */
    SessionInfo& Created(NodeId node, const SessionRecord& record, Instant now);
    /** A node stores this version of a session.
     * @param isMember of the newest view. One that is not may not know yet of what was deleted
     * since; nobody listens to it, and it restarts when it learns of the view.
     * @param replaced the version that it had before, or 0 */
    void Stored(NodeId node,
                const SessionRecord& record,
                Instant now,
                bool isMember = true,
                std::uint64_t replaced = 0);
    /** A node has replaced the session by a newer one of the same flow. */
    void Superseded(NodeId node, SessionId id, Instant now);
    /** The session's waiting packets leave the manager.
     * @param serviceNodes that must have a copy
     * @param managers of the chain's group, of which chainLength must have one
     * @param third the manager that must have the reverse entry; NO_NODE: any */
    void Released(NodeId node,
                  const SessionRecord& record,
                  const NodeMask& serviceNodes,
                  const NodeMask& managers,
                  std::size_t chainLength,
                  Instant now,
                  NodeId third = NO_NODE);
    /** The view counts on a service node that has joined: it must have every released session. */
    void Activated(NodeId node, std::uint16_t service, Instant now);
    /** The session's owner has decided to delete it; nobody needs to keep it any longer. */
    void Deleting(SessionInfo& session)
    {
        session.deleting = true;
    }

    /** A node has taken out its copy for good. */
    void Removed(NodeId node, SessionInfo& session)
    {
        session.holders.reset(node);
        session.refusedBy.set(node);
    }

    /** Every node has confirmed that it has taken out what it had of the session. */
    void Deleted(const SessionRecord& record);
    /** A node of a service group has lost everything.
     * @param survivors its service nodes that are up and active
     * @param restorers managers that will give service nodes what they have; only if no one
     * survives
     * @returns the group's released sessions of which none of these has a copy, as registry indices
     */
    std::vector<std::uint32_t> Crashed(NodeId node,
                                       std::uint16_t service,
                                       const NodeMask& survivors,
                                       const NodeMask& restorers,
                                       Instant now);
    /** A service group in which nobody was left serves again.
     * @returns the released sessions that not all of `serving` have, as registry indices */
    std::vector<std::uint32_t> Restored(std::uint16_t service, const NodeMask& serving);
    /** A host got a packet of a connection it knows, through this service group, under another
     * tuple. */
    void
    TranslationChanged(NodeId host, std::uint16_t service, const std::string& what, Instant now);
    /** A host got a packet whose bytes are not the ones that were sent. */
    void PacketChanged(NodeId host, const std::string& what, Instant now);
    /** A host got what it expected. */
    void PacketRight()
    {
        Check(Invariant::CONSISTENCY);
    }
    void Conservation(bool holds, const std::string& what, Instant now);
    /** The history of a session of this service group was judged.
     * @param when of the operation that nothing explains */
    void HistoryJudged(bool holds, std::uint16_t service, const std::string& what, Instant when);
    void Bounded(std::string_view what, std::uint64_t value, std::uint64_t limit, Instant now);

    /** @returns the session whose packets from outside have this tuple; null if none was made */
    const SessionInfo* FindExternal(const FlowKey& external) const;

    const std::vector<Violation>& Violations() const
    {
        return m_violations;
    }

    std::uint64_t ViolationCount() const
    {
        return m_violationCount;
    }

    std::uint64_t Checks(Invariant invariant) const
    {
        return m_checks[static_cast<std::size_t>(invariant)];
    }

  private:
    void Check(Invariant invariant)
    {
        ++m_checks[static_cast<std::size_t>(invariant)];
    }

    /** Whether the session must be kept, and is not lost yet. */
    bool IsToBeKept(const SessionInfo& session, std::uint16_t service);
    /** "3 (9:1)": number in the workload, if it is known, and creator and serial number. */
    std::string TextOf(SessionId id);
    void Violate(Invariant invariant, Instant now, std::string what);
    std::uint32_t IndexOfExternal(const FlowKey& external) const;
    void CheckUniqueness(NodeId node, const SessionInfo& session, Instant now);
    void CheckReleasedOnce(NodeId node, const SessionInfo& session, Instant now);

    const Promises& PromisesOf(const SessionInfo& session) const
    {
        return m_promises[session.record.service];
    }

    std::vector<Promises> m_promises; ///< index: service group
    SessionRegistry& m_registry;
    NodeNamer m_nameOf;
    FlowIndex m_external; ///< registry index by the external tuple of a session
    std::vector<Violation> m_violations;
    std::uint64_t m_violationCount = 0;
    std::array<std::uint64_t, INVARIANT_COUNT> m_checks{};
};

/** "10.0.0.1:1024 -> 198.51.100.1:80 protocol 6" */
std::string KeyText(const FlowKey& key);

} // namespace flowchain

#endif
