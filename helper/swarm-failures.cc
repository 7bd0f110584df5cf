// SPDX-License-Identifier: GPL-2.0-only
#include "swarm-failures.h"

#include "failure-event.h"
#include "failure-kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

namespace flowchain
{

namespace
{

constexpr std::uint64_t FAILURES_MAX = 6;
constexpr std::uint64_t SLOWEST = 300; ///< times as slow

/** A node whose clock is wrong may be taken to be down, and restart, once in each detection time;
 * names of sessions tell 64 of its lives apart. */
constexpr int CLOCK_DETECTION_TIMES = 16;

/** Keys that are drawn here; a kind that needs another one is left out. */
constexpr std::uint32_t DRAWN =
    failure_key::NODE | failure_key::RECOVER_AFTER | failure_key::DIRECTION | failure_key::BETWEEN |
    failure_key::FACTOR | failure_key::LEAF | failure_key::SPINE | failure_key::REROUTE_AFTER |
    failure_key::EVENT | failure_key::CHANCE | failure_key::STATE | failure_key::IMPAIRMENT;

/** What is in. */
struct Features
{
    explicit Features(SwarmDice& dice)
    {
        for (const FailureKind& kind : FailureKinds())
        {
            if (dice.Coin() && (kind.required & ~DRAWN) == 0)
            {
                kinds.push_back(&kind);
            }
        }
        events = dice.Coin();
        chance = dice.Coin();
        roles = dice.Coin();
        several = dice.Coin();
        together = dice.Coin();
        returns = dice.Coin();
        keeps = dice.Coin();
    }

    std::vector<const FailureKind*> kinds;
    bool events;   ///< some wait for an event
    bool chance;   ///< some strike by chance
    bool roles;    ///< some strike what a node is to a session
    bool several;  ///< some strike two nodes at once
    bool together; ///< all that have a time have nearly the same
    bool returns;  ///< what can recover does
    bool keeps;    ///< some crashes leave the tables
};

class FailureDraws
{
  public:
    FailureDraws(SwarmDice& dice, Duration until, const Scenario& scenario)
        : m_dice(dice)
        , m_until(until)
        , m_scenario(scenario)
        , m_directory(MakeDirectories(scenario).network)
        , m_features(dice)
        , m_center(dice.Between(until / 20, until))
    {
        for (NodeId node = 0; node < m_directory.nodes.size(); ++node)
        {
            m_nodes[m_directory.nodes[node].role].push_back(node);
        }
        for (const WorkloadSection& workload : scenario.workloads)
        {
            m_sessions += workload.kind == "sessions" ? workload.sessions.sessions : 0;
        }
    }

    std::vector<FailureSection> Draw()
    {
        std::vector<FailureSection> failures;
        const std::uint64_t count = m_dice.Between(std::uint64_t{1}, FAILURES_MAX);
        for (std::uint64_t i = 0; i < count && !m_features.kinds.empty(); ++i)
        {
            failures.push_back(DrawOne(*m_dice.Pick(m_features.kinds)));
        }
        return failures;
    }

  private:
    FailureSection DrawOne(const FailureKind& kind)
    {
        FailureSection failure;
        failure.kind = kind.name;
        DrawTime(kind, failure);
        if (failure.kind == "clock" && !failure.mttr)
        {
            const Duration longest = CLOCK_DETECTION_TIMES * m_scenario.controller.detectionTimeout;
            failure.recoverAfter = std::min(failure.recoverAfter.value_or(longest), longest);
        }
        if (kind.Has(failure_key::NODE))
        {
            failure.node = DrawNode(kind, failure);
        }
        if (kind.Has(failure_key::BETWEEN))
        {
            failure.between = {DrawSide(), m_dice.Coin() ? "*" : DrawSide()};
        }
        if (kind.Has(failure_key::DIRECTION))
        {
            failure.direction = m_dice.Coin()                    ? "both"
                                : kind.Has(failure_key::BETWEEN) ? "one-way"
                                                                 : m_dice.Pick({"to", "from"});
        }
        if (kind.Has(failure_key::FACTOR))
        {
            failure.factorPermille = static_cast<std::uint32_t>(DrawFactor(failure.kind));
        }
        if (kind.Needs(failure_key::LEAF))
        {
            failure.leaf = static_cast<std::uint16_t>(m_dice.Below(m_scenario.topology.leaves));
        }
        if (kind.Needs(failure_key::SPINE))
        {
            failure.spine = static_cast<std::uint16_t>(m_dice.Below(m_scenario.topology.spines));
        }
        if (kind.Has(failure_key::IMPAIRMENT))
        {
            DrawImpairment(failure.impairment);
        }
        const bool comesBack = failure.recoverAfter || failure.mttr;
        if (kind.Has(failure_key::STATE) && comesBack && m_features.keeps && m_dice.Coin())
        {
            failure.state = "kept";
        }
        failure.rerouteAfter = m_dice.Scaled(m_until / 4);
        return failure;
    }

    std::uint64_t DrawFactor(const std::string& kind)
    {
        constexpr std::uint64_t MILLI = 1000;
        if (kind != "clock")
        {
            return MILLI * m_dice.Between(std::uint64_t{2}, SLOWEST);
        }
        constexpr std::uint64_t FASTEST = 2 * MILLI;
        return m_dice.Coin() ? m_dice.Between(MILLI / 8, MILLI) : m_dice.Between(MILLI, FASTEST);
    }

    /** Some of all that may go wrong, at least jitter. */
    void DrawImpairment(LinkQuality& quality)
    {
        constexpr std::uint32_t MOST = 300'000; // per million
        for (auto* const perMillion : {&quality.lossPerMillion,
                                       &quality.duplicatePerMillion,
                                       &quality.reorderPerMillion,
                                       &quality.corruptPerMillion})
        {
            if (m_dice.Coin())
            {
                *perMillion = static_cast<std::uint32_t>(m_dice.Below(MOST));
            }
        }
        if (m_dice.Coin())
        {
            quality.delay = m_dice.Scaled(m_until / 64);
        }
        quality.jitter = m_dice.Scaled(m_until / 64);
    }

    void DrawTime(const FailureKind& kind, FailureSection& failure)
    {
        const bool lasts = kind.Has(failure_key::RECOVER_AFTER);
        if (m_features.chance && kind.Has(failure_key::CHANCE) && m_dice.Coin())
        {
            failure.mtbf = m_dice.Between(m_until / 8, m_until);
            failure.until = m_until;
            if (lasts)
            {
                failure.mttr = m_dice.Scaled(m_until / 4);
            }
            return;
        }
        if (lasts && m_features.returns)
        {
            failure.recoverAfter = m_dice.Scaled(m_until / 3);
        }
        if (m_features.events && kind.Has(failure_key::EVENT) && m_dice.Coin())
        {
            constexpr std::uint64_t DOUBLINGS = 9;
            const auto most = std::uint64_t{1} << m_dice.Below(DOUBLINGS);
            failure.on = fmt::format(
                "{}#{}", m_dice.Pick(FailureEventNames()), m_dice.Between(std::uint64_t{1}, most));
            failure.delay = m_dice.Coin() ? Duration{} : m_dice.Scaled(m_until / 16);
            return;
        }
        const Duration near = m_scenario.controller.detectionTimeout;
        failure.at = m_features.together
                         ? std::min(m_center + m_dice.Between(Duration{}, near), m_until)
                         : m_dice.Between(m_until / 20, m_until);
    }

    std::string DrawNode(const FailureKind& kind, const FailureSection& failure)
    {
        const bool isOne = m_scenario.services.size() == 1;
        if (m_features.roles && isOne && m_sessions > 0 && kind.Has(failure_key::EVENT) &&
            !failure.mtbf && m_dice.Coin())
        {
            return fmt::format("session[{}].{}",
                               m_dice.Below(m_sessions),
                               m_dice.Pick({"owner", "first", "second", "tail", "third"}));
        }
        const NodeRole role = DrawRole(kind);
        const std::vector<NodeId>& nodes = m_nodes.at(role);
        const bool isAdded = failure.kind == "add"; // of which each names one node
        if (m_features.several && isOne && !isAdded && nodes.size() > 2 && m_dice.Coin())
        {
            const auto name = NodeName(m_directory, nodes.front());
            return name.substr(0, name.find('[')) + "[random(2)]";
        }
        return NodeName(m_directory, m_dice.Pick(nodes));
    }

    NodeRole DrawRole(const FailureKind& kind)
    {
        std::vector<NodeRole> roles;
        for (const auto& [role, nodes] : m_nodes)
        {
            if ((kind.targetRoles & RoleBit(role)) != 0)
            {
                roles.push_back(role);
            }
        }
        return m_dice.Pick(roles);
    }

    std::string DrawSide()
    {
        const auto node = static_cast<NodeId>(
            m_dice.Between(m_scenario.topology.clients + std::uint64_t{m_scenario.topology.servers},
                           m_directory.nodes.size() - 1));
        const auto name = NodeName(m_directory, node);
        const auto bracket = name.find('[');
        return bracket == std::string::npos || m_dice.Below(4) != 0
                   ? name
                   : name.substr(0, bracket) + "[*]";
    }

    SwarmDice& m_dice;
    Duration m_until;
    const Scenario& m_scenario;
    Directory m_directory;
    std::map<NodeRole, std::vector<NodeId>> m_nodes;
    std::uint64_t m_sessions = 0;
    Features m_features;
    Duration m_center; ///< where failures come together
};

} // namespace

void
DrawFailures(SwarmDice& dice, Duration until, Scenario& scenario)
{
    scenario.failures = FailureDraws(dice, until, scenario).Draw();
}

} // namespace flowchain
