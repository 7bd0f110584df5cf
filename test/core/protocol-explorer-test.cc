// SPDX-License-Identifier: GPL-2.0-only
#include "protocol-explorer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace flowchain
{
namespace
{

/** The first lines are the same in every run on every machine. */
std::string
TextOf(const ExplorerResult& result)
{
    std::string text = std::to_string(result.states) + " states, " +
                       std::to_string(result.transitions) + " transitions, " +
                       std::to_string(result.terminals) + " terminal states, at most " +
                       std::to_string(result.depth) + " events, " +
                       std::to_string(result.machineStates) + " states of machines\n";
    for (const auto& [outcome, count] : result.outcomes)
    {
        text += std::to_string(count) + " terminal: " + outcome + "\n";
    }
    if (!result.violation.empty())
    {
        text += result.violation + "\n";
        for (const std::string& event : result.schedule)
        {
            text += "  " + event + "\n";
        }
    }
    return text;
}

/** FLOWCHAIN_REWRITE_GOLDEN=1 writes the result into the file instead of comparing. */
void
Compare(const std::string& name, const ExplorerResult& result)
{
    const std::string text = TextOf(result);
    std::cout << text;
    const std::string path =
        std::string(FLOWCHAIN_SOURCE_DIR "/test/golden/explored/") + name + ".txt";
    const char* rewrite = std::getenv("FLOWCHAIN_REWRITE_GOLDEN");
    if (rewrite != nullptr && std::string(rewrite) == "1")
    {
        std::ofstream(path) << text;
        return;
    }
    std::ostringstream expected;
    expected << std::ifstream(path).rdbuf();
    EXPECT_EQ(text, expected.str());
}

struct Exploration
{
    const char* name;
    std::vector<int> packets; ///< the flow of each
    int crashes;
    int losses;
    bool ordered;
    bool instantEdge;
    int position = 3; ///< of the second manager, in a chain of 3
    ReleaseRule release = ReleaseRule::ALL;
    std::vector<int> firsts = {0, 0};
    bool large = false; ///< too slow for unoptimised tests

    ExplorerConfig Config() const
    {
        ExplorerConfig config;
        config.packets = packets;
        config.firsts = firsts;
        config.crashes = crashes;
        config.losses = losses;
        config.ordered = ordered;
        config.instantEdge = instantEdge;
        config.nodes.manager.position = static_cast<std::uint16_t>(position);
        config.nodes.manager.release = release;
        return config;
    }
};

class ProtocolExplorerTest : public testing::TestWithParam<Exploration>
{
};

TEST_P(ProtocolExplorerTest, EveryReachableStateKeepsThePromises)
{
#ifdef __SANITIZE_ADDRESS__
    if (GetParam().large)
    {
        GTEST_SKIP() << "too slow with sanitizers";
    }
#endif
    ProtocolExplorer explorer(GetParam().Config());
    const ExplorerResult result = explorer.Run();
    EXPECT_EQ(result.violation, "");
    EXPECT_TRUE(result.complete);
    Compare(GetParam().name, result);
}

INSTANTIATE_TEST_SUITE_P(
    Each,
    ProtocolExplorerTest,
    testing::Values(
        Exploration{"OneSessionOneCrash", {0}, 1, 0, false, false, 3},
        Exploration{"OneSessionTwoCrashes", {0}, 2, 0, true, false, 3},
        Exploration{"OneSessionCrashAndLoss", {0}, 1, 1, false, true, 3},
        Exploration{"RetryOneCrash", {0, 0}, 1, 0, false, true, 3},
        Exploration{
            "RetrySecondInTheMiddle", {0, 0}, 1, 0, false, true, 2, ReleaseRule::ALL, {0, 0}, true},
        Exploration{
            "TwoSessionsNoCrash", {0, 1}, 0, 0, false, true, 3, ReleaseRule::ALL, {0, 0}, true},
        Exploration{"TwoSessionsOneCrash", {0, 1}, 1, 0, true, true, 3},
        Exploration{"TwoFirstManagersOneCrash",
                    {0, 1},
                    1,
                    0,
                    true,
                    true,
                    3,
                    ReleaseRule::ALL,
                    {0, 1},
                    true},
        Exploration{"ReleaseChain", {0, 0}, 1, 0, true, true, 2, ReleaseRule::CHAIN}),
    [](const testing::TestParamInfo<Exploration>& exploration)
    {
    return std::string(exploration.param.name);
    });

/** The explorer finds a broken protocol, and prints the shortest schedule that shows it. */
class BrokenProtocolTest : public testing::TestWithParam<const char*>
{
};

TEST_P(BrokenProtocolTest, IsFoundByExploration)
{
    ExplorerConfig config = Exploration{"", {0}, 1, 0, false, true}.Config();
    config.nodes.mutation = &MutationByName(GetParam());
    ProtocolExplorer explorer(config);
    const ExplorerResult result = explorer.Run();
    EXPECT_NE(result.violation, "");
    EXPECT_FALSE(result.schedule.empty());
    Compare(std::string("Broken") + GetParam(), result);
}

INSTANTIATE_TEST_SUITE_P(
    Each,
    BrokenProtocolTest,
    testing::Values("AckBeforeStore", "ForgetOneNode", "ReleaseBeforeFanOut", "SkipEpochFence"),
    [](const testing::TestParamInfo<const char*>& mutation)
    {
    return std::string(mutation.param);
    });

} // namespace
} // namespace flowchain
