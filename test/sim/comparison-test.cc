// SPDX-License-Identifier: GPL-2.0-only
// Processes that end in every way, and what a comparison says of the runs that ended so.
#include "comparison-table.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace flowchain
{
namespace
{

RunRecord
Lost(std::int64_t sessions)
{
    RunRecord result;
    result.outcome.metrics.Set("sessions.lost", sessions);
    return result;
}

TEST(ForkedRuns, ResultsComeInTheOrderOfTheirNumbers)
{
    std::vector<std::size_t> progress;
    const auto results = RunForked(
        5,
        3,
        [](std::size_t index)
        {
        // The first one ends last.
        std::this_thread::sleep_for(std::chrono::milliseconds(index == 0 ? 200 : 1));
        return Lost(static_cast<std::int64_t>(index * index));
        },
        [&](std::size_t done)
        {
        progress.push_back(done);
    });
    ASSERT_EQ(results.size(), 5U);
    for (std::size_t i = 0; i < results.size(); ++i)
    {
        EXPECT_EQ(results[i].outcome.metrics.ValueOr0("sessions.lost"), i * i);
        EXPECT_EQ(results[i].error, "");
    }
    EXPECT_EQ(progress, (std::vector<std::size_t>{1, 2, 3, 4, 5}));
}

TEST(ForkedRuns, EveryTypeOfValueComesBackAsItWas)
{
    const auto results = RunForked(
        1,
        1,
        [](std::size_t)
        {
        RunRecord result = Lost(-3);
        result.outcome.metrics.Set("latency.first_packet.p50", Duration{12'345'678'901'234'567});
        result.outcome.metrics.SetText("trace.digest", "00ff \"x\"\n");
        result.outcome.violations = {"one", std::string(200'000, 'v')}; // more than a pipe holds
        return result;
        },
        nullptr);
    const auto& metrics = results[0].outcome.metrics;
    EXPECT_EQ(metrics.Find("sessions.lost")->value, -3);
    EXPECT_EQ(metrics.Find("latency.first_packet.p50")->value, 12'345'678'901'234'567);
    EXPECT_EQ(metrics.Find("trace.digest")->text, "00ff \"x\"\n");
    EXPECT_EQ(results[0].outcome.violations,
              (std::vector<std::string>{"one", std::string(200'000, 'v')}));
}

TEST(ForkedRuns, ARunThatFailsSaysWhy)
{
    const auto results = RunForked(
        4,
        4,
        [](std::size_t index)
        {
        switch (index)
        {
        case 0:
            throw std::runtime_error("no such capture");
        case 1:
            raise(SIGKILL);
            break;
        case 2:
            _exit(7);
        default:
            break;
        }
        return Lost(1);
        },
        nullptr);
    EXPECT_EQ(results[0].error, "no such capture");
    EXPECT_EQ(results[1].error, "the run was ended by signal 9 (Killed)");
    EXPECT_EQ(results[2].error, "the run has left no result");
    EXPECT_EQ(results[3].error, "");
}

/** Two variants of one axis, of which the second has this result. */
Comparison
Pair(const RunRecord& second)
{
    Comparison comparison;
    comparison.plan.axes = {{"chain.length", {"1", "2"}}};
    comparison.variants.resize(2);
    comparison.variants[0].values = {"1"};
    comparison.variants[1].values = {"2"};
    comparison.results = {Lost(0), second};
    return comparison;
}

TEST(Comparison, ExitCodesByTheWorstVariant)
{
    EXPECT_EQ(Pair(Lost(5)).Exit(), EXIT_ALL_HOLD);
    RunRecord failed;
    failed.error = "no such capture";
    EXPECT_EQ(Pair(failed).Exit(), EXIT_BAD_INPUT);
    RunRecord violated = Lost(5);
    violated.outcome.violations = {"durability at 1.0 s: gone"};
    EXPECT_EQ(Pair(violated).Exit(), EXIT_INVARIANT_VIOLATED);
    auto both = Pair(violated);
    both.variants[0].error = "not possible";
    EXPECT_EQ(both.Exit(), EXIT_INVARIANT_VIOLATED) << "a violation outweighs";
}

TEST(Comparison, WhatWentWrongIsSaid)
{
    RunRecord violated = Lost(5);
    violated.outcome.violations = {"durability at 1.0 s: gone", "another"};
    auto comparison = Pair(violated);
    const auto text = ComparisonText(comparison);
    EXPECT_NE(text.find("  ok\n2 "), std::string::npos) << text;
    EXPECT_NE(text.find("  violated\n"), std::string::npos) << text;
    EXPECT_NE(
        text.find("\nviolated chain.length=2: durability at 1.0 s: gone (numbers until then)"),
        std::string::npos)
        << text;
    EXPECT_NE(ComparisonCsv(comparison).find(",violated,durability at 1.0 s: gone\r\n"),
              std::string::npos);
    const auto json = ComparisonJson(comparison);
    EXPECT_NE(json.find("\"outcome\": \"violated\""), std::string::npos);
    EXPECT_NE(json.find("\"another\""), std::string::npos);
}

TEST(Comparison, TimesAreRoundedHalfUp)
{
    RunRecord result;
    result.outcome.metrics.Set("latency.first_packet.p50", Duration{1'234'499});
    result.outcome.metrics.Set("latency.first_packet.p99", Duration{1'234'500});
    result.outcome.metrics.Set("latency.first_packet.max", Duration{999'999'999'500});
    const auto text = ComparisonText(Pair(result));
    EXPECT_NE(text.find("  1.234  1.235  1000000.000  "), std::string::npos) << text;
}

} // namespace
} // namespace flowchain
