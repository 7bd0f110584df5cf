// SPDX-License-Identifier: GPL-2.0-only
#include "directory-builder.h"
#include "edge-machine.h"
#include "heap-frame-pool.h"
#include "packet-builder.h"
#include "steering.h"

#include <gtest/gtest.h>

#include <set>

namespace flowchain
{
namespace
{

constexpr std::uint32_t CLIENT_A = 0x0a000001;   // 10.0.0.1
constexpr std::uint32_t CLIENT_B = 0x0b000001;   // 11.0.0.1
constexpr std::uint32_t EXTERNAL_A = 0xcb007101; // 203.0.113.1
constexpr std::uint32_t EXTERNAL_B = 0xc0000201; // 192.0.2.1
constexpr std::uint32_t SERVER = 0xc6336401;     // 198.51.100.1

FlowKey
Key(std::uint32_t source, std::uint32_t destination)
{
    return {{source, 1000}, {destination, 80}, IpProtocol::TCP};
}

/** Client 0, server 1; accelerators 2 and 3 of the first service group, 4 and 5 of the second. */
std::vector<Directory>
TwoNats()
{
    Directory a = DirectoryBuilder().Clients(1).Servers(1).Accelerators(4).Build();
    a.nodes[4].service = a.nodes[5].service = 1;
    Directory b = a;
    a.accelerators = {2, 3};
    a.inside = {0x0a000000, 8};
    a.function.nat.external = {0xcb007100, 24};
    b.accelerators = {4, 5};
    b.inside = {0x0b000000, 8};
    b.function.nat.external = {0xc0000200, 24};
    return {a, b};
}

TEST(Steering, TheExternalAddressDecidesAndThenTheInsideOne)
{
    const auto services = TwoNats();
    const Steering steering(services);
    const struct
    {
        FlowKey key;
        std::uint16_t service;
    } cases[] = {
        {Key(CLIENT_A, SERVER), 0},
        {Key(CLIENT_B, SERVER), 1},
        {Key(SERVER, EXTERNAL_A), 0},
        {Key(SERVER, EXTERNAL_B), 1},
        {Key(CLIENT_A, EXTERNAL_B), 1}, // the destination comes first
        {Key(EXTERNAL_A, EXTERNAL_B), 1},
        {Key(CLIENT_A, CLIENT_B), 0}, // an inside address is nothing to be reached from outside
        {Key(SERVER, CLIENT_A), Steering::NO_SERVICE},
        {Key(SERVER, SERVER), Steering::NO_SERVICE},
        {Key(EXTERNAL_A, SERVER), Steering::NO_SERVICE},
    };
    for (const auto& c : cases)
    {
        EXPECT_EQ(steering.ServiceOf(c.key), c.service)
            << std::hex << c.key.source.address << " -> " << c.key.destination.address;
    }
}

TEST(Steering, ABackendComesBeforeAnInsideAddress)
{
    constexpr std::uint32_t VIP = 0xc000020a;     // 192.0.2.10
    constexpr std::uint32_t BACKEND = 0xc6336403; // 198.51.100.3
    auto services = TwoNats();
    Directory& balancer = services[1];
    balancer.inside = {0x0a000000, 8}; // the clients of the NAT are those of the load balancer, too
    balancer.function.kind = "lb";
    balancer.function.lb.services = {{{VIP, 80}, IpProtocol::TCP}};
    balancer.function.lb.backends = {{BACKEND, 0, 1}};
    const Steering steering(services);
    EXPECT_EQ(steering.ServiceOf(Key(CLIENT_A, VIP)), 1);
    EXPECT_EQ(steering.ServiceOf(Key(CLIENT_A, SERVER)), 0);
    EXPECT_EQ(steering.ServiceOf(Key(BACKEND, CLIENT_A)), 1);
    EXPECT_EQ(steering.ServiceOf(Key(CLIENT_A, BACKEND)), 0); // past the load balancer
    EXPECT_EQ(steering.ServiceOf(Key(BACKEND, EXTERNAL_A)), 0);
    EXPECT_EQ(steering.ServiceOf(Key(EXTERNAL_A, VIP)), 1);
    EXPECT_EQ(steering.ServiceOf(Key(SERVER, EXTERNAL_B)), Steering::NO_SERVICE); // no NAT has it
    EXPECT_EQ(steering.ServiceOf(Key(CLIENT_B, SERVER)), Steering::NO_SERVICE);
}

TEST(Steering, ASingleServiceGroupIsTheDefaultRoute)
{
    auto services = TwoNats();
    services.pop_back();
    const Steering steering(services);
    EXPECT_EQ(steering.ServiceOf(Key(CLIENT_A, SERVER)), 0);
    EXPECT_EQ(steering.ServiceOf(Key(SERVER, SERVER)), 0);
}

TEST(Steering, AHostSendsToALiveAcceleratorOfTheServiceGroup)
{
    const auto services = TwoNats();
    const Steering steering(services);
    HeapFramePool pool;
    NodeConfig config;
    config.self = 0;
    config.directory = &services[0];
    config.pool = &pool;
    EdgeMachine host(config, steering);
    const auto send = [&](const FlowKey& key) -> NodeId
    {
        FramePtr frame = pool.Acquire();
        PacketBuilder().Tcp(key).Build(*frame);
        Actions out;
        host.Step({Event::Kind::INJECT, std::move(frame)}, Instant{}, out);
        if (out.sends.empty())
        {
            return NO_NODE;
        }
        const auto header = out.sends[0]->Header();
        return static_cast<NodeId>(header[4] << 8 | header[5]);
    };
    std::set<NodeId> first;
    std::set<NodeId> second;
    for (std::uint16_t port = 1; port <= 50; ++port)
    {
        first.insert(send({{CLIENT_A, port}, {SERVER, 80}, IpProtocol::TCP}));
        second.insert(send({{CLIENT_B, port}, {SERVER, 80}, IpProtocol::TCP}));
    }
    EXPECT_EQ(first, (std::set<NodeId>{2, 3}));
    EXPECT_EQ(second, (std::set<NodeId>{4, 5}));
    EXPECT_EQ(send(Key(SERVER, SERVER)), NO_NODE);
}

} // namespace
} // namespace flowchain
