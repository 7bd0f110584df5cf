// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SYNC_SCHEME_H
#define FLOWCHAIN_SYNC_SCHEME_H

#include "copy-plan.h"
#include "flow-key.h"
#include "membership-view.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace flowchain
{

/** When the packets that wait for a session go on. */
enum class ReleaseRule : std::uint8_t
{
    IMMEDIATE, ///< as soon as the state is made (asynchronous)
    CHAIN,     ///< every node of the path has acknowledged
    ALL,       ///< path, fan-out and reverse entry have been acknowledged
    TAIL,      ///< the last node of the path has the state, and itself sends the first packet on
};

std::optional<ReleaseRule> ReleaseRuleByName(std::string_view name);

/** What a scheme is configured with; each takes of it what it has a use for. */
struct SchemeConfig
{
    ReleaseRule release = ReleaseRule::ALL;
    std::uint16_t length = 3;   ///< nodes in a path; fewer if fewer are alive
    std::uint16_t position = 3; ///< of the node that fans out; 1..length
    bool crossGroup = false;    ///< chain: a manager of another group gets a copy, too
};

/** Who spreads new state. */
enum class SchemeRoot : std::uint8_t
{
    NOBODY,
    MANAGER, ///< the flow manager that the first packet came to
    OWNER,   ///< the service node that made or adopted the session
};

/** What holds of a session whose packets have been released under ReleaseRule::ALL. */
struct SchemePromise
{
    bool everyServiceNode = false;  ///< every live service node has a copy
    bool chain = false;             ///< `length` managers of one group have a copy
    bool reverseEntry = false;      ///< the third manager has the reverse entry
    std::uint16_t serviceNodes = 1; ///< that have a copy, the owner included
    std::uint16_t managers = 0;     ///< that have a copy
    bool managersServe = false;     ///< a manager's copy is as good as a service node's

    /** Whether managers can give a service group that has lost everything its sessions again. */
    bool Restores() const
    {
        return everyServiceNode && managers > 0 && !managersServe;
    }
};

/**
 * A way to spread session state. Pure: what it answers depends on its arguments alone, so every
 * node of one view answers alike. A new scheme is one class and one line in SyncSchemes().
 */
class SyncScheme
{
  public:
    virtual ~SyncScheme() = default;

    virtual std::string_view Name() const = 0;

    virtual SchemeRoot Root() const = 0;

    virtual SchemePromise Promise(const SchemeConfig& config) const = 0;

    /** The rule that takes effect where `configured` is asked for. */
    virtual ReleaseRule Release(ReleaseRule configured) const
    {
        return configured;
    }

    /**
     * Where the state goes.
     * @param root node that spreads it; it may have died since
     * @param known the session is not new, so its owner, too, may lack this version
     * @param[out] plan what it held is replaced; path[0] is `root`
     */
    virtual void Plan(const SessionRecord& record,
                      NodeId root,
                      bool known,
                      const MembershipView& view,
                      const SchemeConfig& config,
                      CopyPlan& plan) const = 0;

    /** Whether the first manager gives the reverse entry to the third one in advance. */
    virtual bool HasReverseEntry() const
    {
        return Root() == SchemeRoot::MANAGER;
    }

    /** New owner of a session whose owner is not active. @returns NO_NODE if there is none */
    virtual NodeId Heir(const SessionRecord& record, const MembershipView& view) const;

    /**
     * Service nodes to ask, one after the other, for a session whose owner is not active.
     * @param key tuple of the waiting packet, of either direction
     * @param session 0: unknown
     * @param owner its last known owner, or NO_NODE
     * @param attempt from 0
     * @returns NO_NODE: nobody is left to ask
     */
    virtual NodeId Holder(const FlowKey& key,
                          SessionId session,
                          NodeId owner,
                          unsigned attempt,
                          const MembershipView& view) const;

    /** Manager that a service node asks for a session that it does not know, before it makes one.
     * @returns NO_NODE: it asks nobody */
    virtual NodeId FetchFrom(const FlowKey& key, const MembershipView& view) const;
};

/** Every scheme that a scenario can name, in the order of the documentation. */
const std::vector<const SyncScheme*>& SyncSchemes();
/** @returns null if there is no such scheme */
const SyncScheme* SyncSchemeByName(std::string_view name);

const SyncScheme& ChainScheme();

} // namespace flowchain

#endif
