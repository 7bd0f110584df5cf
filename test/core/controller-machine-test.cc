// SPDX-License-Identifier: GPL-2.0-only
#include "controller-machine.h"

#include "directory-builder.h"
#include "heap-frame-pool.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <vector>

namespace flowchain
{
namespace
{

constexpr Duration MS{1'000'000'000};
constexpr NodeId CLIENT = 0;
constexpr NodeId ACCELERATOR = 1;
constexpr NodeId MANAGER = 2; ///< and 3
constexpr NodeId SERVICE = 4; ///< and 5
constexpr NodeId CONTROLLER = 6;

Directory
MakeTestDirectory()
{
    Directory directory =
        DirectoryBuilder().Clients(1).Accelerators(1).Group(2).ServiceNodes(2).Build();
    directory.controller = CONTROLLER;
    directory.nodes.push_back({NodeRole::CONTROLLER, 0});
    return directory;
}

/** A controller alone, whose peers the test plays. Timeout 30 ms, drain time 20 ms. */
class ControllerTest : public testing::Test
{
  protected:
    explicit ControllerTest(Duration publishDelay = Duration{0}, bool restoreFromManagers = false)
        : m_publishDelay(publishDelay)
        , m_restoreFromManagers(restoreFromManagers)
    {
        Start(0);
    }

    void Start(std::uint8_t life)
    {
        NodeConfig config;
        config.self = CONTROLLER;
        config.incarnation = life;
        config.directory = &m_directory;
        config.pool = &m_pool;
        m_machine = std::make_unique<ControllerMachine>(
            config,
            ControllerConfig{{.timeout = 30 * MS, .interval = 10 * MS},
                             true,
                             m_publishDelay,
                             20 * MS,
                             m_restoreFromManagers});
        m_life = life;
        Step({Event::Kind::START, nullptr});
    }

    void Step(Event event)
    {
        m_machine->Step(std::move(event), m_now, m_actions);
        for (const Note& note : m_actions.notes)
        {
            m_notes.push_back(note.kind);
        }
        for (FramePtr& frame : m_actions.sends)
        {
            SyncMessage message;
            std::size_t outer = 0;
            ViewBody body;
            ASSERT_EQ(Decode(*frame, message, outer), DecodeVerdict::OK);
            if (message.header.kind == MessageKind::VIEW)
            {
                ASSERT_EQ(DecodeView(*frame, body), DecodeVerdict::OK);
                const auto to = static_cast<NodeId>(frame->Header()[5]);
                m_views[to] = body;
                m_headers[to] = message.header;
            }
        }
        m_actions.Clear();
    }

    /** Let time pass; the nodes in `alive` beat every 10 ms. */
    void Pass(Duration time, const std::vector<NodeId>& alive)
    {
        for (const Instant end = m_now + time; m_now < end;)
        {
            m_now += 10 * MS;
            for (const NodeId node : alive)
            {
                Beat(node);
            }
            if (m_machine->NextWakeup() <= m_now)
            {
                Step({Event::Kind::WAKEUP, nullptr});
            }
        }
    }

    /** Let so many times 10 ms pass; every other heartbeat of the nodes in `alive` is lost. */
    void PassWithLoss(int rounds, const std::vector<NodeId>& alive)
    {
        for (int round = 0; round < rounds; ++round)
        {
            Pass(10 * MS, alive);
            for (const NodeId node : alive)
            {
                ++m_beats[node];
            }
        }
    }

    void Send(NodeId from, MessageHeader header)
    {
        SyncMessage message;
        message.header = header;
        message.header.source = from;
        message.header.sourceIncarnation = m_lives[from];
        message.header.targetIncarnation = m_life;
        message.header.epoch = m_epochs[from];
        FramePtr frame = m_pool.Acquire();
        Underlay underlay;
        underlay.destinationAddress = UnderlayAddressOf(CONTROLLER);
        Encapsulate(message, underlay, *frame);
        Step({Event::Kind::FRAME, std::move(frame)});
    }

    void Beat(NodeId node, std::uint8_t flags = message_flag::READY)
    {
        MessageHeader header;
        header.kind = MessageKind::HEARTBEAT;
        header.flags = flags;
        SetNumber(header, ++m_beats[node]);
        Send(node, header);
    }

    /** The node adopts the last view that it was sent, and says so. */
    void Acknowledge(NodeId node)
    {
        m_epochs[node] = m_views[node].epoch;
        MessageHeader header;
        header.kind = MessageKind::ACK;
        header.acknowledged = m_headers[node].sequence;
        Send(node, header);
    }

    /** The node tells its view. */
    void Tell(NodeId node, const ViewBody& body)
    {
        MessageHeader header;
        header.kind = MessageKind::VIEW;
        header.source = node;
        header.sourceIncarnation = m_lives[node];
        header.targetIncarnation = m_life;
        header.epoch = m_epochs[node];
        FramePtr frame = m_pool.Acquire();
        Underlay underlay;
        underlay.destinationAddress = UnderlayAddressOf(CONTROLLER);
        EncapsulateView(header, body, underlay, *frame);
        Step({Event::Kind::FRAME, std::move(frame)});
    }

    void Request(OperatorRequest request, NodeId node)
    {
        Step({Event::Kind::REQUEST, nullptr, request, node});
    }

    bool Noted(NoteKind kind) const
    {
        return std::find(m_notes.begin(), m_notes.end(), kind) != m_notes.end();
    }

    MemberStatus Status(NodeId node) const
    {
        return m_machine->View().Status(node);
    }

    std::uint32_t Epoch() const
    {
        return m_machine->View().Epoch();
    }

    const std::vector<NodeId> ALL = {1, 2, 3, 4, 5};
    /** The node comes back with nothing, and beats. */
    void Return(NodeId node)
    {
        ++m_lives[node];
        Beat(node, 0);
    }

    Duration m_publishDelay;
    bool m_restoreFromManagers;
    HeapFramePool m_pool;
    Directory m_directory = MakeTestDirectory();
    std::unique_ptr<ControllerMachine> m_machine;
    std::uint8_t m_life = 0;
    Instant m_now{};
    Actions m_actions;
    std::map<NodeId, std::uint8_t> m_lives;
    std::map<NodeId, std::uint32_t> m_epochs;
    std::map<NodeId, std::uint32_t> m_beats; ///< heartbeats of the node, sent or lost
    std::vector<NoteKind> m_notes;
    std::map<NodeId, ViewBody> m_views;        ///< that a node was sent last
    std::map<NodeId, MessageHeader> m_headers; ///< of those
};

TEST_F(ControllerTest, RemovesTheSilentAndKeepsTheLastOfARole)
{
    Pass(50 * MS, {1, 2, 3});
    EXPECT_EQ(Status(SERVICE), MemberStatus::DOWN);
    EXPECT_EQ(Status(SERVICE + 1), MemberStatus::ACTIVE); // silent, too, but the last one
    EXPECT_EQ(Epoch(), 2U);
}

TEST_F(ControllerTest, WaitsLongerForASilentNodeWhereHeartbeatsAreLost)
{
    PassWithLoss(100, ALL);
    // p = 1/2 or so: 30 missed heartbeats make one mistake in 2^30, about 10^9. They take 280 ms
    // longer than the two that 30 ms hold.
    PassWithLoss(30, {1, 2, 4, 5});
    EXPECT_EQ(Status(MANAGER + 1), MemberStatus::ACTIVE);
    PassWithLoss(2, {1, 2, 4, 5});
    EXPECT_EQ(Status(MANAGER + 1), MemberStatus::DOWN);
    EXPECT_EQ(Status(MANAGER), MemberStatus::ACTIVE);
}

// What is out of the view is told so whatever was sent to it before: no sequence number can make
// the message a duplicate.
TEST_F(ControllerTest, TellsANodeThatItIsOutWithoutASequenceNumber)
{
    Request(OperatorRequest::SUSPECT, MANAGER);
    EXPECT_FALSE(m_views.contains(MANAGER));
    Beat(MANAGER);
    ASSERT_TRUE(m_views.contains(MANAGER));
    EXPECT_EQ(m_views[MANAGER].members[MANAGER].status, MemberStatus::DOWN);
    EXPECT_EQ(m_headers[MANAGER].sequence, 0U);
    m_lives[MANAGER] = 1;
    Beat(MANAGER);
    EXPECT_EQ(Status(MANAGER), MemberStatus::ACTIVE);
}

TEST_F(ControllerTest, DrainsOnceAllKnowAndTheTimeHasPassedAndNothingIsPending)
{
    Request(OperatorRequest::DRAIN, SERVICE);
    EXPECT_EQ(Status(SERVICE), MemberStatus::DRAINING);
    for (const NodeId node : {NodeId{1}, NodeId{2}, NodeId{3}, NodeId{4}, NodeId{5}})
    {
        Acknowledge(node);
    }
    Pass(100 * MS, ALL);
    Beat(SERVICE, message_flag::READY | message_flag::DRAINED);
    EXPECT_EQ(Status(SERVICE), MemberStatus::DRAINING); // the client does not know
    Acknowledge(CLIENT);
    Beat(SERVICE, message_flag::READY | message_flag::DRAINED);
    EXPECT_EQ(Status(SERVICE), MemberStatus::DRAINING); // what it sent may be on its way
    Pass(20 * MS, ALL);
    EXPECT_EQ(Status(SERVICE), MemberStatus::DRAINING); // something is pending there
    Beat(SERVICE, message_flag::READY | message_flag::DRAINED);
    EXPECT_EQ(Status(SERVICE), MemberStatus::DOWN);
    EXPECT_EQ(m_views[SERVICE].members[SERVICE].status, MemberStatus::DOWN);
    Pass(100 * MS, {1, 2, 3, 5});
    EXPECT_FALSE(Noted(NoteKind::SUSPECTED)); // it was not waited for
}

TEST_F(ControllerTest, DoesNotDrainTheLastOfARoleOrTwiceOrAHost)
{
    Request(OperatorRequest::DRAIN, ACCELERATOR);
    Request(OperatorRequest::DRAIN, CLIENT);
    EXPECT_EQ(Epoch(), 1U);
    Request(OperatorRequest::DRAIN, MANAGER);
    EXPECT_EQ(Epoch(), 2U);
    Request(OperatorRequest::DRAIN, MANAGER);
    Request(OperatorRequest::DRAIN, MANAGER + 1);
    EXPECT_EQ(Epoch(), 2U);
    EXPECT_EQ(std::count(m_notes.begin(), m_notes.end(), NoteKind::REQUEST_REFUSED), 4);
}

TEST_F(ControllerTest, TakesADrainingNodeBackWhenTheOthersAreGone)
{
    Request(OperatorRequest::DRAIN, SERVICE);
    Pass(50 * MS, {1, 2, 3, SERVICE});
    EXPECT_EQ(Status(SERVICE + 1), MemberStatus::DOWN);
    EXPECT_EQ(Status(SERVICE), MemberStatus::ACTIVE);
}

TEST_F(ControllerTest, ListensForATimeoutAfterARestartThenGoesOnFromTheNewestView)
{
    Request(OperatorRequest::SUSPECT, MANAGER);
    Request(OperatorRequest::DRAIN, SERVICE);
    const ViewBody newest = m_machine->View().Body();
    ASSERT_EQ(newest.epoch, 3U);
    const ViewBody older = m_views[CLIENT]; // a copy whose epoch is made older
    ViewBody old = older;
    old.epoch = 2;
    old.members[SERVICE].status = MemberStatus::ACTIVE;
    Start(1);
    EXPECT_EQ(Epoch(), 0U);
    m_epochs[ACCELERATOR] = 2;
    m_epochs[SERVICE] = 3;
    m_lives[SERVICE + 1] = 1; // it has restarted meanwhile
    Beat(ACCELERATOR);
    EXPECT_EQ(m_views[ACCELERATOR].epoch, 0U); // asks for its view
    Tell(ACCELERATOR, old);
    Beat(SERVICE);
    Tell(SERVICE, newest);
    Pass(20 * MS, {ACCELERATOR, MANAGER, SERVICE});
    EXPECT_EQ(Epoch(), 0U);
    Beat(SERVICE + 1, 0);
    Pass(10 * MS, {ACCELERATOR, MANAGER, SERVICE});
    EXPECT_EQ(Epoch(), std::uint32_t{1} << 24);
    EXPECT_EQ(Status(ACCELERATOR), MemberStatus::ACTIVE);
    EXPECT_EQ(Status(MANAGER), MemberStatus::DOWN);     // it was out: it has missed updates
    EXPECT_EQ(Status(MANAGER + 1), MemberStatus::DOWN); // not heard
    // It was to be drained, but has all that there is: who has restarted learns from it.
    EXPECT_EQ(Status(SERVICE), MemberStatus::ACTIVE);
    EXPECT_EQ(Status(SERVICE + 1), MemberStatus::JOINING);
    EXPECT_EQ(m_machine->View().Incarnation(CONTROLLER), 1);
}

TEST_F(ControllerTest, ListensLongerWhereHeartbeatsAreLost)
{
    const ViewBody newest = m_machine->View().Body();
    Start(1);
    PassWithLoss(1, {1, 2, 4, 5});
    Tell(ACCELERATOR, newest);
    PassWithLoss(20, {1, 2, 4, 5});
    EXPECT_EQ(Epoch(), 0U); // 210 ms: seven times what is configured
    Beat(MANAGER + 1);
    PassWithLoss(20, {1, 2, 4, 5});
    EXPECT_EQ(Epoch(), std::uint32_t{1} << 24);
    EXPECT_EQ(Status(MANAGER + 1), MemberStatus::ACTIVE);
}

TEST_F(ControllerTest, DoesNotPublishWhatItDoesNotKnow)
{
    const ViewBody newest = m_machine->View().Body();
    Start(1);
    Pass(100 * MS, {});
    EXPECT_EQ(Epoch(), 0U); // it has heard nobody
    m_epochs[MANAGER] = 1;
    Pass(100 * MS, ALL);
    EXPECT_EQ(Epoch(), 0U); // it has not been told the view of epoch 1 yet
    Tell(MANAGER, newest);
    Pass(40 * MS, ALL);
    EXPECT_EQ(Epoch(), std::uint32_t{1} << 24);
    EXPECT_EQ(Status(SERVICE), MemberStatus::ACTIVE);
}

TEST_F(ControllerTest, RefusesRequestsWhileItListens)
{
    Start(1);
    Request(OperatorRequest::DRAIN, MANAGER);
    EXPECT_TRUE(Noted(NoteKind::REQUEST_REFUSED));
}

TEST_F(ControllerTest, LetsTheLastServiceNodeServeWithNothing)
{
    Return(SERVICE);
    EXPECT_EQ(Status(SERVICE), MemberStatus::JOINING);
    Return(SERVICE + 1);
    EXPECT_EQ(Status(SERVICE + 1), MemberStatus::ACTIVE);
}

class RestoringController : public ControllerTest
{
  protected:
    RestoringController()
        : ControllerTest(Duration{0}, true)
    {
    }
};

TEST_F(RestoringController, LetsAllJoinWhereManagersHaveCopies)
{
    Return(SERVICE);
    Return(SERVICE + 1);
    EXPECT_EQ(Status(SERVICE), MemberStatus::JOINING);
    EXPECT_EQ(Status(SERVICE + 1), MemberStatus::JOINING);
    Beat(SERVICE);
    EXPECT_EQ(Status(SERVICE), MemberStatus::ACTIVE);
    EXPECT_EQ(Status(SERVICE + 1), MemberStatus::JOINING);
}

TEST_F(RestoringController, DoesNotPromoteWhoMayStillBeRestored)
{
    Return(SERVICE);
    for (int i = 0; i < 5; ++i)
    {
        m_now += 10 * MS;
        for (const NodeId node : {NodeId{1}, NodeId{2}, NodeId{3}})
        {
            Beat(node);
        }
        Beat(SERVICE, 0);
        Step({Event::Kind::WAKEUP, nullptr});
    }
    EXPECT_EQ(Status(SERVICE + 1), MemberStatus::DOWN);
    EXPECT_EQ(Status(SERVICE), MemberStatus::JOINING);
    Request(OperatorRequest::SUSPECT, MANAGER); // one of two donors
    EXPECT_EQ(Status(SERVICE), MemberStatus::JOINING);
    Beat(SERVICE);
    EXPECT_EQ(Status(SERVICE), MemberStatus::ACTIVE);
}

TEST_F(RestoringController, TakesADrainingNodeForTheDonor)
{
    Request(OperatorRequest::DRAIN, SERVICE + 1);
    Return(SERVICE);
    EXPECT_EQ(Status(SERVICE), MemberStatus::JOINING);
    EXPECT_EQ(Status(SERVICE + 1), MemberStatus::ACTIVE);
}

class SlowController : public ControllerTest
{
  protected:
    SlowController()
        : ControllerTest(15 * MS)
    {
    }
};

TEST_F(SlowController, PublishesWhatItHasDecidedMeanwhileInOneView)
{
    Request(OperatorRequest::DRAIN, MANAGER);
    Pass(10 * MS, ALL);
    Request(OperatorRequest::DRAIN, SERVICE);
    EXPECT_EQ(Epoch(), 1U);
    Pass(10 * MS, ALL);
    EXPECT_EQ(Epoch(), 2U);
    EXPECT_EQ(Status(MANAGER), MemberStatus::DRAINING);
    EXPECT_EQ(Status(SERVICE), MemberStatus::DRAINING);
}

} // namespace
} // namespace flowchain
