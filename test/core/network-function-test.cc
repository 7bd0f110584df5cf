// SPDX-License-Identifier: GPL-2.0-only
#include "nat-function.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace flowchain
{
namespace
{

constexpr NodeId SELF = 7;
constexpr std::uint32_t INSIDE = 0x0a000001;    // 10.0.0.1
constexpr std::uint32_t SERVER = 0xc6336401;    // 198.51.100.1
constexpr std::uint32_t EXTERNAL = 0xcb007101;  // 203.0.113.1
constexpr std::uint32_t NEIGHBOUR = 0xc0000201; // 192.0.2.1, not behind the clients

FunctionConfig
Config()
{
    FunctionConfig config;
    config.nodes = {SELF};
    config.nat.inside = {0x0a000000, 8};
    config.nat.external = {EXTERNAL, 32};
    config.nat.portFirst = 1000;
    config.nat.portLast = 1002;
    return config;
}

PacketView
Packet(std::uint32_t from, std::uint32_t to, IpProtocol protocol, std::uint8_t flags = 0)
{
    PacketView packet;
    packet.key = {{from, 5000}, {to, 80}, protocol};
    packet.tcpFlags = flags;
    return packet;
}

struct Refusal
{
    const char* name;
    PacketView packet;
    bool tcpStrict;
    DropReason expected;
};

class NatFunctionRefusal : public testing::TestWithParam<Refusal>
{
};

TEST_P(NatFunctionRefusal, OpensOrSaysWhyNot)
{
    FunctionConfig config = Config();
    config.tcpStrict = GetParam().tcpStrict;
    NatFunction nat(config, {SELF, 0});
    SessionStore store(10);
    FlowKey translated;
    EXPECT_EQ(nat.Open(GetParam().packet, store, Instant{}, translated), GetParam().expected);
}

constexpr IpProtocol TCP = IpProtocol::TCP;
constexpr IpProtocol UDP = IpProtocol::UDP;
constexpr IpProtocol ICMP = IpProtocol::ICMP;

// RFC 5382, section 4: a session begins with a SYN, also when both ends open at the same time;
// RFC 4787, REQ-5 and REQ-8: from outside, no packet makes a binding.
INSTANTIATE_TEST_SUITE_P(
    Table,
    NatFunctionRefusal,
    testing::Values(
        Refusal{"Syn", Packet(INSIDE, SERVER, TCP, tcp_flag::SYN), true, DropReason::NONE},
        Refusal{"SynWithPush",
                Packet(INSIDE, SERVER, TCP, tcp_flag::SYN | tcp_flag::PSH),
                true,
                DropReason::NONE},
        Refusal{"SynAck",
                Packet(INSIDE, SERVER, TCP, tcp_flag::SYN | tcp_flag::ACK),
                true,
                DropReason::NO_SESSION},
        Refusal{"Ack", Packet(INSIDE, SERVER, TCP, tcp_flag::ACK), true, DropReason::NO_SESSION},
        Refusal{"Rst", Packet(INSIDE, SERVER, TCP, tcp_flag::RST), true, DropReason::NO_SESSION},
        Refusal{
            "AckWhenLenient", Packet(INSIDE, SERVER, TCP, tcp_flag::ACK), false, DropReason::NONE},
        Refusal{"Udp", Packet(INSIDE, SERVER, UDP), true, DropReason::NONE},
        Refusal{"Icmp", Packet(INSIDE, SERVER, ICMP), true, DropReason::NONE},
        Refusal{"FromOutside",
                Packet(SERVER, EXTERNAL, TCP, tcp_flag::SYN),
                true,
                DropReason::NO_BINDING},
        Refusal{
            "FromOutsideToElsewhere", Packet(NEIGHBOUR, SERVER, UDP), true, DropReason::NO_BINDING},
        Refusal{"Hairpin", Packet(INSIDE, EXTERNAL, UDP), true, DropReason::NO_BINDING}),
    [](const auto& row)
    {
    return row.param.name;
    });

TEST(NatFunction, TranslatesTheSourceOnly)
{
    NatFunction nat(Config(), {SELF, 0});
    SessionStore store(10);
    FlowKey translated;
    ASSERT_EQ(nat.Open(Packet(INSIDE, SERVER, UDP), store, Instant{}, translated),
              DropReason::NONE);
    const FlowKey expected{{EXTERNAL, 1000}, {SERVER, 80}, UDP};
    EXPECT_TRUE(translated == expected);
}

TEST(NatFunction, RefusesWhenTheBlockIsUsedUp)
{
    NatFunction nat(Config(), {SELF, 0});
    SessionStore store(10);
    FlowKey translated;
    std::set<std::uint16_t> ports;
    for (int i = 0; i < 3; ++i)
    {
        ASSERT_EQ(nat.Open(Packet(INSIDE, SERVER, UDP), store, Instant{}, translated),
                  DropReason::NONE);
        ports.insert(translated.source.port);
    }
    EXPECT_EQ(ports, (std::set<std::uint16_t>{1000, 1001, 1002}));
    EXPECT_EQ(nat.Open(Packet(INSIDE, SERVER, UDP), store, Instant{}, translated),
              DropReason::PORT_EXHAUSTED);
    // Each protocol has ports of its own.
    EXPECT_EQ(nat.Open(Packet(INSIDE, SERVER, ICMP), store, Instant{}, translated),
              DropReason::NONE);
}

/** After a restart the copies of the others tell which endpoints the last life gave out. */
TEST(NatFunction, StaysAwayFromEndpointsOfKnownSessions)
{
    SessionStore store(10);
    SessionRecord record;
    record.id = MakeSessionId(1, 1);
    record.version = MakeSessionVersion(1, 1);
    record.original = {{INSIDE + 1, 6000}, {SERVER, 80}, UDP};
    record.translated = {{EXTERNAL, 1000}, {SERVER, 80}, UDP};
    ASSERT_EQ(store.Apply(record), SessionStore::Outcome::INSERTED);
    NatFunction nat(Config(), {SELF, 0});
    FlowKey translated;
    ASSERT_EQ(nat.Open(Packet(INSIDE, SERVER, UDP), store, Instant{}, translated),
              DropReason::NONE);
    EXPECT_EQ(translated.source.port, 1001);
    // To another server the same endpoint would make another tuple; but it stays taken.
    ASSERT_EQ(nat.Open(Packet(INSIDE, SERVER + 1, UDP), store, Instant{}, translated),
              DropReason::NONE);
    EXPECT_EQ(translated.source.port, 1002);
}

/** A record as the node of `id` makes it, from another client port for each external one. */
SessionRecord
Session(SessionId id, std::uint32_t server, std::uint16_t externalPort)
{
    SessionRecord record;
    record.id = id;
    record.version = MakeSessionVersion(1, 1);
    record.original = {{INSIDE, externalPort}, {server, 80}, UDP};
    record.translated = {{EXTERNAL, externalPort}, {server, 80}, UDP};
    return record;
}

TEST(NatFunction, GivesBackTheEndpointsOfItsOwnLifeOnly)
{
    NatFunction nat(Config(), {SELF, 3});
    SessionStore store(10);
    FlowKey translated;
    ASSERT_EQ(nat.Open(Packet(INSIDE, SERVER, UDP), store, Instant{}, translated),
              DropReason::NONE);
    const std::uint16_t port = translated.source.port;
    nat.Close(Session(MakeSessionId(SELF, 1, 2), SERVER + 1, port));
    nat.Close(Session(MakeSessionId(SELF + 1, 1, 3), SERVER + 1, port));
    EXPECT_EQ(nat.PortsInUse(), 1U);
    nat.Close(Session(MakeSessionId(SELF, 1, 3), SERVER, port));
    EXPECT_EQ(nat.PortsInUse(), 0U);
}

/** What was passed over for a session of an earlier life is free once that session has ended. */
TEST(NatFunction, GivesBackAnEndpointThatAnEarlierLifesSessionHad)
{
    SessionStore store(10);
    const SessionRecord old = Session(MakeSessionId(SELF, 1, 0), SERVER, 1000);
    ASSERT_EQ(store.Apply(old), SessionStore::Outcome::INSERTED);
    NatFunction nat(Config(), {SELF, 16}); // begins with the same sixteenth as the first life
    FlowKey translated;
    ASSERT_EQ(nat.Open(Packet(INSIDE, SERVER, UDP), store, Instant{}, translated),
              DropReason::NONE);
    EXPECT_EQ(translated.source.port, 1001);
    EXPECT_EQ(nat.PortsInUse(), 2U);
    nat.Close(Session(MakeSessionId(SELF, 2, 0), SERVER + 1, 1000)); // another one of that life
    EXPECT_EQ(nat.PortsInUse(), 2U);
    nat.Close(old);
    EXPECT_EQ(nat.PortsInUse(), 1U);
}

/** What other nodes delete of an earlier life keeps its endpoint until all have confirmed that. */
TEST(NatFunction, ReservesWhatOtherNodesAreDeleting)
{
    SessionStore store(10);
    NatFunction nat(Config(), {SELF, 16}); // ports 1000 to 1002, from the first one on
    const SessionRecord first = Session(MakeSessionId(SELF, 1, 0), SERVER, 1000);
    const SessionRecord second = Session(MakeSessionId(SELF, 2, 0), SERVER, 1001);
    nat.Reserve(first);
    nat.Reserve(second);
    nat.Reserve(Session(MakeSessionId(SELF, 3, 0), SERVER, 999)); // not of this block
    nat.Settle(second);
    FlowKey translated;
    const auto open = [&]
    {
        return nat.Open(Packet(INSIDE, SERVER, UDP), store, Instant{}, translated);
    };
    ASSERT_EQ(open(), DropReason::NONE);
    EXPECT_EQ(translated.source.port, 1001);
    ASSERT_EQ(open(), DropReason::NONE);
    EXPECT_EQ(translated.source.port, 1002);
    EXPECT_EQ(open(), DropReason::PORT_EXHAUSTED);
    EXPECT_EQ(nat.PortsInUse(), 3U);
    nat.Settle(Session(MakeSessionId(SELF, 9, 0), SERVER, 1000)); // another one
    EXPECT_EQ(open(), DropReason::PORT_EXHAUSTED);
    nat.Settle(first);
    EXPECT_EQ(nat.PortsInUse(), 2U);
    ASSERT_EQ(open(), DropReason::NONE);
    EXPECT_EQ(translated.source.port, 1000);
}

/** A node that drains has its sessions deleted by others; it gives back itself what it has taken.
 */
TEST(NatFunction, ReservesNothingOfItsOwnLife)
{
    SessionStore store(10);
    NatFunction nat(Config(), {SELF, 16});
    FlowKey translated;
    ASSERT_EQ(nat.Open(Packet(INSIDE, SERVER, UDP), store, Instant{}, translated),
              DropReason::NONE);
    const SessionRecord own = Session(MakeSessionId(SELF, 1, 16), SERVER, 1000);
    nat.Reserve(own);
    nat.Settle(own);
    EXPECT_EQ(nat.PortsInUse(), 1U);
    nat.Close(own);
    EXPECT_EQ(nat.PortsInUse(), 0U);
}

TEST(NatTopology, KnowsAnswersAndWhoseBlockTheyAreIn)
{
    FunctionConfig config = Config();
    config.nodes = {SELF, SELF + 1};
    config.nat.portLast = 1003;
    const NatTopology topology(config);
    const auto to = [](std::uint32_t address, std::uint16_t port)
    {
        return FlowKey{{SERVER, 80}, {address, port}, UDP};
    };
    EXPECT_TRUE(topology.IsReverse(to(EXTERNAL, 1)));
    EXPECT_FALSE(topology.IsReverse(to(EXTERNAL + 1, 1000)));
    EXPECT_EQ(topology.CreatorOf(to(EXTERNAL, 1001)), SELF);
    EXPECT_EQ(topology.CreatorOf(to(EXTERNAL, 1002)), SELF + 1);
    EXPECT_EQ(topology.CreatorOf(to(EXTERNAL, 1004)), NO_NODE);
    EXPECT_EQ(topology.CreatorOf(to(EXTERNAL + 1, 1000)), NO_NODE);
}

TEST(NetworkFunction, KnowsTheStateThatAFirstPacketMakes)
{
    EXPECT_EQ(NetworkFunction::StateOf(Packet(INSIDE, SERVER, TCP, tcp_flag::SYN)),
              SessionState::SYN_SENT);
    EXPECT_EQ(NetworkFunction::StateOf(Packet(INSIDE, SERVER, TCP, tcp_flag::ACK)),
              SessionState::NEW);
    EXPECT_EQ(NetworkFunction::StateOf(Packet(INSIDE, SERVER, UDP)), SessionState::NEW);
}

} // namespace
} // namespace flowchain
