// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_ACCELERATOR_MACHINE_H
#define FLOWCHAIN_ACCELERATOR_MACHINE_H

#include "flow-table.h"
#include "packet-view.h"
#include "protocol-machine.h"

namespace flowchain
{

/**
 * Entry of a service group: a flow table as fast path. A packet without a usable entry goes,
 * encapsulated, to the flow manager that the selection function names (CN116389549, claims 1-2);
 * the entry comes back and this node handles the flow alone. An entry is usable while the view has
 * its session's owner; afterwards the next packet has it confirmed by a flow manager.
 */
class AcceleratorMachine : public ProtocolMachine
{
  public:
    AcceleratorMachine(const NodeConfig& config, std::uint32_t entriesMax);

    std::size_t TableBytes() const override;
    std::size_t TableEntries() const override;
    std::size_t TableLimit() const override;

  private:
    friend class MachineDigest; ///< of tests

    static const FlowKey& KeyOf(const FlowEntry& entry)
    {
        return entry.match;
    }

    void HandlePacket(FramePtr frame, Instant now, Actions& out) override;
    void
    HandleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out) override;
    void Forward(FramePtr frame, PacketView& view, const FlowEntry& entry, Actions& out);
    void Install(const FlowEntry& entry, Actions& out);

    std::uint32_t m_entriesMax;
    FlowTable<FlowEntry, &AcceleratorMachine::KeyOf> m_entries;
};

} // namespace flowchain

#endif
