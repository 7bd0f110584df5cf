// SPDX-License-Identifier: GPL-2.0-only
// The formulas of doc/latency.rst where some nodes share a leaf: each crossing is that of its pair.
#include "closed-form-scenario.h"
#include "selector.h"
#include "workload-sessions.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

/** Service nodes that spend so much on a message that a release waits for the fan-out. */
constexpr Costs SLOW_SERVICE = {101'003, 307'009, 211'027, 53'081, 1'013'243, 20'629'729, 41'187};

/** The way of one session through the nodes that the hashes name; scheme `chain`, 2 service nodes,
 * the second manager is the last one. */
class Way
{
  public:
    explicit Way(const Case& given)
        : m_case(given)
        , m_scenario(ScenarioOf(given))
        , m_nodes(MakeDirectories(m_scenario).services.front())
        , m_leaves(LeavesOfNodes(m_scenario, m_nodes))
    {
        const SessionsWorkload workload(m_scenario.workloads.front().sessions,
                                        m_scenario.services.front().inside,
                                        Instant{},
                                        m_scenario.sim.seed,
                                        0,
                                        0);
        const MembershipView view = MembershipView::Initial(m_nodes);
        const FlowKey key = workload.KeyOf(0);
        const auto& group = m_nodes.groups.front();
        const NodeId first = Selector::Manager(key, view);
        const auto start = std::find(group.begin(), group.end(), first) - group.begin();
        for (int i = 0; i < given.n; ++i)
        {
            m_chain.push_back(group[(start + i) % group.size()]);
        }
        m_owner = Selector::ServiceNode(key, view);
        m_other = m_nodes.serviceNodes[m_nodes.serviceNodes.front() == m_owner ? 1 : 0];
    }

    /** @param r as in the document */
    Time FirstPacket(Time r) const
    {
        const Costs& costs = m_case.costs;
        const Time D = PacketBytesOf(m_case);
        const NodeId accelerator = m_nodes.accelerators.front();
        const NodeId first = m_chain.front();
        const NodeId last = m_chain.back();
        const Time C = X(m_nodes.clients.front(), accelerator, D) + costs.ap +
                       X(accelerator, first, 86 + D) + costs.mp + X(first, m_owner, 86 + D) +
                       costs.sp;
        const Time toFirst = C + Answer();
        if (m_case.release == "all")
        {
            const Time fan = X(last, m_other, 146) + costs.sm + X(m_other, last, 86) + costs.mk;
            return toFirst + Along(146) + fan + Report() + Out(first);
        }
        if (m_case.release == "immediate" || m_case.n == 1)
        {
            const Time frames = m_case.n == 1 ? m_case.nodes - 1 : 1;
            return toFirst + frames * SerialisationOf(146, HOST_BYTE) +
                   r * SerialisationOf(134, HOST_BYTE) + Out(first);
        }
        return m_case.release == "chain" ? toFirst + Along(146) + Report() + Out(first)
                                         : toFirst + Along(146 + D) + Out(last);
    }

    Time Copies() const
    {
        const Time D = PacketBytesOf(m_case);
        const bool isTail = m_case.release == "tail";
        Time before = 0;
        if (m_case.n > 1 && (isTail || m_case.release == "chain"))
        {
            before = SerialisationOf(146, HOST_BYTE) + (isTail ? SerialisationOf(D, HOST_BYTE) : 0);
        }
        return Answer() + Along(isTail ? 146 + D : 146) + before + X(m_chain.back(), m_other, 146) +
               m_case.costs.sm;
    }

  private:
    Time X(NodeId from, NodeId to, Time length) const
    {
        return CrossingOf(length, m_leaves[from] == m_leaves[to]);
    }

    Time Answer() const
    {
        return X(m_owner, m_chain.front(), 146 + PacketBytesOf(m_case)) + m_case.costs.mp;
    }

    /** From the first manager to the last one. */
    Time Along(Time length) const
    {
        Time sum = 0;
        for (std::size_t i = 1; i < m_chain.size(); ++i)
        {
            sum += X(m_chain[i - 1], m_chain[i], length) + m_case.costs.mm;
        }
        return sum;
    }

    /** CHAIN_DONE or FAN_OUT_DONE to the first manager. */
    Time Report() const
    {
        return m_chain.size() == 1 ? 0 : X(m_chain.back(), m_chain.front(), 146) + m_case.costs.mm;
    }

    Time Out(NodeId from) const
    {
        return X(from, m_nodes.servers.front(), PacketBytesOf(m_case)) + SERVER_DELAY;
    }

    const Case m_case;
    const Scenario m_scenario;
    const Directory m_nodes;
    const std::vector<std::uint16_t> m_leaves;
    std::vector<NodeId> m_chain;
    NodeId m_owner = NO_NODE;
    NodeId m_other = NO_NODE; ///< service node
};

TEST(ClosedForm, SharedLeaves)
{
    std::vector<Case> cases;
    for (const std::string release : {"immediate", "chain", "all", "tail"})
    {
        for (int n = 1; n <= 8; ++n)
        {
            for (const int leaves : {2, 3, 5})
            {
                cases.push_back({.scheme = "chain",
                                 .release = release,
                                 .n = n,
                                 .q = n,
                                 .leaves = leaves,
                                 .seed = n,
                                 .costs = SLOW_SERVICE});
            }
        }
    }
    const auto results = RunCases(cases);
    for (std::size_t i = 0; i < cases.size(); ++i)
    {
        SCOPED_TRACE(NameOf(cases[i]));
        const MetricSet& metrics = results[i].outcome.metrics;
        EXPECT_EQ(results[i].error, "");
        const Way way(cases[i]);
        const Time r = metrics.ValueOr0("sync.messages.reverse-entry");
        EXPECT_EQ(metrics.ValueOr0("latency.first_packet.max"), way.FirstPacket(r));
        EXPECT_EQ(metrics.ValueOr0("vulnerability.window.max"), way.Copies());
        EXPECT_EQ(metrics.ValueOr0("latency.copies.max"), way.Copies());
    }
}

} // namespace
} // namespace flowchain
