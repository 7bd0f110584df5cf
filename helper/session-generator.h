// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_GENERATOR_H
#define FLOWCHAIN_SESSION_GENERATOR_H

#include "deterministic-random.h"
#include "flow-key.h"
#include "instant.h"
#include "membership-view.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace flowchain
{

/** When sessions start: evenly spaced, or a Poisson process of the same rate. Integers only. */
class ArrivalProcess
{
  public:
    enum class Kind : std::uint8_t
    {
        FIXED,
        POISSON,
    };

    /**
     * @param start of the process; FIXED: the first arrival. POISSON: one gap before the first.
     * @param ratePerSecondMilli arrivals in 1000 s; positive
     * @param random used by POISSON
     */
    ArrivalProcess(Kind kind,
                   Instant start,
                   std::uint64_t ratePerSecondMilli,
                   const SplitMix64& random);

    /** @returns the next arrival, never before the one returned last; NEVER beyond 106 days. */
    Instant Next();

  private:
    __extension__ using Uint128 = unsigned __int128;

    Kind m_kind;
    Instant m_start;
    std::uint64_t m_rate;
    SplitMix64 m_random;
    std::uint64_t m_count = 0;
    Uint128 m_elapsed = 0; ///< POISSON: sum of the gaps, in units of 2^-40 times the mean gap
};

/**
 * The five-tuples of generated sessions: a one-to-one function of the session's number, so nothing
 * need be stored to find a session by its tuple.
 *
 * Clients have addresses in the upper half of the inside prefix, at most 65,536 of them, so that a
 * replayed capture can have the lower half. Servers have addresses in 198.18.0.0/15, which is set
 * aside for measurements (RFC 2544, appendix C.2.2), unless they are given. Several generators of a
 * run have disjoint client ports.
 */
class SessionTuples
{
  public:
    static constexpr std::uint32_t GENERATORS_MAX = 16;
    static constexpr std::uint32_t PORTS = 4032; ///< client ports of one generator, from 1024 on
    static constexpr std::uint32_t SERVERS_MAX = 1 << 17; ///< addresses of 198.18.0.0/15

    /**
     * @param inside prefix of the inside hosts; its length is at most 31
     * @param generator below GENERATORS_MAX
     * @param servers endpoints that all differ; none: those of 198.18.0.0/15
     * @param serversMax use the first so many of them, at least 1
     * @throws std::invalid_argument if the prefix or the generator is not so
     */
    SessionTuples(const Prefix& inside,
                  std::uint32_t generator,
                  IpProtocol protocol,
                  std::uint64_t seed,
                  std::vector<Endpoint> servers = {},
                  std::uint32_t serversMax = SERVERS_MAX);

    /** @returns how many sessions can have different tuples. */
    std::uint64_t Capacity() const;
    /** @pre session < Capacity() */
    FlowKey KeyOf(std::uint64_t session) const;
    /** The inverse of KeyOf(). */
    std::optional<std::uint64_t> SessionOf(const FlowKey& key) const;

  private:
    /** How many servers there are. */
    std::uint32_t Servers() const;
    Endpoint ServerAt(std::uint32_t index) const;
    /** The inverse of ServerAt(). */
    std::optional<std::uint32_t> IndexOf(const Endpoint& server) const;
    std::uint32_t ServerShift(std::uint32_t client, std::uint32_t port) const;

    std::uint32_t m_clientBase; ///< address of client 0
    unsigned m_clientBits;      ///< log2 of the number of client addresses
    std::uint32_t m_portFirst;
    IpProtocol m_protocol;
    std::uint64_t m_seed;
    std::vector<Endpoint> m_servers; ///< empty: those of 198.18.0.0/15
    std::uint32_t m_serversMax;
};

} // namespace flowchain

#endif
