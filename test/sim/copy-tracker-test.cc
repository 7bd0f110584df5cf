// SPDX-License-Identifier: GPL-2.0-only
// Stories of copies that come and go, at times chosen by hand.
#include "copy-tracker.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>

namespace flowchain
{
namespace
{

constexpr NodeId MANAGER_A = 1;
constexpr NodeId MANAGER_B = 2;
constexpr NodeId MANAGER_C = 3;
constexpr NodeId SERVICE_A = 4;
constexpr NodeId SERVICE_B = 5;
constexpr double BIN = 1.0 / 256; ///< of the histogram, as a share of the value

Instant
At(std::int64_t us)
{
    return Instant(Duration(us * 1'000'000));
}

Duration
Us(std::int64_t us)
{
    return Duration(us * 1'000'000);
}

NodeMask
Mask(std::initializer_list<NodeId> nodes)
{
    NodeMask mask;
    for (const NodeId node : nodes)
    {
        mask.set(node);
    }
    return mask;
}

/** Two managers of the session's group and every service node are promised a copy. */
class CopyTrackerTest : public testing::Test
{
  protected:
    CopyTrackerTest()
    {
        tracker.SetLive({{Mask({SERVICE_A, SERVICE_B}), {GROUP}}}, At(0));
    }

    /** A new session, with a copy at its service node. */
    SessionInfo& Make(std::int64_t us, NodeId node = SERVICE_A)
    {
        const SessionId id = MakeSessionId(node, ++serials[node]);
        SessionInfo& session = registry.Create(id);
        session.record.id = id;
        session.record.createdNs = static_cast<std::uint64_t>(us) * 1000;
        tracker.Open(session, At(us));
        Store(session, node, us);
        return session;
    }

    void Store(SessionInfo& session, NodeId node, std::int64_t us)
    {
        session.holders.set(node);
        if (node <= MANAGER_C)
        {
            tracker.SetGroup(session, 0, At(us));
        }
        tracker.Update(session, At(us));
    }

    /** A session that has all its copies after 7 us: alone for 2 us. */
    SessionInfo& Complete(std::int64_t us)
    {
        SessionInfo& session = Make(us);
        Store(session, MANAGER_A, us + 2);
        Store(session, MANAGER_B, us + 3);
        Store(session, SERVICE_B, us + 7);
        return session;
    }

    void Crash(NodeId node, const NodeMask& serviceNodes, const NodeMask& group, std::int64_t us)
    {
        for (std::size_t i = 0; i < registry.Size(); ++i)
        {
            registry.At(i).holders.reset(node);
        }
        tracker.UpdateAll(At(us));
        tracker.SetLive({{serviceNodes, {group}}}, At(us));
    }

    const MetricSet& Finish(std::int64_t us)
    {
        tracker.Finish(At(us), metrics);
        return metrics;
    }

    Duration Window(const char* name) const
    {
        return Duration(metrics.Find(std::string("vulnerability.") + name)->value);
    }

    static inline const NodeMask GROUP = Mask({MANAGER_A, MANAGER_B, MANAGER_C});
    SessionRegistry registry;
    CopyTracker tracker{
        {{.managers = 2, .serviceNodes = 1, .everyServiceNode = true}}, registry, At(0)};
    std::map<NodeId, std::uint64_t> serials;
    MetricSet metrics;
};

TEST_F(CopyTrackerTest, TheWindowEndsWithTheLastPromisedCopy)
{
    Complete(10);
    Finish(200);
    EXPECT_EQ(Window("window.p50"), Us(7));
    EXPECT_EQ(Window("window.max"), Us(7));
    EXPECT_EQ(metrics.ValueOr0("vulnerability.window.total"), 7);
    EXPECT_EQ(Window("below_two.max"), Us(2));
    EXPECT_EQ(metrics.ValueOr0("vulnerability.below_two.total"), 2);
}

TEST_F(CopyTrackerTest, ASessionThatIsNeverCompleteIsVulnerableUntilItsEnd)
{
    SessionInfo& session = Make(10);
    Store(session, MANAGER_A, 12);
    tracker.Close(session, At(60));
    Make(100); // until the end of the run
    Finish(200);
    EXPECT_NEAR(Window("window.p50").count(), Us(50).count(), BIN * Us(50).count());
    EXPECT_EQ(Window("window.max"), Us(100));
    EXPECT_EQ(metrics.ValueOr0("vulnerability.window.total"), 150);
    EXPECT_EQ(metrics.ValueOr0("vulnerability.below_two.total"), 102);
}

TEST_F(CopyTrackerTest, ACrashOpensTheWindowAgainUntilTheRepair)
{
    SessionInfo& session = Complete(10);
    // One of the three managers may go: the promise of two copies among managers stands.
    Crash(MANAGER_B, Mask({SERVICE_A, SERVICE_B}), Mask({MANAGER_A, MANAGER_C}), 50);
    Store(session, MANAGER_C, 60);
    Finish(200);
    EXPECT_EQ(Window("window.max"), Us(7 + 10));
    EXPECT_EQ(Window("below_two.max"), Us(2));
}

TEST_F(CopyTrackerTest, TheDeadPromiseNothing)
{
    Complete(10);
    Crash(SERVICE_B, Mask({SERVICE_A}), GROUP, 50);
    Crash(MANAGER_B, Mask({SERVICE_A}), Mask({MANAGER_A}), 60);
    Finish(200);
    EXPECT_EQ(Window("window.max"), Us(7)) << "every live node has its copy";
    EXPECT_EQ(Window("below_two.max"), Us(2)) << "two copies are left";
}

TEST_F(CopyTrackerTest, ANodeThatEntersServiceIsPromisedACopy)
{
    SessionInfo& session = Complete(10);
    tracker.SetLive({{Mask({SERVICE_A, SERVICE_B, 6}), {GROUP}}}, At(100));
    Store(session, 6, 130);
    Finish(200);
    EXPECT_EQ(Window("window.max"), Us(7 + 30));
}

TEST_F(CopyTrackerTest, CountsWhoIsVulnerableExposedAndHeldNow)
{
    const auto now = [this]
    {
        return std::array{tracker.BelowPromise(), tracker.Exposed(), tracker.Held()};
    };
    using Now = std::array<std::uint32_t, 3>;
    EXPECT_EQ(now(), (Now{0, 0, 0}));
    SessionInfo& first = Make(10);
    EXPECT_EQ(now(), (Now{1, 1, 1}));
    Store(first, MANAGER_A, 12);
    EXPECT_EQ(now(), (Now{1, 0, 1}));
    SessionInfo& second = Complete(20);
    EXPECT_EQ(now(), (Now{1, 0, 2}));
    second.released = true;
    tracker.Update(second, At(30));
    EXPECT_EQ(now(), (Now{1, 0, 1}));
    tracker.SetLive({{Mask({SERVICE_A, SERVICE_B, 6}), {GROUP}}}, At(40)); // 6 lacks the second
    EXPECT_EQ(now(), (Now{2, 0, 1}));
    Crash(MANAGER_A, Mask({SERVICE_A, SERVICE_B}), Mask({MANAGER_B}), 50); // as before but for A
    EXPECT_EQ(now(), (Now{1, 1, 1})) << "the first is left with its service node's copy";
    tracker.Close(first, At(60)); // given up before its release
    EXPECT_EQ(now(), (Now{0, 0, 0}));
    Crash(SERVICE_A, Mask({SERVICE_B}), Mask({}), 70);
    Crash(MANAGER_B, Mask({SERVICE_B}), Mask({}), 80);
    EXPECT_EQ(now(), (Now{0, 1, 0})) << "nobody else is left who was promised a copy";
    Crash(SERVICE_B, Mask({}), Mask({}), 90);
    EXPECT_EQ(now(), (Now{0, 0, 0})) << "lost";
}

TEST_F(CopyTrackerTest, ASessionWithoutAnyCopyIsLostAndNotVulnerable)
{
    Make(10);
    Crash(SERVICE_A, Mask({SERVICE_B}), GROUP, 15);
    Finish(200);
    EXPECT_EQ(Window("window.max"), Us(5));
    EXPECT_EQ(metrics.ValueOr0("exposure.peak"), 1);
    EXPECT_EQ(metrics.ValueOr0("exposure.mean"), 5 * 1000 / 200);
}

TEST_F(CopyTrackerTest, SessionsThatStartInTheWarmupHaveNoWindow)
{
    CopyTracker late(
        {{.managers = 2, .serviceNodes = 1, .everyServiceNode = true}}, registry, At(20));
    SessionInfo& early = registry.Create(MakeSessionId(SERVICE_A, 1));
    early.record.createdNs = 19'000;
    early.holders.set(SERVICE_A);
    late.Open(early, At(19));
    late.Finish(At(30), metrics);
    EXPECT_EQ(metrics.Find("vulnerability.below_two.max"), nullptr);
    EXPECT_EQ(metrics.ValueOr0("exposure.peak"), 1) << "exposure knows no warm-up";
}

TEST_F(CopyTrackerTest, ExposureIsThatOfTheWorstNode)
{
    SessionInfo& first = Make(10);
    SessionInfo& second = Make(20);
    Make(30, SERVICE_B);
    SessionInfo& third = Make(40);
    tracker.Close(third, At(50)); // 3 at A from 40 to 50, beside 1 at B
    Store(first, MANAGER_A, 60);
    Store(second, MANAGER_A, 70);
    Finish(100);
    EXPECT_EQ(metrics.ValueOr0("exposure.peak"), 3);
    EXPECT_EQ(metrics.ValueOr0("exposure.unreleased.peak"), 3);
    EXPECT_EQ(metrics.ValueOr0("exposure.released.peak"), 0);
    // 10 to 60, 20 to 70, 30 to 100, 40 to 50, in 100 us
    EXPECT_EQ(metrics.ValueOr0("exposure.mean"), (50 + 50 + 70 + 10) * 1000 / 100);
}

TEST_F(CopyTrackerTest, ReleasedSessionsAreExposedInAColumnOfTheirOwn)
{
    SessionInfo& first = Make(0);
    SessionInfo& second = Make(0);
    Make(0);
    first.released = true;
    tracker.Update(first, At(20));
    second.released = true;
    tracker.Update(second, At(30));
    Store(first, MANAGER_A, 40);
    Finish(100);
    EXPECT_EQ(metrics.ValueOr0("exposure.peak"), 3);
    EXPECT_EQ(metrics.ValueOr0("exposure.released.peak"), 2);
    EXPECT_EQ(metrics.ValueOr0("exposure.released.mean"), (20 + 70) * 1000 / 100);
    EXPECT_EQ(metrics.ValueOr0("exposure.unreleased.peak"), 3);
    EXPECT_EQ(metrics.ValueOr0("exposure.unreleased.mean"), (20 + 30 + 100) * 1000 / 100);
    EXPECT_EQ(metrics.ValueOr0("exposure.mean"), (40 + 100 + 100) * 1000 / 100);
}

TEST(CopyTrackerPromises, OneCopyIsAllThatMayBePromised)
{
    SessionRegistry registry;
    CopyTracker tracker({CopyPromise{}}, registry, At(0));
    tracker.SetLive({{Mask({SERVICE_A, SERVICE_B}), {Mask({MANAGER_A})}}}, At(0));
    SessionInfo& session = registry.Create(MakeSessionId(SERVICE_A, 1));
    session.holders.set(SERVICE_A);
    tracker.Open(session, At(10));
    MetricSet metrics;
    tracker.Finish(At(110), metrics);
    EXPECT_EQ(metrics.Find("vulnerability.window.max")->value, 0);
    EXPECT_EQ(metrics.Find("vulnerability.below_two.max")->value, Us(100).count());
}

TEST(CopyTrackerPromises, GroupsHavePromisesOfTheirOwn)
{
    SessionRegistry registry;
    CopyTracker tracker({{.managers = 2}}, registry, At(0));
    const auto setLive = [&](const NodeMask& second, std::int64_t us)
    {
        tracker.SetLive({{Mask({SERVICE_A}), {Mask({1, 2}), second}}}, At(us));
    };
    setLive(Mask({7, 8}), 0);
    std::array<SessionInfo*, 2> sessions{};
    for (std::uint16_t group = 0; group < 2; ++group)
    {
        SessionInfo& session = registry.Create(MakeSessionId(SERVICE_A, group + 1U));
        session.holders = group == 0 ? Mask({SERVICE_A, 1}) : Mask({SERVICE_A, 7});
        tracker.Open(session, At(10));
        tracker.SetGroup(session, group, At(10));
        sessions[group] = &session;
    }
    setLive(Mask({7}), 30); // the second group promises one copy from now on
    tracker.Close(*sessions[1], At(50));
    MetricSet metrics;
    tracker.Finish(At(70), metrics);
    EXPECT_NEAR(
        metrics.Find("vulnerability.window.p50")->value, Us(20).count(), BIN * Us(20).count());
    EXPECT_EQ(metrics.Find("vulnerability.window.max")->value, Us(60).count());
}

} // namespace
} // namespace flowchain
