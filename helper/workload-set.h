// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_WORKLOAD_SET_H
#define FLOWCHAIN_WORKLOAD_SET_H

#include "replay-workload.h"
#include "scenario.h"
#include "workload.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace flowchain
{

/** All workloads of a run as one. */
class WorkloadSet : public Workload
{
  public:
    WorkloadSet() = default;

    /**
     * Make the workloads that a scenario names, captures read.
     * @param services service groups of the scenario, by which the sections' indices go
     * @throws PcapError if a capture cannot be read, std::invalid_argument with the workload's name
     * if its parameters cannot be satisfied
     */
    WorkloadSet(const std::vector<WorkloadSection>& sections,
                const std::vector<ServiceSection>& services,
                std::uint64_t seed);

    /** @param service index of the service group that the traffic goes through
     * @pre the workload's first session is Sessions(); nothing has been injected */
    void Add(std::unique_ptr<Workload> workload, std::uint16_t service = 0);

    std::optional<Instant> NextWakeup() const override;
    void
    Wakeup(Instant now, FramePool& pool, PacketLedger& ledger, std::vector<Outgoing>& out) override;
    Arrival
    Receive(const Frame& frame, const PacketView& view, bool atServer, Instant now) override;
    /** Ignores packets that no workload has injected. */
    void PacketDropped(std::uint32_t packetId, DropReason reason) override;

    std::uint32_t Sessions() const override;

    std::uint32_t FirstSession() const override
    {
        return 0;
    }

    std::optional<std::uint32_t> SessionOf(const FlowKey& original) const override;
    FlowKey KeyOf(std::uint32_t session) const override;
    std::optional<Instant> StartOf(std::uint32_t session) const override;
    bool HasTrafficLeft(std::uint32_t session) const override;
    WorkloadCounters Counters() const override;
    void SetListener(WorkloadListener* listener) override;

    /** The service group that the session goes through. */
    std::uint16_t ServiceOf(std::uint32_t session) const;
    /** The service group of an injected packet. */
    std::uint16_t ServiceOfPacket(std::uint32_t packetId) const;
    /** Of the workloads of one service group. */
    WorkloadCounters CountersOf(std::uint16_t service) const;

    /** Captured packets that are not replayed, over all captures. */
    const ReplaySkips& Skipped() const
    {
        return m_skipped;
    }

  private:
    static constexpr std::uint8_t NOBODY = 0xff;

    void AddReplay(const WorkloadSection& section, const Prefix& inside);
    /** Index of the workload that has the session. */
    std::size_t IndexOf(std::uint32_t session) const;
    Workload& WorkloadOf(std::uint32_t session) const;
    Workload* OwnerOf(std::uint32_t packetId) const;

    std::vector<std::unique_ptr<Workload>> m_workloads;
    std::vector<std::uint16_t> m_services; ///< index: workload; value: service group
    std::vector<std::uint8_t> m_owners;    ///< index: packet id; value: workload or NOBODY
    ReplaySkips m_skipped{};
};

} // namespace flowchain

#endif
