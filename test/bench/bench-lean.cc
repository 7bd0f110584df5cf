// SPDX-License-Identifier: GPL-2.0-only
#include "bench-fabric.h"

namespace flowchain::bench
{

namespace
{

struct Sink final : FabricSink
{
    void Receive(NodeId, FramePtr) override
    {
    }
};

} // namespace

Measurement
MeasureLean(const Load& load)
{
    const auto fabric = MakeFabric("lean", load.config, nullptr);
    Sink sink;
    fabric->SetSink(&sink);
    Measurement measurement;
    measurement.seconds = RunGenerators(load,
                                        [&](NodeId host, std::uint32_t frame)
                                        {
        FramePtr sent = fabric->Acquire();
        WriteHeader(load, host, frame, sent->Append(HEADER_LENGTH).data());
        sent->payload.length = load.frameLength - HEADER_LENGTH;
        fabric->Send(host, std::move(sent));
    });
    measurement.packetHops = fabric->PacketHops();
    return measurement;
}

} // namespace flowchain::bench
