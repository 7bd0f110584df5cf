// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FABRIC_FIXTURE_H
#define FLOWCHAIN_FABRIC_FIXTURE_H

#include "fabric.h"
#include "packet-ledger.h"

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace flowchain::fabric_test
{

/** A frame that a host sends. */
struct Sending
{
    std::int64_t at = 0; ///< ps
    NodeId from = 0;
    NodeId to = 0;
    std::uint16_t sourcePort = 0;
    std::uint32_t payloadLength = 0; ///< UDP payload, bytes
    bool isPayloadReal = false;
};

/** A frame that has arrived. */
struct Delivery
{
    std::int64_t at = 0; ///< ps
    NodeId host = 0;
    std::string bytes;
    std::uint32_t packetId = 0;
    std::size_t headroom = 0;
    std::uint16_t payloadSum = 0; ///< differs from that of the bytes if they are damaged

    friend auto operator<=>(const Delivery&, const Delivery&) = default;
};

/** A frame that a tap saw. */
struct Sighting
{
    std::int64_t start = 0; ///< ps
    std::size_t link = 0;
    std::string bytes;

    friend auto operator<=>(const Sighting&, const Sighting&) = default;
};

/** Everything that can be known of a run. */
struct Outcome
{
    std::vector<Delivery> deliveries; ///< as they came
    std::vector<Sighting> sightings;
    std::vector<LinkCounters> links;
    PacketLedger ledger;
    std::uint64_t packetHops = 0;

    std::vector<Delivery> SortedDeliveries() const;
    /** @returns a hash of `deliveries` in their order. */
    std::uint64_t Digest() const;
};

/** How a run is done. */
struct RunOptions
{
    std::string kind = "lean";
    std::string scheduler = "flowchain::QuaternaryHeapScheduler";
    std::int64_t stop = -1; ///< ps; -1: when nothing happens any more
    bool isTapped = false;  ///< on every second link
    /** Hosts work for this time (ps) on what they get and send it back to where it came from; -1:
     * they keep it. */
    std::int64_t echoAfter = -1;
};

/** Make a picosecond ns-3's resolution, if it is not: ns-3 fails when it is set twice. */
void UsePicoseconds();

/** Simulate `sendings`, each an injected packet, from a new simulator to its destruction. */
void RunFabric(const FabricConfig& config,
               const std::vector<Sending>& sendings,
               const RunOptions& options,
               Outcome& outcome);

/** UDP frame of `sending`, checksums and addresses right; frames of one source port are one flow.
 */
void BuildFrame(const Sending& sending, Frame& frame);

/** Parameters of random sendings. */
struct RandomTraffic
{
    std::uint64_t seed = 1;
    std::uint32_t frames = 2000;
    std::int64_t meanGap = 100'000; ///< between two frames of the whole network, ps
    std::int64_t leastGap = 0;      ///< ps
    std::int64_t grid = 1;          ///< instants are multiples of it, ps: makes ties
    std::uint32_t payloadMax = 1400;
    bool isIncast = false; ///< everybody sends to host 0
};

std::vector<Sending> MakeTraffic(const FabricConfig& config, const RandomTraffic& traffic);

/** Hosts spread over the leaves in turn. */
FabricConfig MakeConfig(std::uint16_t hosts, std::uint16_t leaves, std::uint16_t spines);

} // namespace flowchain::fabric_test

#endif
