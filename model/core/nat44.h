// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_NAT44_H
#define FLOWCHAIN_NAT44_H

#include "flow-key.h"
#include "prefix.h"

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace flowchain
{

/** What a NAT44 service group translates. */
struct Nat44Config
{
    Prefix inside;
    Prefix external; ///< shared by all nodes of the service group
    std::uint16_t portFirst = 1024;
    std::uint16_t portLast = 65535;
    std::uint16_t blocks = 1; ///< service nodes of the group, each with a block of ports
    std::uint16_t block = 0;  ///< this node's
    /** How often the node has restarted: each life begins in another sixteenth of the block, so
     * that it stays away from what its last life gave out just before the end. */
    std::uint8_t generation = 0;
};

/**
 * Source NAT of IPv4 (RFC 3022), one external port for each session (address- and port-dependent
 * mapping and filtering in the words of RFC 4787). Each node owns a block of ports of every
 * external address, so no two nodes can give out the same one; the blocks divide [portFirst,
 * portLast] into parts whose sizes differ by at most 1. ICMP queries map by identifier (RFC 5508).
 */
class Nat44
{
  public:
    explicit Nat44(const Nat44Config& config);

    bool IsExternal(std::uint32_t address) const;

    /** The node of the group (0..blocks-1) whose block has `port`; nothing if no block has. */
    std::optional<std::uint16_t> BlockOf(std::uint16_t port) const;

    /**
     * Allocate an external endpoint for TCP, UDP or ICMP: external addresses in rotation, ports in
     * ascending order; once every endpoint has been used, that which was released first.
     * @returns nothing if all are in use
     */
    std::optional<Endpoint> Allocate(IpProtocol protocol);

    /** Give an endpoint back. @pre it was allocated here */
    void Free(IpProtocol protocol, const Endpoint& endpoint);

    /** Whether an endpoint is allocated here and has not been given back. */
    bool IsInUse(IpProtocol protocol, const Endpoint& endpoint) const;

    /** Endpoints in use, all protocols. */
    std::size_t InUse() const;

    /** Endpoints that one protocol can have on this node. */
    std::uint64_t Capacity() const;

  private:
    /** The endpoints of one protocol. Endpoint number n is the m_start + n-th of the block, around
     * its end; the i-th one is on external address i % addresses and has port i / addresses. */
    struct Pool
    {
        std::uint64_t fresh = 0;            ///< endpoints from this number on were never used
        std::deque<std::uint64_t> released; ///< first in, first out
        std::vector<bool> inUse;            ///< of the numbers below `fresh`
    };

    static std::size_t PoolOf(IpProtocol protocol);
    /** Number of an endpoint; nothing if it is not in this node's block. */
    std::optional<std::uint64_t> NumberOf(const Endpoint& endpoint) const;
    /** First port of a block; of `blocks`: the one behind the range. */
    std::uint32_t BlockBegin(std::uint16_t block) const;

    Nat44Config m_config;
    std::uint32_t m_addressFirst;
    std::uint64_t m_addresses;
    std::uint32_t m_portFirst; ///< of this node's block
    std::uint32_t m_ports;     ///< in this node's block
    std::uint64_t m_start;     ///< endpoint with which this life begins
    std::size_t m_inUse = 0;
    std::array<Pool, 3> m_pools;
};

} // namespace flowchain

#endif
