// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_BENCH_FABRIC_H
#define FLOWCHAIN_BENCH_FABRIC_H

#include "fabric.h"
#include "frame.h"

#include <ns3/event-impl.h>

#include <array>
#include <cstdint>
#include <functional>

namespace flowchain::bench
{

/** Traffic that every contestant carries: each host sends bursts of frames of one length at a fixed
 * gap to hosts on other leaves, so that each frame makes four hops. Bursts, so that the fabric is
 * measured and not the events of those who send. */
struct Load
{
    FabricConfig config;
    std::uint32_t hostsPerLeaf = 8;
    std::uint32_t framesPerHost = 0;
    std::uint32_t burst = 4;      ///< frames; framesPerHost is a multiple of it
    std::int64_t gap = 4'000'000; ///< between two bursts of a host, ps
    std::uint32_t frameLength = 1000;
};

/** What a contestant did, and the CPU time of its event loop alone. */
struct Measurement
{
    std::uint64_t packetHops = 0;
    double seconds = 0;
};

/** @param framesPerHost of the load @param delay propagation on each link: sets how many frames are
 * under way at a time */
Load MakeLoad(std::uint32_t framesPerHost, Duration delay);

std::uint32_t HostsOf(const Load& load);

/** @returns the host that frame number `frame` of `host` goes to. */
NodeId DestinationOf(const Load& load, NodeId host, std::uint32_t frame);

/** Length of the headers that every frame has: Ethernet, IPv4, UDP. */
constexpr std::uint32_t HEADER_LENGTH = 42;

/** Write the headers of frame number `frame` of `host`. */
void WriteHeader(const Load& load, NodeId host, std::uint32_t frame, std::uint8_t* header);

/** @returns CPU time of this process, in seconds. */
double CpuSeconds();

/** Calls `send` framesPerHost times for a host, by one event for each burst. */
class Generator final : public ns3::EventImpl
{
  public:
    using Send = std::function<void(NodeId host, std::uint32_t frame)>;

    Generator(const Load& load, NodeId host, Send send);
    void Start();

  private:
    void Notify() override;

    Send m_send;
    std::int64_t m_gap = 0;
    std::uint32_t m_burst = 0;
    std::uint32_t m_frames = 0;
    std::uint32_t m_frame = 0;
    NodeId m_host = 0;
};

/** Start a Generator for each host, run the simulator, and measure the CPU time of that. */
double RunGenerators(const Load& load, const Generator::Send& send);

// The contestants. Each needs a process of its own.

Measurement MeasureLean(const Load& load);
/** The same events in a loop of a few lines around std::priority_queue, without ns-3. */
Measurement MeasurePlain(const Load& load);
/** ns3::PointToPointNetDevice, forwarding in the receive callbacks. */
Measurement MeasureDevices(const Load& load);
/** ns-3's UDP sockets over IPv4 over PointToPointNetDevice, with global routing. */
Measurement MeasureInternet(const Load& load);

} // namespace flowchain::bench

#endif
