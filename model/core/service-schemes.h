// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SERVICE_SCHEMES_H
#define FLOWCHAIN_SERVICE_SCHEMES_H

#include "sync-scheme.h"

namespace flowchain
{

/**
 * Schemes in which the service node that has made a session spreads it. Flow managers only steer
 * packets and hold no session state, so that all schemes run on the same network, with the same
 * accelerators, and differ in how state travels.
 */
class OwnerScheme : public SyncScheme
{
  public:
    SchemeRoot Root() const override
    {
        return SchemeRoot::OWNER;
    }

    /** Without a path of more than one node there is no chain and no tail to wait for. */
    ReleaseRule Release(ReleaseRule configured) const override
    {
        return configured == ReleaseRule::IMMEDIATE ? ReleaseRule::IMMEDIATE : ReleaseRule::ALL;
    }
};

/** Every service node gives its sessions to every other one: what the source starts from
 * (CN116389549, [0003]). */
class MeshScheme : public OwnerScheme
{
  public:
    std::string_view Name() const override
    {
        return "mesh";
    }

    SchemePromise Promise(const SchemeConfig& config) const override;

    void Plan(const SessionRecord& record,
              NodeId root,
              bool known,
              const MembershipView& view,
              const SchemeConfig& config,
              CopyPlan& plan) const override;
};

/** The first packet itself passes through all service nodes, each of which makes the session of
 * it; the last one sends it on (CN116389549, Fig. 1). */
class PassThroughScheme : public OwnerScheme
{
  public:
    std::string_view Name() const override
    {
        return "pass-through";
    }

    ReleaseRule Release(ReleaseRule) const override
    {
        return ReleaseRule::TAIL;
    }

    SchemePromise Promise(const SchemeConfig& config) const override;

    void Plan(const SessionRecord& record,
              NodeId root,
              bool known,
              const MembershipView& view,
              const SchemeConfig& config,
              CopyPlan& plan) const override;
};

/** Once around a ring of all service nodes; the owner sends the packet on when its state has come
 * back to it from upstream (US11895027). */
class RingScheme : public OwnerScheme
{
  public:
    std::string_view Name() const override
    {
        return "ring";
    }

    ReleaseRule Release(ReleaseRule configured) const override
    {
        return configured;
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
 * Service nodes 2i and 2i + 1 back each other up; the packet travels in-line to the partner and
 * back, so that it leaves after both have the state (SONiC-DASH SmartSwitch HA). The last one of
 * an odd number has no partner.
 */
class PairScheme : public OwnerScheme
{
  public:
    std::string_view Name() const override
    {
        return "pair";
    }

    ReleaseRule Release(ReleaseRule configured) const override
    {
        return configured == ReleaseRule::IMMEDIATE ? ReleaseRule::IMMEDIATE : ReleaseRule::CHAIN;
    }

    SchemePromise Promise(const SchemeConfig& config) const override;

    void Plan(const SessionRecord& record,
              NodeId root,
              bool known,
              const MembershipView& view,
              const SchemeConfig& config,
              CopyPlan& plan) const override;

    NodeId Heir(const SessionRecord& record, const MembershipView& view) const override;
    NodeId Holder(const FlowKey& key,
                  SessionId session,
                  NodeId owner,
                  unsigned attempt,
                  const MembershipView& view) const override;
};

/**
 * Write-through to an external store, chain-replicated over `length` servers; the packet travels
 * with the write and back (RedPlane, SIGCOMM'21). The machines that are flow managers under the
 * chain are the store's servers here. A service node that does not know a flow asks the store
 * before it makes a session.
 */
class StoreScheme : public OwnerScheme
{
  public:
    std::string_view Name() const override
    {
        return "store";
    }

    ReleaseRule Release(ReleaseRule configured) const override
    {
        return configured == ReleaseRule::TAIL ? ReleaseRule::CHAIN : configured;
    }

    SchemePromise Promise(const SchemeConfig& config) const override;

    void Plan(const SessionRecord& record,
              NodeId root,
              bool known,
              const MembershipView& view,
              const SchemeConfig& config,
              CopyPlan& plan) const override;

    NodeId FetchFrom(const FlowKey& key, const MembershipView& view) const override;
};

/** Schemes in which a hash of the tuple names the nodes that back a session's owner up: one of
 * them is asked for it, and takes it over. */
class BackupScheme : public OwnerScheme
{
  public:
    SchemePromise Promise(const SchemeConfig& config) const override;

    NodeId Heir(const SessionRecord& record, const MembershipView& view) const override;
    NodeId Holder(const FlowKey& key,
                  SessionId session,
                  NodeId owner,
                  unsigned attempt,
                  const MembershipView& view) const override;
};

/**
 * The owner registers each session with its director, which a hash of the tuple names and which is
 * the backup owner, too; if the owner is its own director, the next node is the backup (connection
 * roles of Cisco's ASA clusters). Translation makes two tuples of a session, so it has a director
 * for each.
 */
class DirectorScheme : public BackupScheme
{
  public:
    std::string_view Name() const override
    {
        return "director";
    }

    void Plan(const SessionRecord& record,
              NodeId root,
              bool known,
              const MembershipView& view,
              const SchemeConfig& config,
              CopyPlan& plan) const override;
};

/**
 * A primary and a secondary node for each direction of a flow, all of which have the state before
 * the first packet goes on (US11082338, claim 1). The owner is the primary of the first packet's
 * direction.
 */
class DirectionPairsScheme : public BackupScheme
{
  public:
    std::string_view Name() const override
    {
        return "direction-pairs";
    }

    void Plan(const SessionRecord& record,
              NodeId root,
              bool known,
              const MembershipView& view,
              const SchemeConfig& config,
              CopyPlan& plan) const override;
};

} // namespace flowchain

#endif
