// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_MANAGER_SCHEMES_H
#define FLOWCHAIN_MANAGER_SCHEMES_H

#include "sync-scheme.h"

namespace flowchain
{

/** No synchronisation: what the others are compared with. */
class NoScheme : public SyncScheme
{
  public:
    std::string_view Name() const override
    {
        return "none";
    }

    SchemeRoot Root() const override
    {
        return SchemeRoot::NOBODY;
    }

    SchemePromise Promise(const SchemeConfig& config) const override;

    void Plan(const SessionRecord& record,
              NodeId root,
              bool known,
              const MembershipView& view,
              const SchemeConfig& config,
              CopyPlan& plan) const override;
};

/**
 * The source's own: along the live managers of the first one's group, in configured order from it
 * on; the one at the configured position fans out to the service nodes (CN116389549, claims 3-4,
 * 7-8).
 */
class ChainSyncScheme : public SyncScheme
{
  public:
    std::string_view Name() const override
    {
        return "chain";
    }

    SchemeRoot Root() const override
    {
        return SchemeRoot::MANAGER;
    }

    SchemePromise Promise(const SchemeConfig& config) const override;

    void Plan(const SessionRecord& record,
              NodeId root,
              bool known,
              const MembershipView& view,
              const SchemeConfig& config,
              CopyPlan& plan) const override;
};

/** The first manager gives the state to all service nodes itself (CN116389549, claims 1 and 6). */
class FanOutScheme : public SyncScheme
{
  public:
    std::string_view Name() const override
    {
        return "fan-out";
    }

    /** A path of one node is no chain, and has no tail to wait for. */
    ReleaseRule Release(ReleaseRule configured) const override
    {
        return configured == ReleaseRule::IMMEDIATE ? ReleaseRule::IMMEDIATE : ReleaseRule::ALL;
    }

    SchemeRoot Root() const override
    {
        return SchemeRoot::MANAGER;
    }

    SchemePromise Promise(const SchemeConfig& config) const override;

    void Plan(const SessionRecord& record,
              NodeId root,
              bool known,
              const MembershipView& view,
              const SchemeConfig& config,
              CopyPlan& plan) const override;
};

} // namespace flowchain

#endif
