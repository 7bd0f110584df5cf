// SPDX-License-Identifier: GPL-2.0-only
#include "accelerator-machine.h"
#include "controller-machine.h"
#include "directory-builder.h"
#include "heap-frame-pool.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

/** Remembers why the last frame was discarded. */
class NotingPool : public HeapFramePool
{
  public:
    void Discard(FramePtr frame, DropReason reason) override
    {
        last = reason;
        HeapFramePool::Discard(std::move(frame), reason);
    }

    DropReason last = DropReason::NONE;
};

constexpr NodeId ACCELERATOR_A = 0;
constexpr NodeId MANAGER_A = 1;
constexpr NodeId SERVICE_A = 2; // and 3
constexpr NodeId MANAGER_B = 5;
constexpr NodeId SERVICE_B = 6; // and 7
constexpr NodeId CONTROLLER = 8;

/** Two service groups of an accelerator, a manager and two service nodes each, and a controller;
 * as the first group knows them. */
Directory
FirstOfTwoGroups()
{
    Directory directory = DirectoryBuilder().Accelerators(1).Group(1).ServiceNodes(2).Build();
    for (const NodeRole role :
         {NodeRole::ACCELERATOR, NodeRole::MANAGER, NodeRole::SERVICE_NODE, NodeRole::SERVICE_NODE})
    {
        directory.nodes.push_back({.role = role, .service = 1});
    }
    directory.nodes.push_back({.role = NodeRole::CONTROLLER});
    directory.controller = CONTROLLER;
    return directory;
}

Instant
At(std::int64_t ms)
{
    return Instant(Duration(ms * 1'000'000'000));
}

class ServiceGroupsTest : public testing::Test
{
  protected:
    NodeConfig Config(NodeId self)
    {
        NodeConfig config;
        config.self = self;
        config.directory = &directory;
        config.pool = &pool;
        return config;
    }

    FramePtr Message(NodeId from, NodeId to, MessageKind kind, std::uint32_t vni)
    {
        SyncMessage message;
        message.header.kind = kind;
        message.header.source = from;
        message.header.sourceIncarnation = incarnation;
        message.header.epoch = 1;
        message.header.sequence = kind == MessageKind::HEARTBEAT ? 0 : 1;
        message.entry.match = message.entry.rewrite = {{1, 1}, {2, 2}, IpProtocol::TCP};
        Underlay underlay;
        underlay.sourceMac = MacOf(from);
        underlay.destinationMac = MacOf(to);
        underlay.sourceAddress = UnderlayAddressOf(from);
        underlay.destinationAddress = UnderlayAddressOf(to);
        underlay.vni = vni;
        FramePtr frame = pool.Acquire();
        Encapsulate(message, underlay, *frame);
        return frame;
    }

    Directory directory = FirstOfTwoGroups();
    NotingPool pool;
    std::uint8_t incarnation = 0;
};

TEST_F(ServiceGroupsTest, ANodeRefusesTheMessagesOfAnotherGroup)
{
    AcceleratorMachine accelerator(Config(ACCELERATOR_A), {.entriesMax = 10});
    const auto send = [&](NodeId from, std::uint32_t vni)
    {
        Actions out;
        pool.last = DropReason::NONE;
        accelerator.Step(
            {Event::Kind::FRAME, Message(from, ACCELERATOR_A, MessageKind::ENTRY, vni)},
            At(1),
            out);
        return pool.last;
    };
    EXPECT_EQ(send(MANAGER_B, 1), DropReason::WRONG_SERVICE);
    EXPECT_EQ(send(MANAGER_A, 1), DropReason::WRONG_SERVICE);
    EXPECT_EQ(send(MANAGER_A, 0xffffff), DropReason::WRONG_SERVICE);
    EXPECT_EQ(accelerator.TableEntries(), 0U);
    EXPECT_EQ(send(MANAGER_A, 0), DropReason::NONE);
    EXPECT_EQ(accelerator.TableEntries(), 1U);
}

TEST_F(ServiceGroupsTest, VniIsThatOfTheGroupOnEitherSide)
{
    EXPECT_EQ(directory.VniBetween(MANAGER_A, SERVICE_A), 0);
    EXPECT_EQ(directory.VniBetween(MANAGER_B, SERVICE_B), 1);
    EXPECT_EQ(directory.VniBetween(CONTROLLER, SERVICE_B), 1);
    EXPECT_EQ(directory.VniBetween(SERVICE_B, CONTROLLER), 1);
    EXPECT_EQ(directory.VniBetween(SERVICE_A, MANAGER_B), 0); // its own: the other refuses it
    EXPECT_EQ(directory.VniBetween(CONTROLLER, CONTROLLER), 0);
}

TEST_F(ServiceGroupsTest, OnlyANodeOfItsOwnGroupIsADonor)
{
    ControllerMachine controller(Config(CONTROLLER),
                                 {.detector = {}});
    Actions out;
    controller.Step({Event::Kind::START, nullptr}, At(0), out);
    const auto heartbeat = [&](NodeId from, std::uint32_t vni, std::int64_t ms)
    {
        controller.Step(
            {Event::Kind::FRAME, Message(from, CONTROLLER, MessageKind::HEARTBEAT, vni)},
            At(ms),
            out);
    };
    const auto status = [&](NodeId node)
    {
        return controller.View().Body().members[node].status;
    };
    for (const NodeId node : {SERVICE_A, SERVICE_B, static_cast<NodeId>(SERVICE_B + 1)})
    {
        heartbeat(node, directory.nodes[node].service, 20);
    }
    // The second node of the first group falls silent, and comes back: the first one is a donor.
    controller.Step({Event::Kind::WAKEUP, nullptr}, At(31), out);
    EXPECT_EQ(status(SERVICE_A + 1), MemberStatus::DOWN);
    incarnation = 1;
    heartbeat(SERVICE_A + 1, 1, 32);
    EXPECT_EQ(pool.last, DropReason::WRONG_SERVICE);
    EXPECT_EQ(status(SERVICE_A + 1), MemberStatus::DOWN);
    heartbeat(SERVICE_A + 1, 0, 32);
    EXPECT_EQ(status(SERVICE_A + 1), MemberStatus::JOINING);
    // So does the first node of the second group: then the other one is the last of its group, and
    // is never suspected, whatever the first group has.
    incarnation = 0;
    heartbeat(SERVICE_A, 0, 45);
    heartbeat(SERVICE_B + 1, 1, 45);
    incarnation = 1;
    heartbeat(SERVICE_A + 1, 0, 45);
    controller.Step({Event::Kind::WAKEUP, nullptr}, At(60), out);
    EXPECT_EQ(status(SERVICE_B), MemberStatus::DOWN);
    controller.Step({Event::Kind::WAKEUP, nullptr}, At(90), out);
    EXPECT_EQ(status(SERVICE_B + 1), MemberStatus::ACTIVE);
    // A donor of the first group is none for the second: without the one that is active, who comes
    // back there has nobody to learn from.
    incarnation = 1;
    heartbeat(SERVICE_B + 1, 1, 91);
    EXPECT_EQ(status(SERVICE_B + 1), MemberStatus::ACTIVE);
    heartbeat(SERVICE_B, 1, 92);
    EXPECT_EQ(status(SERVICE_B), MemberStatus::JOINING);
}

} // namespace
} // namespace flowchain
