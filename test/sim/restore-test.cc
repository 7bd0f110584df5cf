// SPDX-License-Identifier: GPL-2.0-only
// What one more manager in the chain buys when a service group is lost as a whole.
#include "forked-runs.h"
#include "scenario-reader.h"
#include "selector.h"
#include "simulation.h"
#include "workload-sessions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace flowchain
{
namespace
{

constexpr int MANAGERS = 8;
constexpr int SESSIONS = 1000;

/** All sessions are set up, then all service nodes crash, with some of the managers, and return. */
const std::string SCENARIO = R"(
[sim]
stop = "500ms"
[group]
managers = 8
[[service]]
nodes = 3
[[accelerator]]
[[workload]]
kind = "sessions"
sessions = 1000
arrivals = "poisson"
rate = 4000
protocol = "udp"
packets = 16
gap = "30ms"
)";

struct Loss
{
    int length;
    std::vector<int> managers; ///< that crash
};

Scenario
ScenarioOf(const Loss& loss)
{
    std::string text = SCENARIO;
    const auto crash = [&text](const std::string& node, const std::string& more)
    {
        text += "[[failure]]\nkind = \"crash\"\nat = \"400ms\"\nnode = \"" + node + "\"\n" + more;
    };
    for (const int manager : loss.managers)
    {
        crash("manager[" + std::to_string(manager) + "]", "");
    }
    for (int node = 0; node < 3; ++node)
    {
        crash("service[" + std::to_string(node) + "]", "recover_after = \"20ms\"\n");
    }
    return ParseScenario(text, "restore.toml", {"chain.length=" + std::to_string(loss.length)});
}

/** The chain of a session that starts at a manager is that manager and those behind it. */
bool
IsLost(std::size_t first, const Loss& loss)
{
    for (int i = 0; i < loss.length; ++i)
    {
        const auto member = static_cast<int>((first + i) % MANAGERS);
        if (std::find(loss.managers.begin(), loss.managers.end(), member) == loss.managers.end())
        {
            return false;
        }
    }
    return true;
}

/** Sessions whose whole chain crashes, by the hash that selects their first manager. */
std::int64_t
LostSessions(const Loss& loss)
{
    const Scenario scenario = ScenarioOf(loss);
    const Directory nodes = MakeDirectories(scenario).services.front();
    const SessionsWorkload workload(scenario.workloads.front().sessions,
                                    scenario.services.front().inside,
                                    Instant{},
                                    scenario.sim.seed,
                                    0,
                                    0);
    const MembershipView view = MembershipView::Initial(nodes);
    const auto& group = nodes.groups.front();
    std::int64_t lost = 0;
    for (std::uint32_t session = 0; session < SESSIONS; ++session)
    {
        const NodeId first = Selector::Manager(workload.KeyOf(session), view);
        const auto place = std::find(group.begin(), group.end(), first) - group.begin();
        lost += IsLost(static_cast<std::size_t>(place), loss) ? 1 : 0;
    }
    return lost;
}

/** Of all places where a chain may start. */
double
LostShare(const Loss& loss)
{
    int lost = 0;
    for (std::size_t first = 0; first < MANAGERS; ++first)
    {
        lost += IsLost(first, loss) ? 1 : 0;
    }
    return static_cast<double>(lost) / MANAGERS;
}

double
Choose(int n, int k)
{
    return k < 0 || k > n ? 0
                          : std::round(std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) -
                                                std::lgamma(n - k + 1)));
}

// Any n of the managers may be a chain for all that the choice of the crashed ones knows, so over
// all choices of 4 of 8 the share is C(8 - n, 4 - n) / C(8, 4).
TEST(Restore, LosesTheShareOfAllChoicesThatHasTheWholeChain)
{
    for (int length = 1; length <= 5; ++length)
    {
        double sum = 0;
        int choices = 0;
        for (unsigned mask = 0; mask < 1U << MANAGERS; ++mask)
        {
            Loss loss{length, {}};
            for (int manager = 0; manager < MANAGERS; ++manager)
            {
                if ((mask >> manager & 1U) != 0)
                {
                    loss.managers.push_back(manager);
                }
            }
            if (loss.managers.size() == 4)
            {
                sum += LostShare(loss);
                ++choices;
            }
        }
        EXPECT_NEAR(sum / choices, Choose(8 - length, 4 - length) / Choose(8, 4), 1e-12);
    }
}

TEST(Restore, LosesTheSessionsWhoseWholeChainIsGone)
{
    std::vector<Loss> losses;
    for (int length = 1; length <= 5; ++length)
    {
        for (const std::vector<int>& managers :
             {std::vector{0, 1, 2, 3}, std::vector{0, 2, 4, 6}, std::vector{0, 1, 3, 7}})
        {
            losses.push_back({length, managers});
        }
    }
    const std::vector<RunRecord> records = RunForked(losses.size(),
                                                     1,
                                                     [&](std::size_t i)
                                                     {
        return RecordRun(ScenarioOf(losses[i]));
    },
                                                     {});
    for (std::size_t i = 0; i < losses.size(); ++i)
    {
        const std::string name =
            "length " + std::to_string(losses[i].length) + ", choice " + std::to_string(i % 3);
        ASSERT_EQ(records[i].error, "") << name;
        const std::int64_t lost = records[i].outcome.metrics.ValueOr0("sessions.lost");
        EXPECT_EQ(lost, LostSessions(losses[i])) << name;
        EXPECT_EQ(records[i].exitCode, 0) << name;
        // The hash spreads the sessions over the managers: binomial, within 4 deviations.
        const double share = LostShare(losses[i]);
        EXPECT_NEAR(lost, SESSIONS * share, 4 * std::sqrt(SESSIONS * share * (1 - share))) << name;
    }
}

} // namespace
} // namespace flowchain
