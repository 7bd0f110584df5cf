// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FLOW_HASH_H
#define FLOWCHAIN_FLOW_HASH_H

#include "flow-key.h"

#include <cstdint>

namespace flowchain
{

/** Finalizer of a 64-bit hash: every input bit changes every output bit (SplitMix64's, Steele et
 * al. 2014). Bijective. */
constexpr std::uint64_t
Mix64(std::uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/** Directional hash of a five-tuple; equal on every machine, so selections agree. */
constexpr std::uint64_t
FlowHash(const FlowKey& key, std::uint64_t seed = 0)
{
    const std::uint64_t addresses =
        (static_cast<std::uint64_t>(key.source.address) << 32) | key.destination.address;
    const std::uint64_t ports = (static_cast<std::uint64_t>(key.source.port) << 24) |
                                (static_cast<std::uint64_t>(key.destination.port) << 8) |
                                static_cast<std::uint64_t>(key.protocol);
    return Mix64(Mix64(addresses + 0x9e3779b97f4a7c15ULL * (seed + 1)) ^ ports);
}

/** A hash that is the same for both directions of a flow: FlowHash() of the one whose source is the
 * lower endpoint. */
constexpr std::uint64_t
SymmetricFlowHash(const FlowKey& key, std::uint64_t seed = 0)
{
    return FlowHash(
        key.source <= key.destination ? key : FlowKey{key.destination, key.source, key.protocol},
        seed);
}

} // namespace flowchain

#endif
