// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PACKET_RULES_H
#define FLOWCHAIN_PACKET_RULES_H

#include "drop-reason.h"
#include "packet-view.h"

namespace flowchain
{

/** @returns the reason under which a packet with this verdict (not OK) is dropped. */
constexpr DropReason
DropReasonOf(PacketVerdict verdict)
{
    switch (verdict)
    {
    case PacketVerdict::FRAGMENT:
    case PacketVerdict::NOT_IPV4:
    case PacketVerdict::UNSUPPORTED_PROTOCOL:
    case PacketVerdict::UNSUPPORTED_ICMP:
        return DropReason::UNSUPPORTED;
    default:
        return DropReason::MALFORMED;
    }
}

} // namespace flowchain

#endif
