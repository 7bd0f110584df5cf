// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_LEAF_SPINE_H
#define FLOWCHAIN_LEAF_SPINE_H

#include "fabric.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace flowchain
{

/** @returns the host that the Ethernet destination address 02:fc:00:00:hi:lo names, or NO_NODE.
 * @pre header.size() >= 14 */
NodeId DestinationHost(std::span<const std::uint8_t> header);

/**
 * Hash of a frame's outermost five-tuple, for ECMP: equal for all packets of a flow and direction.
 * ICMP and fragments have no ports; what is not IPv4 hashes to one value.
 */
std::uint64_t EcmpHash(std::span<const std::uint8_t> header);

/** @returns one of `spines` paths for the hash. */
constexpr std::uint32_t
PickSpine(std::uint64_t hash, std::uint32_t spines)
{
    return static_cast<std::uint32_t>(((hash >> 32) * spines) >> 32);
}

/** How long a port needs for a frame. */
class WireRate
{
  public:
    /** @param bitsPerSecond positive */
    WireRate(std::uint64_t bitsPerSecond, std::uint32_t minimumBytes, std::uint32_t overheadBytes);

    /** @returns the bytes that a frame of `length` bytes takes on the wire. */
    std::uint64_t WireBytes(std::uint32_t length) const
    {
        return std::uint64_t{length < m_minimumBytes ? m_minimumBytes : length} + m_overheadBytes;
    }

    /** @returns the time to send a frame of `length` bytes, rounded to the nearest picosecond. */
    Duration SerialisationTime(std::uint32_t length) const
    {
        if (m_picosecondsPerByte != 0)
        {
            return Duration(static_cast<std::int64_t>(WireBytes(length) * m_picosecondsPerByte));
        }
        return Rounded(WireBytes(length));
    }

  private:
    Duration Rounded(std::uint64_t wireBytes) const;

    std::uint64_t m_bitsPerSecond;
    std::uint64_t m_picosecondsPerByte; ///< 0: not a whole number
    std::uint32_t m_minimumBytes;
    std::uint32_t m_overheadBytes;
};

/** The links of a leaf-spine network, and the way through it. */
class LeafSpine
{
  public:
    static constexpr std::size_t HOPS_MAX = 4;

    /** A route: the links in order. */
    struct Path
    {
        std::uint32_t links[HOPS_MAX];
        std::uint8_t hops;
    };

    /** Ends of a directed link: hosts are numbered from 0, then leaves, then spines. */
    struct Ends
    {
        std::uint32_t from;
        std::uint32_t to;
    };

    /** Throws std::invalid_argument with the reason for a configuration that makes no network. */
    explicit LeafSpine(const FabricConfig& config);

    std::size_t Hosts() const
    {
        return m_leafOfHost.size();
    }

    std::size_t Links() const
    {
        return 2 * Hosts() + 2 * std::size_t{m_leaves} * m_spines;
    }

    std::size_t Switches() const
    {
        return std::size_t{m_leaves} + m_spines;
    }

    std::uint16_t LeafOf(NodeId host) const
    {
        return m_leafOfHost[host];
    }

    std::uint32_t Leaves() const
    {
        return m_leaves;
    }

    std::uint32_t Spines() const
    {
        return m_spines;
    }

    std::uint32_t Uplink(NodeId host) const
    {
        return host;
    }

    std::uint32_t Downlink(NodeId host) const
    {
        return static_cast<std::uint32_t>(Hosts() + host);
    }

    NodeId HostOfDownlink(std::uint32_t link) const
    {
        return static_cast<NodeId>(link - Hosts());
    }

    std::uint32_t LeafToSpine(std::uint32_t leaf, std::uint32_t spine) const
    {
        return static_cast<std::uint32_t>(2 * Hosts() + std::size_t{leaf} * m_spines + spine);
    }

    std::uint32_t SpineToLeaf(std::uint32_t spine, std::uint32_t leaf) const
    {
        return static_cast<std::uint32_t>(2 * Hosts() + std::size_t{m_leaves} * m_spines +
                                          std::size_t{spine} * m_leaves + leaf);
    }

    /** @returns whether one end of the link is a host. */
    bool IsHostLink(std::size_t link) const
    {
        return link < 2 * Hosts();
    }

    Ends EndsOf(std::size_t link) const;

    /** @returns the link that joins the same ends the other way. */
    std::size_t ReverseOf(std::size_t link) const;

    /** @returns the name as in LinkCounters. */
    std::string NameOf(std::size_t link) const;

    /** Route a frame. Aborts if the headers name no host, or `source` itself. */
    Path Route(NodeId source, std::span<const std::uint8_t> header) const;

  private:
    std::string NodeNameOf(std::uint32_t end) const;

    std::vector<std::uint16_t> m_leafOfHost;
    std::uint16_t m_leaves;
    std::uint16_t m_spines;
};

} // namespace flowchain

#endif
