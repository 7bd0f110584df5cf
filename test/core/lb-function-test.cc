// SPDX-License-Identifier: GPL-2.0-only
#include "lb-function.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace flowchain
{
namespace
{

constexpr IpProtocol TCP = IpProtocol::TCP;
constexpr IpProtocol UDP = IpProtocol::UDP;
constexpr std::uint32_t CLIENT = 0x0a000001;  // 10.0.0.1
constexpr std::uint32_t VIP = 0xc0000201;     // 192.0.2.1
constexpr std::uint32_t BACKEND = 0xc6336401; // 198.51.100.1 and following
constexpr Duration SECOND{1'000'000'000'000};

/** TCP port 80 and UDP port 53 of the same address, and `backends` backends. */
FunctionConfig
Config(std::uint16_t backends)
{
    FunctionConfig config;
    config.kind = "lb";
    config.nodes = {7, 8};
    config.lb.services = {{{VIP, 80}, TCP}, {{VIP, 53}, UDP}};
    for (std::uint16_t i = 0; i < backends; ++i)
    {
        config.lb.backends.push_back({BACKEND + i});
    }
    return config;
}

FlowKey
Tuple(std::uint16_t clientPort, std::uint16_t vipPort = 80, IpProtocol protocol = TCP)
{
    return {{CLIENT, clientPort}, {VIP, vipPort}, protocol};
}

PacketView
Packet(const FlowKey& key, std::uint8_t flags = tcp_flag::SYN)
{
    PacketView packet;
    packet.key = key;
    packet.tcpFlags = flags;
    return packet;
}

/** A load balancer with a store, as a service node has them. */
class Balancer
{
  public:
    explicit Balancer(const FunctionConfig& config)
        : m_function(config, {7, 0})
        , m_store(100'000)
    {
    }

    DropReason Try(const FlowKey& key, Instant now = {}, std::uint8_t flags = tcp_flag::SYN)
    {
        FlowKey translated;
        return m_function.Open(Packet(key, flags), m_store, now, translated);
    }

    /** Open a session and keep it. @returns its translated tuple */
    FlowKey Open(const FlowKey& key, Instant now = {})
    {
        SessionRecord record;
        const DropReason reason = m_function.Open(Packet(key), m_store, now, record.translated);
        EXPECT_EQ(reason, DropReason::NONE) << ToString(reason);
        record.id = MakeSessionId(7, ++m_serial);
        record.version = MakeSessionVersion(1, 1);
        record.original = key;
        EXPECT_EQ(m_store.Apply(record), SessionStore::Outcome::INSERTED);
        return record.translated;
    }

    SessionStore& Store()
    {
        return m_store;
    }

  private:
    LbFunction m_function;
    SessionStore m_store;
    std::uint64_t m_serial = 0;
};

TEST(LbFunction, TranslatesTheDestinationOnly)
{
    Balancer balancer(Config(1));
    const FlowKey expected{{CLIENT, 5000}, {BACKEND, 80}, TCP};
    EXPECT_TRUE(balancer.Open(Tuple(5000)) == expected);
    // The reverse entry takes the backend's answers back to the virtual address.
    const auto match = balancer.Store().Find(expected.Reversed());
    ASSERT_NE(match.record, nullptr);
    EXPECT_TRUE(match.reverse);
    EXPECT_TRUE(ReverseEntry(*match.record).rewrite == Tuple(5000).Reversed());
}

TEST(LbFunction, ABackendMayHaveAPortOfItsOwn)
{
    FunctionConfig config = Config(1);
    config.lb.backends[0].port = 8080;
    Balancer balancer(config);
    EXPECT_EQ(balancer.Open(Tuple(5000)).destination, (Endpoint{BACKEND, 8080}));
    EXPECT_EQ(balancer.Open(Tuple(5001, 53, UDP)).destination, (Endpoint{BACKEND, 8080}));
}

struct Refusal
{
    const char* name;
    FlowKey key;
    std::uint8_t flags;
    bool tcpStrict;
    DropReason expected;
};

class LbFunctionRefusal : public testing::TestWithParam<Refusal>
{
};

TEST_P(LbFunctionRefusal, OpensOrSaysWhyNot)
{
    FunctionConfig config = Config(2);
    config.tcpStrict = GetParam().tcpStrict;
    EXPECT_EQ(Balancer(config).Try(GetParam().key, {}, GetParam().flags), GetParam().expected);
}

constexpr std::uint8_t SYN = tcp_flag::SYN;
constexpr std::uint8_t ACK = tcp_flag::ACK;

INSTANTIATE_TEST_SUITE_P(
    Table,
    LbFunctionRefusal,
    testing::Values(
        Refusal{"TcpSyn", Tuple(1), SYN, true, DropReason::NONE},
        Refusal{"Udp", Tuple(1, 53, UDP), 0, true, DropReason::NONE},
        Refusal{"TcpAck", Tuple(1), ACK, true, DropReason::NO_SESSION},
        Refusal{"TcpSynAck", Tuple(1), SYN | ACK, true, DropReason::NO_SESSION},
        Refusal{"TcpAckUnlessStrict", Tuple(1), ACK, false, DropReason::NONE},
        Refusal{"OtherPort", Tuple(1, 81), SYN, true, DropReason::NO_VIP},
        Refusal{"OtherProtocol", Tuple(1, 80, UDP), 0, true, DropReason::NO_VIP},
        Refusal{"Icmp", Tuple(1, 0, IpProtocol::ICMP), 0, true, DropReason::NO_VIP},
        Refusal{"OtherAddress", {{CLIENT, 1}, {VIP + 1, 80}, TCP}, SYN, true, DropReason::NO_VIP},
        Refusal{"Backend", {{BACKEND, 80}, {CLIENT, 1}, TCP}, ACK, true, DropReason::NO_BINDING}),
    [](const auto& row)
    {
    return row.param.name;
    });

/** All nodes have the same table: whichever is asked, the answer is the same. */
TEST(LbFunction, NodesAgreeOnTheBackend)
{
    Balancer one(Config(5));
    Balancer other(Config(5));
    for (std::uint16_t port = 1; port < 1000; ++port)
    {
        ASSERT_TRUE(one.Open(Tuple(port)) == other.Open(Tuple(port)));
    }
}

/** 20000 sessions on weights 1, 1, 2: within five standard deviations of a binomial share. */
TEST(LbFunction, SharesOfSessionsFollowTheWeights)
{
    FunctionConfig config = Config(3);
    config.lb.backends[2].weight = 2;
    Balancer balancer(config);
    std::map<std::uint32_t, int> sessions;
    for (std::uint16_t port = 1; port <= 20'000; ++port)
    {
        ++sessions[balancer.Open(Tuple(port)).destination.address];
    }
    EXPECT_NEAR(sessions[BACKEND], 5000, 5 * 62);
    EXPECT_NEAR(sessions[BACKEND + 1], 5000, 5 * 62);
    EXPECT_NEAR(sessions[BACKEND + 2], 10'000, 5 * 71);
}

TEST(LbFunction, ADrainedBackendKeepsItsSessionsAndGetsNoNew)
{
    FunctionConfig config = Config(3);
    config.lb.changes = {{Instant{SECOND}, 1, false}, {Instant{3 * SECOND}, 1, true}};
    Balancer balancer(config);
    std::map<std::uint16_t, FlowKey> before;
    for (std::uint16_t port = 1; port <= 300; ++port)
    {
        before[port] = balancer.Open(Tuple(port), Instant{SECOND} - Duration{1});
    }
    std::set<std::uint32_t> used;
    for (std::uint16_t port = 301; port <= 600; ++port)
    {
        used.insert(balancer.Open(Tuple(port), Instant{SECOND}).destination.address);
    }
    EXPECT_EQ(used, (std::set<std::uint32_t>{BACKEND, BACKEND + 2}));
    bool mine = false;
    for (const auto& [port, translated] : before)
    {
        const SessionRecord* record = balancer.Store().Find(Tuple(port)).record;
        ASSERT_TRUE(record != nullptr && record->translated == translated);
        mine = mine || translated.destination.address == BACKEND + 1;
    }
    EXPECT_TRUE(mine);
    used.clear();
    for (std::uint16_t port = 601; port <= 900; ++port)
    {
        used.insert(balancer.Open(Tuple(port), Instant{3 * SECOND}).destination.address);
    }
    EXPECT_EQ(used, (std::set<std::uint32_t>{BACKEND, BACKEND + 1, BACKEND + 2}));
}

/** Few sessions of the other backends would get another one: those of the table's disruption. */
TEST(LbFunction, ABackendThatGoesTakesFewOthersAlong)
{
    FunctionConfig config = Config(10);
    Balancer before(config);
    config.lb.changes = {{Instant{}, 4, false}};
    Balancer after(config);
    int moved = 0;
    for (std::uint16_t port = 1; port <= 10'000; ++port)
    {
        const Endpoint was = before.Open(Tuple(port)).destination;
        const Endpoint is = after.Open(Tuple(port)).destination;
        EXPECT_NE(is.address, BACKEND + 4);
        moved += was.address != BACKEND + 4 && was != is ? 1 : 0;
    }
    EXPECT_LT(moved, 300);
}

TEST(LbFunction, WithoutABackendInServiceNothingOpens)
{
    FunctionConfig config = Config(2);
    config.lb.changes = {{Instant{SECOND}, 0, false}, {Instant{2 * SECOND}, 1, false}};
    Balancer balancer(config);
    EXPECT_EQ(balancer.Try(Tuple(1), Instant{SECOND}), DropReason::NONE);
    EXPECT_EQ(balancer.Try(Tuple(1), Instant{2 * SECOND}), DropReason::NO_BACKEND);
}

/** A restarted node begins with the changes that have happened meanwhile. */
TEST(LbFunction, ChangesOfThePastCountForANewLife)
{
    FunctionConfig config = Config(2);
    config.lb.changes = {{Instant{SECOND}, 0, false}};
    Balancer balancer(config);
    for (std::uint16_t port = 1; port < 50; ++port)
    {
        EXPECT_EQ(balancer.Open(Tuple(port), Instant{5 * SECOND}).destination.address, BACKEND + 1);
    }
}

/** From one client endpoint to two services with the same backends' port: on the way back, the two
 * sessions must not look alike. */
TEST(LbFunction, OneClientEndpointGetsABackendPerService)
{
    FunctionConfig config = Config(2);
    config.lb.services = {{{VIP, 80}, TCP}, {{VIP + 1, 80}, TCP}, {{VIP + 2, 80}, TCP}};
    Balancer balancer(config);
    const FlowKey other{{CLIENT, 1}, {VIP + 1, 80}, TCP};
    const FlowKey third{{CLIENT, 1}, {VIP + 2, 80}, TCP};
    const FlowKey first = balancer.Open(Tuple(1));
    EXPECT_FALSE(balancer.Open(other) == first);
    EXPECT_EQ(balancer.Try(third), DropReason::NO_BACKEND);
}

TEST(LbTopology, KnowsAnswersByTheBackendsEndpoint)
{
    FunctionConfig config = Config(2);
    config.lb.backends[1].port = 8080;
    const LbTopology topology(config);
    const auto from = [](std::uint32_t address, std::uint16_t port, IpProtocol protocol)
    {
        return FlowKey{{address, port}, {CLIENT, 5000}, protocol};
    };
    EXPECT_TRUE(topology.IsReverse(from(BACKEND, 80, TCP)));
    EXPECT_TRUE(topology.IsReverse(from(BACKEND, 53, UDP)));
    EXPECT_TRUE(topology.IsReverse(from(BACKEND + 1, 8080, UDP)));
    EXPECT_FALSE(topology.IsReverse(from(BACKEND, 80, UDP)));
    EXPECT_FALSE(topology.IsReverse(from(BACKEND + 1, 80, TCP)));
    EXPECT_FALSE(topology.IsReverse(from(BACKEND + 2, 80, TCP)));
    EXPECT_FALSE(topology.IsReverse(Tuple(5000)));
    // A backend that is a client of a virtual service in its turn.
    EXPECT_FALSE(topology.IsReverse({{BACKEND, 80}, {VIP, 80}, TCP}));
    EXPECT_EQ(topology.CreatorOf(from(BACKEND, 80, TCP)), std::nullopt);
}

TEST(NetworkFunction, EveryKindIsRegisteredOnce)
{
    std::set<std::string> names;
    for (const FunctionKind& kind : FunctionKinds())
    {
        EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
        EXPECT_EQ(FunctionKindByName(kind.name), &kind);
        FunctionConfig config = Config(2);
        config.kind = kind.name;
        EXPECT_NE(MakeFunction(config, {7, 0}), nullptr);
        EXPECT_NE(MakeTopology(config), nullptr);
    }
    EXPECT_EQ(names, (std::set<std::string>{"lb", "nat"}));
    EXPECT_EQ(FunctionKindByName("l7"), nullptr);
}

} // namespace
} // namespace flowchain
