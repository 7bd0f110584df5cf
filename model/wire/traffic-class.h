// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_TRAFFIC_CLASS_H
#define FLOWCHAIN_TRAFFIC_CLASS_H

#include "frame.h"
#include "sync-message.h"

#include <cstddef>
#include <cstdint>

namespace flowchain
{

/** What a frame is on the network for. */
enum class TrafficClass : std::uint8_t
{
    DATA = 0,     ///< a data packet as hosts send and get it
    ENCAPSULATED, ///< a data packet between nodes: PACKET_IN, PROCESS, STATE
    SYNC,         ///< session state and entries, a released packet behind them included
    CONTROL,      ///< acknowledgements, heartbeats, views
};
constexpr std::size_t TRAFFIC_CLASS_COUNT = static_cast<std::size_t>(TrafficClass::CONTROL) + 1;

/** @returns a lower-case name such as "data", the one used in every output. */
const char* ToString(TrafficClass trafficClass);

/** Classify by a look at fixed offsets; the frame need not have been checked. */
TrafficClass ClassOf(const Frame& frame);
TrafficClass ClassOf(MessageKind kind);

} // namespace flowchain

#endif
