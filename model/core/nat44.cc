// SPDX-License-Identifier: GPL-2.0-only
#include "nat44.h"

#include <cassert>

namespace flowchain
{

Nat44::Nat44(const Nat44Config& config)
    : m_config(config)
    , m_addresses(config.external.Size())
{
    assert(config.portFirst <= config.portLast);
    assert(config.block < config.blocks);
    assert(config.external.length <= 32);
    m_addressFirst = config.external.address & ~static_cast<std::uint32_t>(m_addresses - 1);
    m_portFirst = BlockBegin(config.block);
    m_ports = BlockBegin(static_cast<std::uint16_t>(config.block + 1)) - m_portFirst;
    m_start = Capacity() * (config.generation % 16) / 16;
    assert(m_ports > 0); // else there are more blocks than ports
}

bool
Nat44::IsExternal(std::uint32_t address) const
{
    return m_config.external.Contains(address);
}

std::optional<std::uint16_t>
Nat44::BlockOf(std::uint16_t port) const
{
    if (port < m_config.portFirst || port > m_config.portLast)
    {
        return std::nullopt;
    }
    // The last block whose BlockBegin() is at most `port`.
    const std::uint32_t ports = m_config.portLast - m_config.portFirst + 1u;
    const std::uint64_t offset = port - m_config.portFirst;
    return static_cast<std::uint16_t>(((offset + 1) * m_config.blocks - 1) / ports);
}

std::optional<Endpoint>
Nat44::Allocate(IpProtocol protocol)
{
    Pool& pool = m_pools[PoolOf(protocol)];
    std::uint64_t number;
    if (pool.fresh < Capacity())
    {
        number = pool.fresh++;
        pool.inUse.push_back(true);
    }
    else if (!pool.released.empty())
    {
        number = pool.released.front();
        pool.released.pop_front();
        pool.inUse[number] = true;
    }
    else
    {
        return std::nullopt;
    }
    ++m_inUse;
    const std::uint64_t place = (number + m_start) % Capacity();
    return Endpoint{static_cast<std::uint32_t>(m_addressFirst + place % m_addresses),
                    static_cast<std::uint16_t>(m_portFirst + place / m_addresses)};
}

void
Nat44::Free(IpProtocol protocol, const Endpoint& endpoint)
{
    assert(IsInUse(protocol, endpoint));
    Pool& pool = m_pools[PoolOf(protocol)];
    const std::uint64_t number = *NumberOf(endpoint);
    pool.inUse[number] = false;
    pool.released.push_back(number);
    --m_inUse;
}

bool
Nat44::IsInUse(IpProtocol protocol, const Endpoint& endpoint) const
{
    const Pool& pool = m_pools[PoolOf(protocol)];
    const auto number = NumberOf(endpoint);
    return number && *number < pool.fresh && pool.inUse[*number];
}

std::optional<std::uint64_t>
Nat44::NumberOf(const Endpoint& endpoint) const
{
    if (!IsExternal(endpoint.address) || endpoint.port < m_portFirst ||
        endpoint.port >= m_portFirst + m_ports)
    {
        return std::nullopt;
    }
    const std::uint64_t place =
        (endpoint.port - m_portFirst) * m_addresses + (endpoint.address - m_addressFirst);
    return (place + Capacity() - m_start) % Capacity();
}

std::size_t
Nat44::InUse() const
{
    return m_inUse;
}

std::uint64_t
Nat44::Capacity() const
{
    return m_addresses * m_ports;
}

std::size_t
Nat44::PoolOf(IpProtocol protocol)
{
    switch (protocol)
    {
    case IpProtocol::TCP:
        return 0;
    case IpProtocol::UDP:
        return 1;
    case IpProtocol::ICMP:
        return 2;
    case IpProtocol::NONE:
        break;
    }
    assert(!"a protocol that has no endpoints");
    return 0;
}

std::uint32_t
Nat44::BlockBegin(std::uint16_t block) const
{
    const std::uint64_t ports = m_config.portLast - m_config.portFirst + 1u;
    return static_cast<std::uint32_t>(m_config.portFirst + ports * block / m_config.blocks);
}

} // namespace flowchain
