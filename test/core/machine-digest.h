// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_MACHINE_DIGEST_H
#define FLOWCHAIN_MACHINE_DIGEST_H

#include "accelerator-machine.h"
#include "flow-hash.h"
#include "flow-manager-machine.h"
#include "service-node-machine.h"

#include <compare>
#include <cstdint>

namespace flowchain
{

/** 128 bits: among 1e7 values two are equal by accident with a probability of 1e-25. */
struct Digest
{
    std::uint64_t low = 0;
    std::uint64_t high = 0x6a09e667f3bcc908; ///< any value that differs from that of `low`

    void Add(std::uint64_t value)
    {
        low = Mix64(low ^ (value + 0x9e3779b97f4a7c15ULL));
        high = Mix64(high + value * 0xd1342543de82ef95ULL + 1);
    }

    void Add(const Frame& frame);
    void Add(const FlowKey& key);
    void Add(const SessionRecord& record);
    void Add(const FlowEntry& entry);

    friend auto operator<=>(const Digest&, const Digest&) = default;
};

/**
 * Everything that decides what a machine does next, as one value: two machines of the same node
 * with equal digests behave alike from then on. It reads the private members of the machines.
 * Times count from `now`, except for service nodes, which write it into records; tables count
 * without regard to the order of their slots; so snapshots, which walk the slots, are outside of
 * what it promises. The state of the network function is left out: it follows from the serial
 * number of the node's last session and from the removals. So are the times at which sessions age:
 * they lie far behind the end of a search.
 */
class MachineDigest
{
  public:
    static Digest Of(const ProtocolMachine& machine, NodeRole role, Instant now);

    /** When the first unacknowledged message is due again, or NEVER. A machine's own wakeup may be
     * earlier, and for nothing. */
    static Instant NextRetransmission(const ProtocolMachine& machine);

  private:
    static void AddTime(Digest& digest, Instant when, Instant now);
    static void AddChannel(Digest& digest, const ReliableChannel& channel, Instant now);
    static void
    AddOutstanding(Digest& digest, const ReliableChannel::Outstanding& message, Instant now);
    static void AddBase(Digest& digest, const ProtocolMachine& machine, Instant now);
    static void AddSlots(Digest& digest, const std::vector<std::uint32_t>& slots);
    static void AddStore(Digest& digest, const SessionStore& store);
    static void AddTombstones(Digest& digest, const Tombstones& tombstones);
    static const FlowEntry& EntryOf(const FlowEntry& entry)
    {
        return entry;
    }
    static const FlowEntry& EntryOf(const AcceleratorMachine::Entry& entry)
    {
        return entry.flow;
    }
    template <typename Table>
    static void AddEntries(Digest& digest, const Table& table);
    static void AddDeadlines(Digest& digest,
                             const std::deque<std::pair<Instant, std::uint32_t>>& deadlines,
                             Instant now);
    static void AddReplica(Digest& digest, const ReplicaMachine& machine, Instant now);
    static void AddServiceNode(Digest& digest, const ServiceNodeMachine& machine, Instant now);
    static void AddRemovals(Digest& digest, const ServiceNodeMachine& machine, Instant now);
    static void AddManager(Digest& digest, const FlowManagerMachine& machine, Instant now);
    static void AddContext(Digest& digest, const FlowManagerMachine::Context& context, Instant now);
};

} // namespace flowchain

#endif
