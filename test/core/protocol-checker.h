// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROTOCOL_CHECKER_H
#define FLOWCHAIN_PROTOCOL_CHECKER_H

#include "protocol-harness.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace flowchain
{

/**
 * Checks the promises of release = all on what happens in a harness, and at its end: agreement,
 * durability, uniqueness, consistency of a connection, conservation, and that nothing waits for
 * ever. See the invariants of the system's description; sessions are never deleted here.
 */
class ProtocolChecker : public HarnessListener
{
  public:
    /** @param crashes that may happen: what fewer copies than that keep is not promised */
    void SetHarness(const ProtocolHarness* harness, int crashes);

    /** What is broken, with times; empty: nothing. */
    const std::vector<std::string>& Broken() const
    {
        return m_broken;
    }

    /** Does a released session outlive the crashes that may happen? */
    bool HasReturned() const;
    bool IsDurable() const;

    /** To be called when no message has been lost or sent for long. */
    void CheckAtEnd();

    /** Sessions that a client's packet has been released for. */
    std::size_t ReleasedCount() const
    {
        return m_released.size();
    }

    void OnNote(NodeId node, const Note& note, Instant now) override;
    void OnDelivered(NodeId host, const Frame& frame, Instant now) override;
    void OnDown(NodeId node, Instant now) override;

  private:
    void Break(const std::string& what);
    ReleaseRule Release() const;
    SchemePromise Promise() const;
    bool HasCopy(NodeId node, NodeId releaser, SessionId session) const;
    void CheckCopies(NodeId releaser, SessionId session, bool isFirst);
    void CheckStored(NodeId node, const SessionRecord& record);
    void CheckReleased(NodeId node, const SessionRecord& record);
    void CheckServed(NodeId server, const FlowKey& key);
    void CheckCopiesAtEnd();

    const ProtocolHarness* m_harness = nullptr;
    int m_crashes = 0;
    std::map<SessionId, SessionRecord> m_newest;
    std::map<std::pair<SessionId, SessionVersion>, SessionRecord> m_versions;
    std::map<NodeId, std::set<SessionId>> m_copies; ///< of live nodes
    std::map<SessionId, SessionRecord> m_released;  ///< forward packet released
    std::map<FlowKey, FlowKey> m_seenAs;            ///< original tuple: as what the server knows it
    std::map<FlowKey, SessionId> m_external;
    std::vector<std::string> m_broken;
};

} // namespace flowchain

#endif
