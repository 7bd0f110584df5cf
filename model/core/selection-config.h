// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SELECTION_CONFIG_H
#define FLOWCHAIN_SELECTION_CONFIG_H

#include <cstdint>

namespace flowchain
{

/** How a flow manager, a service node and the adopter of a session are selected. */
enum class SelectionMethod : std::uint8_t
{
    RENDEZVOUS, ///< highest random weight (Thaler & Ravishankar 1998)
    MAGLEV,     ///< lookup tables over the active nodes (Eisenbud et al., NSDI'16)
    JUMP,       ///< jump consistent hash over the configured nodes (Lamping & Veach 2014)
};

/** What of a packet's tuple goes into the hash. */
enum class SelectionHash : std::uint8_t
{
    DIRECTIONAL, ///< the two directions of a flow are selected for independently
    SYMMETRIC,   ///< both directions of an untranslated flow select the same node
};

/** Who processes the first packet of a session. */
enum class ServiceNodeRule : std::uint8_t
{
    HASH,         ///< by the selection method
    LEAST_LOADED, ///< the one with the fewest sessions that the manager knows of
};

/** Part of the directory: all nodes of a run select alike. */
struct SelectionConfig
{
    SelectionMethod method = SelectionMethod::RENDEZVOUS;
    SelectionHash hash = SelectionHash::DIRECTIONAL;
    ServiceNodeRule serviceNode = ServiceNodeRule::HASH;
    /** Slots of each Maglev table; a prime above the nodes. With 100 slots a node, shares differ by
     * less than 1 %. */
    std::uint32_t tableSize = 2039;
};

} // namespace flowchain

#endif
