// SPDX-License-Identifier: GPL-2.0-only
#include "byte-order.h"
#include "checksum.h"
#include "icmp.h"
#include "ipv4.h"
#include "packet-builder.h"
#include "replay-workload.h"
#include "tcp.h"
#include "udp.h"
#include "workload-capture-builder.h"
#include "workload-harness.h"

#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <span>
#include <vector>

namespace flowchain
{
namespace
{

using namespace flowchain::testing;

TEST(ReplayWorkload, ChangedBytesAreCorrupt)
{
    static const std::vector<std::uint8_t> request = {1, 2, 3, 4};
    static const std::vector<std::uint8_t> other = {1, 2, 4, 3};
    struct Case
    {
        const char* what;
        std::function<void(Frame&, const PacketView&)> change;
    };

    const auto rebuild = [](Frame& frame, const PacketView& view, auto&& change)
    {
        auto builder = PacketBuilder();
        builder.Udp(view.key).Ttl(63).Identification(9).PayloadBytes(request);
        change(builder);
        const auto id = frame.packetId;
        builder.Build(frame);
        frame.packetId = id;
    };
    const std::vector<Case> cases =
        {
            {"payload bytes",
             [&](Frame& f, const PacketView& v)
             {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.PayloadBytes(other);
        });
             }},
            {"payload replaced by zeros",
             [&](Frame& f, const PacketView& v)
             {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.PayloadLength(4);
        });
             }},
                            {"payload length",
                             [&](Frame& f, const PacketView& v)
                             {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.PayloadBytes(std::span(request).first(2));
        });
                             }},
        {"TTL not decremented",
         [&](Frame& f, const PacketView& v)
         {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.Ttl(64);
        });
         }},
        {"TTL decremented twice",
         [&](Frame& f, const PacketView& v)
         {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.Ttl(62);
        });
         }},
        {"IP identification",
         [&](Frame& f, const PacketView& v)
         {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.Identification(8);
        });
         }},
        {"UDP checksum removed",
         [&](Frame& f, const PacketView& v)
         {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.WithoutUdpChecksum();
        });
         }},
        {"destination port",
         [&](Frame& f, const PacketView& v)
         {
        auto key = v.key;
        ++key.destination.port;
        rebuild(f,
                v,
                [&](PacketBuilder& b)
                {
            b.Udp(key);
        });
         }},
        };
    const auto run = [&](const Case* changed)
    {
        ReplayWorkload replay(
            CaptureBuilder()
                .Add(0, PacketBuilder().Udp(DNS).Identification(9).PayloadBytes(request))
                .Parse(),
            Instant{},
            1000,
            0);
        Network network(replay);
        if (changed != nullptr)
        {
            network.spoil = [&](std::uint32_t, Frame& frame, const PacketView& view)
            {
                changed->change(frame, view);
            };
        }
        network.Run();
        return network.arrivals;
    };
    using Arrivals = std::map<Arrival, std::uint64_t>;
    EXPECT_EQ(run(nullptr), (Arrivals{{Arrival::DELIVERED, 1}}));
    const Case same{"nothing",
                    [&](Frame& f, const PacketView& v)
                    {
        rebuild(f, v, [](PacketBuilder&) {});
                    }};
    EXPECT_EQ(run(&same), (Arrivals{{Arrival::DELIVERED, 1}}));
    for (const Case& changed : cases)
    {
        EXPECT_EQ(run(&changed), (Arrivals{{Arrival::CORRUPT, 1}})) << changed.what;
    }
}

/** Recompute the checksums of a frame without payload, whatever its header says. */
void
RepairChecksums(Frame& frame, const PacketView& view)
{
    std::uint8_t* const ip = frame.Header().data() + view.ipOffset;
    const std::size_t ipSize = view.l4Offset - view.ipOffset;
    const std::size_t l4Size = frame.Header().size() - view.l4Offset;
    std::uint8_t* const l4 = ip + ipSize;
    Store16(ip + ipv4::CHECKSUM, 0);
    Store16(ip + ipv4::CHECKSUM, static_cast<std::uint16_t>(~OnesComplementSum({ip, ipSize})));
    const bool icmp = view.key.protocol == IpProtocol::ICMP;
    const std::size_t field = icmp                                   ? icmp::CHECKSUM
                              : view.key.protocol == IpProtocol::TCP ? tcp::CHECKSUM
                                                                     : udp::CHECKSUM;
    Store16(l4 + field, 0);
    const std::uint32_t pseudo =
        icmp ? 0 : ipv4::PseudoHeaderSum(ip, static_cast<std::uint16_t>(l4Size));
    Store16(l4 + field,
            static_cast<std::uint16_t>(~FoldSum(OnesComplementSum({l4, l4Size}) + pseudo)));
}

/** Change each header byte of the packet on its way to the far side, with right checksums, and see
 * which changes are accepted there; @returns their offsets. */
std::set<std::size_t>
AcceptedChanges(const std::vector<std::uint8_t>& packet)
{
    std::set<std::size_t> accepted;
    for (std::size_t offset = 0; offset < packet.size(); ++offset)
    {
        ReplayWorkload replay(CaptureBuilder().Add(0, packet).Parse(), Instant{}, 1000, 0);
        PacketLedger ledger;
        HeapPool pool(ledger);
        pool.SetReturnReason(DropReason::END_OF_RUN);
        std::vector<Outgoing> out;
        replay.Wakeup(Instant{}, pool, ledger, out);
        Frame& frame = *out.at(0).frame;
        PacketView view;
        EXPECT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
        FlowKey to = view.key;
        to.source = {Network::EXTERNAL, 1024};
        RewritePacket(frame, view, to);
        const auto before = frame.Header()[offset];
        frame.Header()[offset] ^= 0x04;
        RepairChecksums(frame, view);
        if (frame.Header()[offset] == before || ParsePacket(frame, 0, view) != PacketVerdict::OK)
        {
            continue; // a checksum byte, or a change that any host would refuse
        }
        if (replay.Receive(frame, view, true, Instant{}) == Arrival::DELIVERED)
        {
            accepted.insert(offset);
        }
    }
    return accepted;
}

TEST(ReplayWorkload, OnlyWhatATranslatorChangesMayDiffer)
{
    // Offsets of MAC addresses, source address and, by protocol, source port or identifier.
    std::set<std::size_t> macAndAddress = {26, 27, 28, 29};
    for (std::size_t i = 0; i < 12; ++i)
    {
        macAndAddress.insert(i);
    }
    const auto with = [&](std::size_t first, std::size_t second)
    {
        auto all = macAndAddress;
        all.insert({first, second});
        return all;
    };
    // The first packet of the capture: a SYN with 20 bytes of options.
    const auto file = PcapFile::Load(CAPTURE);
    const auto syn = file.Records()[0].bytes;
    ASSERT_EQ(syn.size(), 74U);
    EXPECT_EQ(AcceptedChanges({syn.begin(), syn.end()}), with(34, 35));
    Frame frame;
    PacketBuilder().Udp(DNS).Build(frame);
    EXPECT_EQ(AcceptedChanges({frame.Header().begin(), frame.Header().end()}), with(34, 35));
    PacketBuilder().IcmpEcho(PING, false).Build(frame);
    EXPECT_EQ(AcceptedChanges({frame.Header().begin(), frame.Header().end()}), with(38, 39));
}

TEST(ReplayWorkload, AnswersGoToTheTranslatedEndpointAndArriveAtTheOriginalOne)
{
    for (const FlowKey& key : {DNS, PING})
    {
        const bool ping = key.protocol == IpProtocol::ICMP;
        PacketBuilder request;
        PacketBuilder reply;
        ping ? request.IcmpEcho(key, false) : request.Udp(key);
        ping ? reply.IcmpEcho(key.Reversed(), true) : reply.Udp(key.Reversed());
        ReplayWorkload replay(
            CaptureBuilder().Add(100, request).Add(350, reply.Ttl(1)).Parse(), Instant{}, 2000, 0);
        Network network(replay);
        // A TTL of 1 is the recorded host's business, but the translator may not forward it.
        network.isDropped = [](std::uint32_t, const PacketView& view)
        {
            return view.ttl == 1;
        };
        network.Run();
        ASSERT_EQ(network.sent.size(), 2U);
        EXPECT_EQ(network.sent[1].key.source, key.destination);
        EXPECT_EQ(network.sent[1].key.destination, (Endpoint{Network::EXTERNAL, 1024}));
        EXPECT_EQ(replay.Counters().packetsDropped, 1U);
        // Sent at 0 (the capture's first packet), arrived after the delay, 250 ns later times two.
        EXPECT_EQ(network.sent[1].time, Instant{network.delay + Duration{500'000}});
    }
}

TEST(ReplayWorkload, ReverseTranslationToAnotherHostIsAnUnknownConnection)
{
    ReplayWorkload replay(CaptureBuilder()
                              .Add(0, PacketBuilder().Udp(DNS))
                              .Add(9, PacketBuilder().Udp(DNS.Reversed()))
                              .Parse(),
                          Instant{},
                          1000,
                          0);
    Network network(replay);
    network.spoil = [](std::uint32_t id, Frame& frame, const PacketView& view)
    {
        if (id == 2)
        {
            FlowKey other = view.key;
            ++other.destination.address;
            PacketBuilder().Udp(other).Ttl(63).Build(frame);
            frame.packetId = id;
        }
    };
    network.Run();
    EXPECT_EQ(replay.Counters().packetsUnknown, 1U);
    EXPECT_EQ(replay.Counters().sessionsBroken, 1U);
}

} // namespace
} // namespace flowchain
