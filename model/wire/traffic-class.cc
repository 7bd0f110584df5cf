// SPDX-License-Identifier: GPL-2.0-only
#include "traffic-class.h"

namespace flowchain
{

const char*
ToString(TrafficClass trafficClass)
{
    switch (trafficClass)
    {
    case TrafficClass::DATA:
        return "data";
    case TrafficClass::ENCAPSULATED:
        return "encapsulated";
    case TrafficClass::SYNC:
        return "sync";
    case TrafficClass::CONTROL:
        return "control";
    }
    return "invalid";
}

TrafficClass
ClassOf(const Frame& frame)
{
    MessageKind kind;
    return PeekKind(frame, kind) ? ClassOf(kind) : TrafficClass::DATA;
}

TrafficClass
ClassOf(MessageKind kind)
{
    switch (kind)
    {
    case MessageKind::PACKET_IN:
    case MessageKind::PROCESS:
    case MessageKind::STATE:
        return TrafficClass::ENCAPSULATED;
    case MessageKind::ACK:
    case MessageKind::HEARTBEAT:
    case MessageKind::VIEW:
        return TrafficClass::CONTROL;
    default:
        return TrafficClass::SYNC;
    }
}

} // namespace flowchain
