// SPDX-License-Identifier: GPL-2.0-only
// Whatever parses can be rewritten there and back, with right checksums all the way.
#include "fuzz-input.h"

namespace flowchain
{
namespace
{

FlowKey
Other(const FlowKey& key)
{
    auto other = key;
    other.source.address ^= 0x5a5a5a5a;
    other.destination.address += 0x01010101;
    const bool icmp = key.protocol == IpProtocol::ICMP;
    for (auto* const port : {&other.source.port, &other.destination.port})
    {
        *port = icmp && *port == 0 ? 0 : static_cast<std::uint16_t>(*port ^ 0x3c3c);
    }
    return other;
}

void
CheckPacket(Frame& frame)
{
    PacketView view;
    if (ParsePacket(frame, 0, view) != PacketVerdict::OK)
    {
        return;
    }
    FUZZ_CHECK(test::HeaderSize(test::Flatten(frame)) <= frame.Header().size());
    PacketView trusted;
    FUZZ_CHECK(ParsePacketTrusted(frame, 0, trusted) == PacketVerdict::OK);
    FUZZ_CHECK(trusted.key == view.key && trusted.l4Offset == view.l4Offset);
    if (view.ttl < 3)
    {
        return;
    }
    const auto key = view.key;
    const auto ttl = view.ttl;
    for (const auto& to : {Other(key), key})
    {
        RewritePacket(frame, view, to);
        PacketView again;
        FUZZ_CHECK(ParsePacket(frame, 0, again) == PacketVerdict::OK);
        FUZZ_CHECK(again.key == to);
        FUZZ_CHECK(again.udpChecksumAbsent == view.udpChecksumAbsent);
    }
    FUZZ_CHECK(view.ttl == ttl - 2);
}

} // namespace
} // namespace flowchain

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace flowchain;
    if (size == 0)
    {
        return 0;
    }
    Bytes bytes(data + 1, data + size);
    Frame frame;
    fuzz::Fill(frame, data[0], bytes);
    CheckPacket(frame);

    // Random bytes hardly ever have the right checksums: give them to what is sound otherwise.
    PacketView view;
    fuzz::Fill(frame, data[0], bytes);
    if (ParsePacketTrusted(frame, 0, view) == PacketVerdict::OK)
    {
        test::RepairChecksums(bytes);
        fuzz::Fill(frame, data[0], bytes);
        FUZZ_CHECK(ParsePacket(frame, 0, view) == PacketVerdict::OK);
        CheckPacket(frame);
    }
    return 0;
}
