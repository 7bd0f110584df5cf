// SPDX-License-Identifier: GPL-2.0-only
#include "dice.h"
#include "protocol-checker.h"
#include "protocol-trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace flowchain
{
namespace
{

constexpr Duration FAULTS_END = 10'000 * MICROSECOND; ///< no loss and no crash from here on
constexpr Duration PATIENCE = 40'000 * MICROSECOND;   ///< then all must be well within this
constexpr Duration LATENESS_MAX = 2000 * MICROSECOND; ///< of a frame
constexpr Duration RETRY = 2500 * MICROSECOND;        ///< a client's, until it has an answer
constexpr int TRIES_MAX = 12;
#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t SCHEDULES = 6'000;
#else
constexpr std::uint64_t SCHEDULES = 100'000;
#endif

/** How hard the schedules are. */
struct Profile
{
    std::string name;
    ReleaseRule release;
    int crashes; ///< at most
    bool cuts;   ///< a link may lose everything one way for a while
    const SyncScheme* scheme = &ChainScheme();
    std::uint64_t percent = 10; ///< of all schedules
    bool groupLost = false;     ///< all service nodes crash and come back, managers have copies
};

/**
 * One random schedule: a few clients' connections through a random configuration, with loss,
 * delay and duplication of messages, and crashes of nodes, which come back or not. Clients send a
 * SYN until they are answered, then two more packets; the server answers every packet.
 */
class Swarm : public HarnessListener
{
  public:
    explicit Swarm(std::uint64_t seed,
                   const Profile& profile,
                   ProtocolTrace* trace = nullptr,
                   const ProtocolMutation* mutation = nullptr)
        : m_dice(seed)
        , m_transportDice(seed + 1)
        , m_profile(profile)
        , m_trace(trace)
        , m_harness(Configure(), nullptr)
    {
        m_checker.SetHarness(&m_harness, Failures());
        m_harness.SetMutation(mutation);
        if (m_trace != nullptr)
        {
            m_trace->SetHarness(&m_harness);
        }
        m_harness.SetListener(this);
        m_harness.SetFate(
            [this](NodeId from, NodeId to, const Frame& frame, Instant now)
            {
            return Decide(from, to, frame, now);
        });
        for (int i = 0; i < m_profile.crashes; ++i)
        {
            PlanCrash();
        }
        if (m_profile.cuts)
        {
            PlanCut();
        }
        if (m_profile.groupLost)
        {
            PlanGroupLoss();
        }
        PlanFlows();
    }

    ~Swarm() override
    {
        m_harness.SetListener(nullptr);
    }

    void Run()
    {
        const Instant end{FAULTS_END + PATIENCE};
        PlanLook(Instant{FAULTS_END + LATENESS_MAX});
        while (!m_plan.empty() && m_plan.begin()->first <= end && !m_silent)
        {
            const auto [when, action] = *m_plan.begin();
            m_plan.erase(m_plan.begin());
            m_harness.RunUntil(when);
            action();
        }
        if (!IsSilent())
        {
            m_harness.RunUntil(end);
        }
        // What the faults of this schedule left unanswered, the clients have tried again since.
        m_checker.CheckAtEnd();
        for (const auto& [key, connection] : m_connections)
        {
            // A flow of which the accelerator has an entry goes astray for ever where no copy is.
            const bool kept = m_profile.crashes == 0 || m_profile.release != ReleaseRule::ALL ||
                              m_checker.IsDurable();
            if (connection.answers == 0 && kept)
            {
                m_unanswered.push_back(std::to_string(key.source.port));
            }
        }
    }

    const std::vector<std::string>& Broken() const
    {
        return m_checker.Broken();
    }

    const std::vector<std::string>& Unanswered() const
    {
        return m_unanswered;
    }

    std::size_t Released() const
    {
        return m_checker.ReleasedCount();
    }

    void OnSend(NodeId from, NodeId to, const Frame& frame, const Fate& fate, Instant now) override
    {
        if (m_trace != nullptr)
        {
            m_trace->OnSend(from, to, frame, fate, now);
        }
    }

    void OnNote(NodeId node, const Note& note, Instant now) override
    {
        m_checker.OnNote(node, note, now);
        if (m_trace != nullptr)
        {
            m_trace->OnNote(node, note, now);
        }
    }

    void OnDelivered(NodeId host, const Frame& frame, Instant now) override
    {
        m_checker.OnDelivered(host, frame, now);
        if (m_trace != nullptr)
        {
            m_trace->OnDelivered(host, frame, now);
        }
        Answer(host, frame, now);
    }

    void OnDropped(NodeId node, const Frame& frame, DropReason reason, Instant now) override
    {
        if (m_trace != nullptr)
        {
            m_trace->OnDropped(node, frame, reason, now);
        }
    }

    void OnDown(NodeId node, Instant now) override
    {
        m_checker.OnDown(node, now);
        if (m_trace != nullptr)
        {
            m_trace->OnDown(node, now);
        }
    }

    void OnUp(NodeId node, Instant now) override
    {
        if (m_trace != nullptr)
        {
            m_trace->OnUp(node, now);
        }
    }

  private:
    struct Connection
    {
        int tries = 0;
        int answers = 0;
    };

    /** Look whether nothing can happen any more, and if so, end the schedule. */
    void PlanLook(Instant when)
    {
        Plan(when,
             [this, when]
             {
            m_silent = IsSilent();
            if (!m_silent)
            {
                PlanLook(when + 500 * MICROSECOND);
            }
        });
    }

    /** Only heartbeats are left: no packet is under way or to come, no message waits for its
     * acknowledgement, and everybody knows how everybody is. */
    bool IsSilent() const
    {
        const NodeId controller = m_harness.Nodes().controller;
        const ViewBody& truth = m_harness.Machine(controller).View().Body();
        if (!m_plan.empty() || m_harness.LiveFrames() != m_harness.FramesInFlight() ||
            m_harness.Ledger().InFlight() != 0)
        {
            return false;
        }
        for (NodeId node = 0; node < controller; ++node)
        {
            const NodeRole role = m_harness.Nodes().nodes[node].role;
            const ViewBody::Member& member = truth.members[node];
            if (m_harness.IsDown(node) ? member.status != MemberStatus::DOWN
                                       : member.status != MemberStatus::ACTIVE ||
                                             member.incarnation != m_harness.Incarnation(node) ||
                                             m_harness.Machine(node).View().Epoch() != truth.epoch)
            {
                return role == NodeRole::CLIENT || role == NodeRole::SERVER;
            }
        }
        return true;
    }

    int Failures() const
    {
        return m_profile.crashes + (m_profile.cuts ? 1 : 0);
    }

    HarnessConfig Configure()
    {
        HarnessConfig config;
        config.groups = 1 + static_cast<int>(m_dice.Roll(2));
        config.managers = 1 + m_profile.crashes + static_cast<int>(m_dice.Roll(2));
        const bool large = m_dice.Percent(10);
        config.managers = large ? 2 + static_cast<int>(m_dice.Roll(7)) : config.managers;
        // Who is suspected wrongly, for a cut link, forgets all, too.
        config.services = 1 + Failures() + static_cast<int>(m_dice.Roll(3));
        config.accelerators = 1 + m_profile.crashes;
        config.detectionTimeout = 1500 * MICROSECOND; // seven heartbeats in a row
        config.channel = {300 * MICROSECOND, 1200 * MICROSECOND, 20, 8, 1024};
        config.manager.release = m_profile.release;
        config.manager.scheme = m_profile.scheme;
        config.manager.length = static_cast<std::uint16_t>(1 + m_dice.Roll(large ? 8 : 3));
        if (m_profile.groupLost && config.manager.length <= m_profile.crashes)
        {
            config.manager.length = static_cast<std::uint16_t>(1 + m_profile.crashes);
        }
        config.manager.position =
            static_cast<std::uint16_t>(1 + m_dice.Roll(config.manager.length));
        config.manager.snapshotWindow = 2;
        if (m_transportDice.Percent(50))
        {
            // All of it together stays below the retransmission timeout.
            config.channel.batchCount = static_cast<std::uint16_t>(1 + m_transportDice.Roll(32));
            config.channel.batchDelay = m_transportDice.Time(40 * MICROSECOND);
            config.channel.ackDelay = m_transportDice.Time(60 * MICROSECOND);
        }
        m_loss = m_dice.Percent(20) ? 0 : m_dice.Roll(11);
        m_duplication = m_dice.Roll(11);
        m_lateness = m_dice.Roll(11);
        if (m_dice.Percent(40))
        {
            const NodeRole roles[] = {
                NodeRole::ACCELERATOR, NodeRole::MANAGER, NodeRole::SERVICE_NODE};
            m_laggards = roles[m_dice.Roll(3)];
        }
        return config;
    }

    void Plan(Instant when, std::function<void()> action)
    {
        m_plan.emplace(when, std::move(action));
    }

    void PlanFlows()
    {
        const std::uint64_t count = 2 + m_dice.Roll(10);
        for (std::uint64_t i = 0; i < count; ++i)
        {
            FlowKey key;
            key.protocol = IpProtocol::TCP;
            key.source = {0x0a000001, static_cast<std::uint16_t>(20000 + m_dice.Roll(20000))};
            key.destination = {0xc6336401, 80};
            m_connections[key] = {};
            if (m_trace != nullptr)
            {
                m_trace->NameFlow(std::string("f") + std::to_string(i), key);
            }
            Plan(FlowStart(),
                 [this, key]
                 {
                Try(key);
            });
        }
    }

    /** Any time, or one when a view is about to change. */
    Instant FlowStart()
    {
        if (m_changes.empty() || m_dice.Percent(40))
        {
            return Instant{m_dice.Time(FAULTS_END)};
        }
        return m_changes[m_dice.Roll(m_changes.size())] + m_dice.Time(250 * MICROSECOND) -
               200 * MICROSECOND;
    }

    void PlanCrash()
    {
        if (m_dice.Percent(33))
        {
            return;
        }
        const Directory& nodes = m_harness.Nodes();
        std::vector<NodeId> candidates = nodes.serviceNodes;
        candidates.insert(candidates.end(), nodes.accelerators.begin(), nodes.accelerators.end());
        for (const auto& group : nodes.groups)
        {
            candidates.insert(candidates.end(), group.begin(), group.end());
        }
        const NodeId victim = candidates[m_dice.Roll(candidates.size())];
        const Instant when = Instant{MICROSECOND * 250} + m_dice.Time(FAULTS_END);
        ChangeAt(when, victim, true);
        m_changes.push_back(when + m_harness.Config().detectionTimeout);
        if (m_dice.Percent(50))
        {
            const Duration downtime =
                MICROSECOND +
                m_dice.Time(m_dice.Percent(30) ? 300 * MICROSECOND : 6000 * MICROSECOND);
            ChangeAt(when + downtime, victim, false);
        }
    }

    /** Let a node crash, or come back, unless it has. */
    void ChangeAt(Instant when, NodeId node, bool down)
    {
        Plan(when,
             [this, node, down]
             {
            if (m_harness.IsDown(node) != down)
            {
                down ? m_harness.Crash(node) : m_harness.Recover(node);
            }
        });
        m_changes.push_back(when);
    }

    /** All service nodes crash within 200 us, and each comes back. */
    void PlanGroupLoss()
    {
        const Instant loss = Instant{MICROSECOND * 250} + m_dice.Time(FAULTS_END);
        for (const NodeId node : m_harness.Nodes().serviceNodes)
        {
            const Instant when = loss + m_dice.Time(200 * MICROSECOND);
            ChangeAt(when, node, true);
            ChangeAt(when + MICROSECOND + m_dice.Time(4000 * MICROSECOND), node, false);
        }
    }

    /** Everything from one node to another is lost for up to twice the detection timeout. */
    void PlanCut()
    {
        const std::uint64_t nodes = m_harness.Nodes().nodes.size();
        m_cutFrom = static_cast<NodeId>(m_dice.Roll(nodes));
        m_cutTo = static_cast<NodeId>(m_dice.Roll(nodes));
        m_cutBegin = Instant{m_dice.Time(FAULTS_END)};
        m_cutEnd = m_cutBegin + m_dice.Time(2 * m_harness.Config().detectionTimeout);
    }

    Fate Decide(NodeId from, NodeId to, const Frame& frame, Instant now)
    {
        Fate fate;
        if (now >= Instant{FAULTS_END})
        {
            return fate;
        }
        MessageKind kind;
        const bool bare = !PeekKind(frame, kind);
        fate.lost = m_dice.Percent(m_loss) ||
                    (from == m_cutFrom && to == m_cutTo && now >= m_cutBegin && now < m_cutEnd);
        // Views that differ from node to node for a while are what the epochs are for.
        const bool view = !bare && kind == MessageKind::VIEW;
        const bool lags = view && m_harness.Nodes().nodes[to].role == m_laggards;
        fate.late = lags || m_dice.Percent(view ? 2 * m_lateness : m_lateness)
                        ? m_dice.Time((view ? 1500 : 500) * MICROSECOND)
                        : Duration{0};
        // Two copies of a packet that no sequence number protects would be two packets.
        fate.twice = m_dice.Percent(m_duplication) && !bare && kind != MessageKind::PACKET_IN;
        return fate;
    }

    void Try(const FlowKey& key)
    {
        Connection& connection = m_connections[key];
        if (connection.answers != 0 || connection.tries == TRIES_MAX)
        {
            return;
        }
        ++connection.tries;
        m_harness.Inject(m_harness.Nodes().clients.front(), {key, tcp_flag::SYN, 64});
        Plan(m_harness.Now() + RETRY,
             [this, key]
             {
            Try(key);
        });
    }

    void Answer(NodeId host, const Frame& frame, Instant now)
    {
        PacketView view;
        if (ParsePacket(frame, 0, view) != PacketVerdict::OK)
        {
            return;
        }
        const FlowKey back = view.key.Reversed();
        if (m_harness.Nodes().nodes[host].role == NodeRole::SERVER)
        {
            const auto flags =
                static_cast<std::uint8_t>((view.tcpFlags & tcp_flag::SYN) | tcp_flag::ACK);
            Plan(now,
                 [=, this]
                 {
                m_harness.Inject(host, {back, flags, 64});
            });
            return;
        }
        const auto connection = m_connections.find(back);
        if (connection == m_connections.end())
        {
            m_unanswered.push_back("an answer to nobody");
        }
        else if (++connection->second.answers <= 2)
        {
            Plan(now + m_dice.Time(4000 * MICROSECOND),
                 [=, this]
                 {
                m_harness.Inject(host, {back, tcp_flag::ACK, 64});
            });
        }
    }

    Dice m_dice;
    Dice m_transportDice; ///< of its own, so that each schedule's other draws stay as they are
    Profile m_profile;
    std::uint64_t m_loss = 0; ///< percent
    std::uint64_t m_duplication = 0;
    std::uint64_t m_lateness = 0;
    NodeRole m_laggards = NodeRole::CLIENT; ///< all views to this role are late
    NodeId m_cutFrom = NO_NODE;
    NodeId m_cutTo = NO_NODE;
    Instant m_cutBegin{};
    Instant m_cutEnd{};
    std::vector<Instant> m_changes; ///< when a node fails, is suspected, or comes back
    bool m_silent = false;          ///< nothing can happen any more
    ProtocolTrace* m_trace;
    ProtocolChecker m_checker;
    ProtocolHarness m_harness;
    std::multimap<Instant, std::function<void()>> m_plan;
    std::map<FlowKey, Connection> m_connections;
    std::vector<std::string> m_unanswered;
};

std::string
Joined(const std::vector<std::string>& lines)
{
    std::string text;
    for (const std::string& line : lines)
    {
        text += "\n  " + line;
    }
    return text;
}

class ProtocolSwarm : public testing::TestWithParam<Profile>
{
};

std::uint64_t
NumberFrom(const char* variable, std::uint64_t otherwise)
{
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/** FLOWCHAIN_SEED=n runs that schedule alone and prints its trace; FLOWCHAIN_SCHEDULES=n runs n
 * schedules in all cases together. */
TEST_P(ProtocolSwarm, KeepsItsPromises)
{
    if (const std::uint64_t seed = NumberFrom("FLOWCHAIN_SEED", 0))
    {
        ProtocolTrace trace;
        Swarm swarm(seed, GetParam(), &trace);
        swarm.Run();
        std::cout << trace.Take() << Joined(swarm.Broken()) << Joined(swarm.Unanswered()) << "\n";
        EXPECT_TRUE(swarm.Broken().empty() && swarm.Unanswered().empty());
        return;
    }
    const std::uint64_t schedules =
        NumberFrom("FLOWCHAIN_SCHEDULES", SCHEDULES) * GetParam().percent / 100;
    std::size_t released = 0;
    int failures = 0;
    for (std::uint64_t seed = 1; seed <= schedules && failures < 10; ++seed)
    {
        Swarm swarm(seed, GetParam());
        swarm.Run();
        released += swarm.Released();
        const bool good = swarm.Broken().empty() && swarm.Unanswered().empty();
        failures += good ? 0 : 1;
        EXPECT_TRUE(good) << "replay: FLOWCHAIN_SEED=" << seed
                          << " test-core --gtest_filter='*KeepsItsPromises/" << GetParam().name
                          << "'" << Joined(swarm.Broken()) << "\nunanswered"
                          << Joined(swarm.Unanswered());
    }
    std::cout << schedules << " schedules from seed 1 on, " << released << " sessions released\n";
    EXPECT_GT(released, schedules);
}

std::vector<Profile>
Profiles()
{
    std::vector<Profile> profiles;
    for (const int crashes : {0, 1, 2, 3})
    {
        const std::string name = std::to_string(crashes);
        profiles.push_back({"All" + name, ReleaseRule::ALL, crashes, crashes != 1});
    }
    profiles.push_back({"GroupLost0", ReleaseRule::ALL, 0, false, &ChainScheme(), 10, true});
    profiles.push_back({"GroupLost1", ReleaseRule::ALL, 1, false, &ChainScheme(), 10, true});
    profiles.push_back({"Chain", ReleaseRule::CHAIN, 1, true});
    profiles.push_back({"Immediate", ReleaseRule::IMMEDIATE, 1, true});
    profiles.push_back({"Tail", ReleaseRule::TAIL, 1, true});
    const std::uint64_t others = SyncSchemes().size() - 1;
    for (const SyncScheme* scheme : SyncSchemes())
    {
        if (scheme != &ChainScheme())
        {
            // Two copies outlive one failure, not a wrong suspicion and a crash.
            const bool cuts = scheme->Promise({}).everyServiceNode;
            std::string name(scheme->Name());
            name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
            profiles.push_back({"Scheme" + name, ReleaseRule::ALL, 1, cuts, scheme, 30 / others});
        }
    }
    return profiles;
}

std::string
NameOfProfile(const testing::TestParamInfo<Profile>& profile)
{
    return profile.param.name;
}

INSTANTIATE_TEST_SUITE_P(Each, ProtocolSwarm, testing::ValuesIn(Profiles()), NameOfProfile);

/** What the random schedules find when the protocol is broken. */
class BrokenProtocolSwarm : public testing::TestWithParam<ProtocolMutation>
{
};

TEST_P(BrokenProtocolSwarm, IsFoundByRandomSchedules)
{
    const Profile profile{"", ReleaseRule::ALL, 2, true};
    for (std::uint64_t seed = 1; seed <= NumberFrom("FLOWCHAIN_SCHEDULES", 10'000); ++seed)
    {
        Swarm swarm(seed, profile, nullptr, &GetParam());
        swarm.Run();
        if (!swarm.Broken().empty() || !swarm.Unanswered().empty())
        {
            std::cout << "seed " << seed << Joined(swarm.Broken()) << "\nunanswered "
                      << swarm.Unanswered().size() << "\n";
            return;
        }
    }
    FAIL() << GetParam().name << " is not noticed";
}

INSTANTIATE_TEST_SUITE_P(Each,
                         BrokenProtocolSwarm,
                         testing::ValuesIn(ProtocolMutations()),
                         [](const testing::TestParamInfo<ProtocolMutation>& mutation)
                         {
    return mutation.param.name;
});

} // namespace
} // namespace flowchain
