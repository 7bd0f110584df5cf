// SPDX-License-Identifier: GPL-2.0-only
#include "session-generator.h"

#include "flow-hash.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <stdexcept>

namespace flowchain
{

namespace
{

constexpr std::uint64_t PICOSECONDS_IN_1000_S = 1'000'000'000'000'000;
constexpr unsigned CLIENT_BITS_MAX = 16;
constexpr std::uint32_t PORT_FIRST = 1024;
constexpr std::uint32_t SERVER_BASE = 0xc6120000; ///< 198.18.0.0
constexpr std::uint16_t SERVER_PORT = 443;        ///< of TCP and UDP alike

} // namespace

ArrivalProcess::ArrivalProcess(Kind kind,
                               Instant start,
                               std::uint64_t ratePerSecondMilli,
                               const SplitMix64& random)
    : m_kind(kind)
    , m_start(start)
    , m_rate(ratePerSecondMilli)
    , m_random(random)
{
    assert(ratePerSecondMilli > 0);
}

Instant
ArrivalProcess::Next()
{
    Uint128 elapsed = 0;
    if (m_kind == Kind::FIXED)
    {
        elapsed = static_cast<Uint128>(m_count) * PICOSECONDS_IN_1000_S / m_rate;
    }
    else
    {
        m_elapsed += ExponentialFrom(m_random.Next());
        elapsed = m_elapsed * PICOSECONDS_IN_1000_S / m_rate >> EXPONENTIAL_FRACTION_BITS;
    }
    ++m_count;
    const std::int64_t left = (NEVER - m_start).count();
    return elapsed < static_cast<Uint128>(left)
               ? m_start + Duration{static_cast<std::int64_t>(elapsed)}
               : NEVER;
}

SessionTuples::SessionTuples(const Prefix& inside,
                             std::uint32_t generator,
                             IpProtocol protocol,
                             std::uint64_t seed,
                             std::vector<Endpoint> servers,
                             std::uint32_t serversMax)
    : m_portFirst(PORT_FIRST + generator * PORTS)
    , m_protocol(protocol)
    , m_seed(seed)
    , m_servers(std::move(servers))
    , m_serversMax(serversMax)
{
    assert(serversMax >= 1 && serversMax <= SERVERS_MAX);
    if (m_servers.size() > m_serversMax)
    {
        m_servers.resize(m_serversMax);
    }
    if (inside.length > 31)
    {
        throw std::invalid_argument("generated sessions need an inside prefix of at most 31 bits");
    }
    if (generator >= GENERATORS_MAX)
    {
        throw std::invalid_argument("more than 16 workloads of generated sessions");
    }
    const unsigned halfBits = 31u - inside.length;
    m_clientBase = inside.address | std::uint32_t{1} << halfBits;
    m_clientBits = std::min(halfBits, CLIENT_BITS_MAX);
}

std::uint64_t
SessionTuples::Capacity() const
{
    return (std::uint64_t{PORTS} * Servers()) << m_clientBits;
}

FlowKey
SessionTuples::KeyOf(std::uint64_t session) const
{
    assert(session < Capacity());
    const auto client = static_cast<std::uint32_t>(session & ((1u << m_clientBits) - 1));
    const auto port = static_cast<std::uint32_t>((session >> m_clientBits) % PORTS);
    const auto turn = static_cast<std::uint32_t>((session >> m_clientBits) / PORTS);
    const std::uint32_t server = (turn + ServerShift(client, port)) % Servers();
    return {{m_clientBase + client, static_cast<std::uint16_t>(m_portFirst + port)},
            ServerAt(server),
            m_protocol};
}

std::optional<std::uint64_t>
SessionTuples::SessionOf(const FlowKey& key) const
{
    // Unsigned differences: what lies below a base is far above the limit.
    const std::uint32_t client = key.source.address - m_clientBase;
    const std::uint32_t port = key.source.port - m_portFirst;
    const auto server = IndexOf(key.destination);
    if (key.protocol != m_protocol || client >> m_clientBits != 0 || port >= PORTS || !server)
    {
        return std::nullopt;
    }
    const std::uint32_t turn = (*server + Servers() - ServerShift(client, port)) % Servers();
    return (std::uint64_t{turn} * PORTS + port) << m_clientBits | client;
}

std::uint32_t
SessionTuples::Servers() const
{
    return m_servers.empty() ? m_serversMax : static_cast<std::uint32_t>(m_servers.size());
}

Endpoint
SessionTuples::ServerAt(std::uint32_t index) const
{
    return m_servers.empty() ? Endpoint{SERVER_BASE + index, SERVER_PORT} : m_servers[index];
}

std::optional<std::uint32_t>
SessionTuples::IndexOf(const Endpoint& server) const
{
    if (m_servers.empty())
    {
        // An unsigned difference: what lies below the base is far above the limit.
        const std::uint32_t index = server.address - SERVER_BASE;
        return index < m_serversMax && server.port == SERVER_PORT ? std::optional(index)
                                                                  : std::nullopt;
    }
    const auto found = std::find(m_servers.begin(), m_servers.end(), server);
    return found == m_servers.end()
               ? std::nullopt
               : std::optional(static_cast<std::uint32_t>(found - m_servers.begin()));
}

std::uint32_t
SessionTuples::ServerShift(std::uint32_t client, std::uint32_t port) const
{
    return static_cast<std::uint32_t>(Mix64(m_seed ^ (std::uint64_t{client} << 16 | port)) %
                                      Servers());
}

} // namespace flowchain
