// SPDX-License-Identifier: GPL-2.0-only
#include "leaf-spine.h"

#include "byte-order.h"
#include "flow-hash.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace flowchain
{

namespace
{

__extension__ typedef unsigned __int128 Uint128;

constexpr std::uint64_t BYTE_PICOSECONDS = 8'000'000'000'000; ///< of one byte at 1 bit/s
constexpr std::size_t ETHERNET_LENGTH = 14;
constexpr std::size_t IPV4_LENGTH_MIN = 20;

[[noreturn]] void
AbortWith(const char* what, std::uint32_t source)
{
    std::fprintf(stderr, "fabric: host %u sent a frame %s\n", source, what);
    std::abort();
}

} // namespace

NodeId
DestinationHost(std::span<const std::uint8_t> header)
{
    if (Load32(header.data()) != 0x02fc0000)
    {
        return NO_NODE;
    }
    return Load16(header.data() + 4);
}

std::uint64_t
EcmpHash(std::span<const std::uint8_t> header)
{
    FlowKey key;
    const std::uint8_t* ip = header.data() + ETHERNET_LENGTH;
    if (header.size() >= ETHERNET_LENGTH + IPV4_LENGTH_MIN &&
        Load16(header.data() + 12) == 0x0800 && (ip[0] >> 4) == 4)
    {
        key.source.address = Load32(ip + 12);
        key.destination.address = Load32(ip + 16);
        key.protocol = static_cast<IpProtocol>(ip[9]);
        const std::size_t l4 = ETHERNET_LENGTH + std::size_t{ip[0] & 0x0fU} * 4;
        const bool hasPorts = key.protocol == IpProtocol::TCP || key.protocol == IpProtocol::UDP;
        const bool isFragment = (Load16(ip + 6) & 0x3fff) != 0;
        if (hasPorts && !isFragment && header.size() >= l4 + 4)
        {
            key.source.port = Load16(header.data() + l4);
            key.destination.port = Load16(header.data() + l4 + 2);
        }
    }
    return FlowHash(key);
}

WireRate::WireRate(std::uint64_t bitsPerSecond,
                   std::uint32_t minimumBytes,
                   std::uint32_t overheadBytes)
    : m_bitsPerSecond(bitsPerSecond)
    , m_picosecondsPerByte(BYTE_PICOSECONDS % bitsPerSecond == 0 ? BYTE_PICOSECONDS / bitsPerSecond
                                                                 : 0)
    , m_minimumBytes(minimumBytes)
    , m_overheadBytes(overheadBytes)
{
}

Duration
WireRate::Rounded(std::uint64_t wireBytes) const
{
    const Uint128 scaled = static_cast<Uint128>(wireBytes) * BYTE_PICOSECONDS;
    return Duration(static_cast<std::int64_t>((scaled + m_bitsPerSecond / 2) / m_bitsPerSecond));
}

LeafSpine::LeafSpine(const FabricConfig& config)
    : m_leafOfHost(config.leafOfHost)
    , m_leaves(config.leaves)
    , m_spines(config.spines)
{
    const auto need = [](bool condition, const char* what)
    {
        if (!condition)
        {
            throw std::invalid_argument(std::string("fabric: ") + what);
        }
    };
    need(m_leaves > 0, "no leaf");
    need(m_spines > 0, "no spine");
    need(m_leafOfHost.size() < NO_NODE, "more than 65534 hosts");
    need(std::ranges::all_of(m_leafOfHost,
                             [this](auto leaf)
                             {
        return leaf < m_leaves;
         }),
         "a host on a leaf that does not exist");
    need(config.hostRateBps > 0 && config.fabricRateBps > 0, "a rate of 0");
    need(config.hostDelay >= Duration::zero() && config.fabricDelay >= Duration::zero(),
         "a negative delay");
    need(config.queueFrames > 0, "a port queue of 0 frames");
}

LeafSpine::Ends
LeafSpine::EndsOf(std::size_t link) const
{
    const auto hosts = static_cast<std::uint32_t>(Hosts());
    const std::uint32_t spine0 = hosts + m_leaves;
    if (link < hosts)
    {
        return {static_cast<std::uint32_t>(link), hosts + m_leafOfHost[link]};
    }
    if (link < 2 * std::size_t{hosts})
    {
        const auto host = static_cast<std::uint32_t>(link - hosts);
        return {hosts + m_leafOfHost[host], host};
    }
    const auto rest = static_cast<std::uint32_t>(link - 2 * std::size_t{hosts});
    const std::uint32_t up = std::uint32_t{m_leaves} * m_spines;
    if (rest < up)
    {
        return {hosts + rest / m_spines, spine0 + rest % m_spines};
    }
    return {spine0 + (rest - up) / m_leaves, hosts + (rest - up) % m_leaves};
}

std::size_t
LeafSpine::ReverseOf(std::size_t link) const
{
    if (link < Hosts())
    {
        return link + Hosts();
    }
    if (link < 2 * Hosts())
    {
        return link - Hosts();
    }
    const Ends ends = EndsOf(link);
    const auto leaf0 = static_cast<std::uint32_t>(Hosts());
    const std::uint32_t spine0 = leaf0 + m_leaves;
    return ends.from < spine0 ? SpineToLeaf(ends.to - spine0, ends.from - leaf0)
                              : LeafToSpine(ends.to - leaf0, ends.from - spine0);
}

std::string
LeafSpine::NodeNameOf(std::uint32_t end) const
{
    if (end < Hosts())
    {
        return "host" + std::to_string(end);
    }
    if (end < Hosts() + m_leaves)
    {
        return "leaf" + std::to_string(end - Hosts());
    }
    return "spine" + std::to_string(end - Hosts() - m_leaves);
}

std::string
LeafSpine::NameOf(std::size_t link) const
{
    const Ends ends = EndsOf(link);
    return NodeNameOf(ends.from) + "->" + NodeNameOf(ends.to);
}

LeafSpine::Path
LeafSpine::Route(NodeId source, std::span<const std::uint8_t> header) const
{
    if (header.size() < ETHERNET_LENGTH)
    {
        AbortWith("without an Ethernet header", source);
    }
    const NodeId destination = DestinationHost(header);
    if (destination >= Hosts())
    {
        AbortWith("to an address that is no host's", source);
    }
    if (destination == source)
    {
        AbortWith("to itself", source);
    }
    const std::uint16_t from = m_leafOfHost[source];
    const std::uint16_t to = m_leafOfHost[destination];
    if (from == to)
    {
        return {{Uplink(source), Downlink(destination), 0, 0}, 2};
    }
    const std::uint32_t spine = PickSpine(EcmpHash(header), m_spines);
    return {
        {Uplink(source), LeafToSpine(from, spine), SpineToLeaf(spine, to), Downlink(destination)},
        4};
}

} // namespace flowchain
