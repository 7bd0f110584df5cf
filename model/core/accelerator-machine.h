// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_ACCELERATOR_MACHINE_H
#define FLOWCHAIN_ACCELERATOR_MACHINE_H

#include "flow-table.h"
#include "packet-view.h"
#include "protocol-machine.h"
#include "tombstones.h"

namespace flowchain
{

struct AcceleratorConfig
{
    std::uint32_t entriesMax = 8'000'000;
    std::uint32_t tombstonesMax = 65'536;
    bool observe = false; ///< tell the owners of sessions which TCP flags were seen
    Duration refreshInterval{30'000'000'000'000}; ///< between two reports of sessions with packets
};

/**
 * Entry of a service group: a flow table as fast path. A packet without a usable entry goes,
 * encapsulated, to the flow manager that the selection function names (CN116389549, claims 1-2);
 * the entry comes back and this node handles the flow alone. An entry is usable while the view has
 * its session's owner; afterwards the next packet has it confirmed by a flow manager.
 *
 * This node alone sees the packets of established sessions. It tells a session's owner the first
 * ACK, FIN and RST of each direction (OBSERVED), and once in a refresh interval that there have
 * been packets (REFRESH). Entries of a session go when its owner says so (REMOVE), and do not come
 * back.
 */
class AcceleratorMachine : public ProtocolMachine
{
  public:
    AcceleratorMachine(const NodeConfig& config, const AcceleratorConfig& accelerator);

    std::size_t TableBytes() const override;
    std::size_t TableEntries() const override;
    std::size_t TableLimit() const override;

    void ListSessions(std::vector<SessionId>& out) const override;

    const Tombstones* DeletedSessions() const override
    {
        return &m_tombstones;
    }

  private:
    friend class MachineDigest; ///< of tests

    /** A flow's entry, and what this node knows of the flow. */
    struct Entry
    {
        FlowEntry flow;
        std::uint8_t told = 0; ///< tcp_observation that the owner has been told
        bool answers = false;  ///< has had a SYN with ACK: the flow of the side that was called
        bool active = false;   ///< has had packets since the last report
        bool live = true;      ///< false: the table's slot is free
    };

    static const FlowKey& KeyOf(const Entry& entry)
    {
        return entry.flow.match;
    }

    void HandlePacket(FramePtr frame, Instant now, Actions& out) override;
    void
    HandleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out) override;
    void HandleWakeup(Instant now, Actions& out) override;
    Instant NextRoleWakeup() const override;
    void HandleEntry(const FlowEntry& entry, FramePtr frame, Instant now, Actions& out);
    void Forward(FramePtr frame, PacketView& view, const FlowEntry& entry, Actions& out);
    void Observe(Entry& entry, const PacketView& view, Instant now, Actions& out);
    void Tell(Entry& entry, std::uint8_t seen, Instant now, Actions& out);
    void Install(const FlowEntry& entry, Instant now, Actions& out);
    void Remove(const SessionRecord& record, Actions& out);

    AcceleratorConfig m_accelerator;
    FlowTable<Entry, &AcceleratorMachine::KeyOf> m_entries;
    Tombstones m_tombstones;
    Instant m_nextScan = NEVER;   ///< when the next part of the table is looked through
    std::uint32_t m_scanPart = 0; ///< that part: every 64th slot, from this one on
};

} // namespace flowchain

#endif
