// SPDX-License-Identifier: GPL-2.0-only
#include "packet-ledger.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace flowchain
{
namespace
{

/** Remembers what it is told. */
struct Listener : PacketDropListener
{
    std::vector<std::pair<std::uint32_t, DropReason>> drops;

    void PacketDropped(std::uint32_t packetId, DropReason reason) override
    {
        drops.emplace_back(packetId, reason);
    }
};

TEST(PacketLedger, NumbersPacketsFromOne)
{
    PacketLedger ledger;
    EXPECT_EQ(ledger.Inject(), 1U);
    EXPECT_EQ(ledger.Inject(), 2U);
    EXPECT_EQ(ledger.Injected(), 2U);
}

TEST(PacketLedger, DeliveredPacketOutlivesItsCopies)
{
    PacketLedger ledger;
    Listener listener;
    ledger.SetDropListener(&listener);
    const auto id = ledger.Inject();
    ledger.Born(id);
    ledger.Deliver(id);
    ledger.Gone(id, DropReason::NONE);
    ledger.Gone(id, DropReason::LINK_LOSS); // a copy: the packet itself has arrived
    EXPECT_EQ(ledger.Delivered(), 1U);
    EXPECT_EQ(ledger.Dropped(), 0U);
    EXPECT_TRUE(listener.drops.empty());
    EXPECT_EQ(ledger.ViolationCount(), 0U);
    EXPECT_TRUE(ledger.Check());
}

TEST(PacketLedger, LastCopyNamesTheReason)
{
    PacketLedger ledger;
    Listener listener;
    ledger.SetDropListener(&listener);
    const auto id = ledger.Inject();
    ledger.Born(id);
    ledger.Gone(id, DropReason::QUEUE_FULL);
    EXPECT_EQ(ledger.Dropped(), 0U);
    EXPECT_EQ(ledger.InFlight(), 1U);
    ledger.Gone(id, DropReason::LINK_LOSS);
    EXPECT_EQ(ledger.Dropped(DropReason::QUEUE_FULL), 0U);
    EXPECT_EQ(ledger.Dropped(DropReason::LINK_LOSS), 1U);
    ASSERT_EQ(listener.drops.size(), 1U);
    EXPECT_EQ(listener.drops[0], std::make_pair(id, DropReason::LINK_LOSS));
    EXPECT_EQ(ledger.ViolationCount(), 0U);
    EXPECT_TRUE(ledger.Check());
}

TEST(PacketLedger, EndOfRunLeavesThePacketInFlight)
{
    PacketLedger ledger;
    const auto id = ledger.Inject();
    ledger.Gone(id, DropReason::END_OF_RUN);
    EXPECT_EQ(ledger.InFlight(), 1U);
    EXPECT_EQ(ledger.Dropped(), 0U);
    EXPECT_EQ(ledger.ViolationCount(), 0U);
    EXPECT_TRUE(ledger.Check());
}

TEST(PacketLedger, IgnoresFramesWithoutPacket)
{
    PacketLedger ledger;
    ledger.Born(0);
    ledger.Gone(0, DropReason::MALFORMED);
    ledger.Deliver(0);
    EXPECT_EQ(ledger.Injected(), 0U);
    EXPECT_EQ(ledger.Delivered(), 0U);
    EXPECT_EQ(ledger.Dropped(), 0U);
    EXPECT_EQ(ledger.ViolationCount(), 0U);
    EXPECT_TRUE(ledger.Check());
}

/** A way to break conservation: what happens to packet 1 after its injection, and the complaint. */
struct Breach
{
    const char* events; ///< b: born, n: gone for no reason, d: dropped, e: end of run, v: delivered
    const char* what;
};

class PacketLedgerBreach : public testing::TestWithParam<Breach>
{
};

TEST_P(PacketLedgerBreach, IsRecorded)
{
    PacketLedger ledger;
    const auto id = ledger.Inject();
    for (const char event : std::string(GetParam().events))
    {
        EXPECT_EQ(ledger.ViolationCount(), 0U) << "before " << event;
        switch (event)
        {
        case 'b':
            ledger.Born(id);
            break;
        case 'n':
            ledger.Gone(id, DropReason::NONE);
            break;
        case 'd':
            ledger.Gone(id, DropReason::NODE_DOWN);
            break;
        case 'e':
            ledger.Gone(id, DropReason::END_OF_RUN);
            break;
        default:
            ledger.Deliver(id);
            break;
        }
    }
    ASSERT_EQ(ledger.ViolationCount(), 1U);
    EXPECT_EQ(ledger.Violations()[0].packetId, id);
    EXPECT_STREQ(ledger.Violations()[0].what, GetParam().what);
    EXPECT_TRUE(ledger.Check()); // the numbers still add up
}

INSTANTIATE_TEST_SUITE_P(
    Each,
    PacketLedgerBreach,
    testing::Values(Breach{"n", "the last frame ended for no reason, without a delivery"},
                    Breach{"bnn", "the last frame ended for no reason, without a delivery"},
                    Breach{"vv", "delivered twice"},
                    Breach{"vnv", "delivered twice"},
                    Breach{"dv", "delivered after it was dropped"},
                    Breach{"ev", "delivered without a frame"},
                    Breach{"db", "a copy of a packet that has no frame"},
                    Breach{"vnb", "a copy of a packet that has no frame"},
                    Breach{"dd", "more frames ended than there were"},
                    Breach{"vnn", "more frames ended than there were"}));

TEST(PacketLedger, KeepsABoundedListOfViolations)
{
    PacketLedger ledger;
    const auto id = ledger.Inject();
    for (std::size_t i = 0; i < PacketLedger::VIOLATIONS_MAX + 10; ++i)
    {
        ledger.Deliver(id);
    }
    EXPECT_EQ(ledger.ViolationCount(), PacketLedger::VIOLATIONS_MAX + 9);
    EXPECT_EQ(ledger.Violations().size(), PacketLedger::VIOLATIONS_MAX);
}

TEST(PacketLedger, CopiesAreBounded)
{
    PacketLedger ledger;
    const auto id = ledger.Inject();
    for (std::uint32_t copies = 1; copies < PacketLedger::COPIES_MAX; ++copies)
    {
        ledger.Born(id);
    }
    EXPECT_THROW(ledger.Born(id), std::length_error);
    EXPECT_EQ(ledger.InFlight(), 1U);
}

/** A frame is lost while the sender of a message still keeps a copy of it, which is then freed. */
TEST(PacketLedger, FreedCopyLeavesTheReasonOfTheLostFrame)
{
    PacketLedger ledger;
    Listener listener;
    ledger.SetDropListener(&listener);
    const auto id = ledger.Inject();
    ledger.Born(id);
    ledger.Born(id);
    ledger.Gone(id, DropReason::LINK_LOSS);
    ledger.Gone(id, DropReason::DUPLICATE);
    EXPECT_TRUE(listener.drops.empty());
    ledger.Gone(id, DropReason::NONE);
    EXPECT_EQ(ledger.Dropped(DropReason::LINK_LOSS), 1U);
    EXPECT_EQ(ledger.ViolationCount(), 0U);
    ASSERT_EQ(listener.drops.size(), 1U);
    EXPECT_EQ(listener.drops[0].second, DropReason::LINK_LOSS);
}

/** Nobody may lose a packet without saying why. */
TEST(PacketLedger, FreedLastCopyWithoutReasonIsAViolation)
{
    PacketLedger ledger;
    const auto id = ledger.Inject();
    ledger.Born(id);
    ledger.Gone(id, DropReason::NONE);
    ledger.Gone(id, DropReason::NONE);
    EXPECT_EQ(ledger.ViolationCount(), 1U);
}

/** Random lives of many packets, against a plain model of each one. */
TEST(PacketLedger, AgreesWithAPlainModel)
{
    struct Packet
    {
        std::uint32_t copies = 1;
        bool isDelivered = false;
        DropReason reason = DropReason::NONE;
        bool hasReason = false; ///< of a frame that has ended, superfluous ones included
    };
    const auto isSuperfluous = [](DropReason reason)
    {
        return reason == DropReason::DUPLICATE || reason == DropReason::STALE_EPOCH ||
               reason == DropReason::FUTURE_EPOCH || reason == DropReason::STALE_INCARNATION;
    };
    const std::uint64_t seed = 20240611;
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    PacketLedger ledger;
    std::vector<Packet> packets(1); // id 0
    std::array<std::uint64_t, DROP_REASON_COUNT> dropped{};
    std::uint64_t delivered = 0;
    for (int i = 0; i < 100'000; ++i)
    {
        const auto id = static_cast<std::uint32_t>(random() % (packets.size() + 10));
        if (id == 0 || id >= packets.size())
        {
            ASSERT_EQ(ledger.Inject(), packets.size());
            packets.emplace_back();
            continue;
        }
        Packet& packet = packets[id];
        if (packet.copies == 0)
        {
            continue;
        }
        switch (random() % 4)
        {
        case 0:
            ledger.Born(id);
            ++packet.copies;
            break;
        case 1:
            if (!packet.isDelivered)
            {
                ledger.Deliver(id);
                packet.isDelivered = true;
                ++delivered;
            }
            break;
        default:
        {
            const auto reason = static_cast<DropReason>(1 + random() % (DROP_REASON_COUNT - 2));
            ledger.Gone(id, reason);
            if (!isSuperfluous(reason) || !packet.hasReason)
            {
                packet.hasReason = true;
                packet.reason = reason;
            }
            if (--packet.copies == 0 && !packet.isDelivered)
            {
                ++dropped[static_cast<std::size_t>(packet.reason)];
            }
            break;
        }
        }
    }
    EXPECT_EQ(ledger.Delivered(), delivered);
    EXPECT_EQ(ledger.Count().dropped, dropped);
    EXPECT_EQ(ledger.Injected(), packets.size() - 1);
    EXPECT_EQ(ledger.InFlight(), ledger.Injected() - delivered - ledger.Dropped());
    EXPECT_EQ(ledger.ViolationCount(), 0U);
    EXPECT_TRUE(ledger.Check());
}

} // namespace
} // namespace flowchain
