// SPDX-License-Identifier: GPL-2.0-only
#include "progress-printer.h"
#include "result-writer.h"
#include "scenario-reader.h"
#include "summary.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace flowchain
{
namespace
{

const std::string TEXT = R"([sim]
stop = "1s"
seed = 7
[[service]]
[[accelerator]]
[[expect]]
metric = "sessions.lost"
equals = 0
[[expect]]
metric = "failover.recovery_time"
at_most = "60ms"
[[expect]]
metric = "sessions.established"
at_least = 10
[[expect]]
metric = "trace.digest"
equals = "8badf00d"
)";

MetricSet
Metrics(std::int64_t lost, Duration recovery, std::int64_t established)
{
    MetricSet metrics;
    metrics.Set("sessions.lost", lost);
    metrics.Set("failover.recovery_time", recovery);
    metrics.Set("sessions.established", established);
    metrics.Set("fabric.packet_hops", 500);
    metrics.SetText("trace.digest", "8badf00d");
    return metrics;
}

RunReport
Report(const MetricSet& metrics)
{
    RunReport report;
    report.scenario = ParseScenario(TEXT, "x.toml");
    report.outcome.metrics = metrics;
    report.outcome.digest = "8badf00d";
    report.outcome.wallSeconds = 0.25;
    report.expectations = EvaluateExpectations(report.scenario, metrics);
    report.build = {"0.1.0", "GNU 12.2.0", "Release", "0123abc", "3.37"};
    return report;
}

constexpr Duration MILLISECOND{1'000'000'000};

TEST(MetricDictionary, NamesAreUniqueAndDescribed)
{
    std::set<std::string> names;
    for (const auto& metric : MetricDictionary())
    {
        EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
        EXPECT_FALSE(metric.unit.empty()) << metric.name;
        EXPECT_FALSE(metric.meaning.empty()) << metric.name;
        EXPECT_EQ(metric.type == MetricType::DURATION, metric.unit == "ns") << metric.name;
        EXPECT_EQ(FindMetric(metric.name), &metric);
    }
    EXPECT_TRUE(names.contains("packets.dropped.queue-full"));
    EXPECT_TRUE(names.contains("latency.first_packet.p99"));
    EXPECT_FALSE(names.contains("packets.dropped.none")); // the end of a copy, no loss
    EXPECT_EQ(FindMetric("session.lost"), nullptr);
}

TEST(MetricSet, KeepsTheOrderOfTheDictionary)
{
    MetricSet metrics;
    metrics.Set("run.events", 3);
    metrics.Set("sessions.lost", 1);
    metrics.Set("packets.injected", 2);
    std::vector<std::string> names;
    for (const auto& [place, metric] : metrics.All())
    {
        names.push_back(metric.declaration->name);
    }
    EXPECT_EQ(names, (std::vector<std::string>{"sessions.lost", "packets.injected", "run.events"}));
    EXPECT_EQ(metrics.ValueOr0("packets.injected"), 2);
    EXPECT_EQ(metrics.ValueOr0("packets.dropped"), 0);
    EXPECT_EQ(metrics.Find("packets.dropped"), nullptr);
}

TEST(MetricSetDeathTest, RefusesWhatIsNotDeclared)
{
    MetricSet metrics;
    EXPECT_DEATH(metrics.Set("sessions.lots", 1), "metric sessions.lots is not declared");
    EXPECT_DEATH(metrics.Set("sessions.lost", MILLISECOND), "metric sessions.lost is of another");
    EXPECT_DEATH(metrics.Set("failover.recovery_time", 1), "failover.recovery_time is of another");
}

TEST(MetricSet, LatenciesOfOneSegment)
{
    LatencyHistogram latency;
    MetricSet metrics;
    metrics.SetLatency("chain", latency);
    EXPECT_EQ(metrics.ValueOr0("latency.chain.count"), 0);
    EXPECT_EQ(metrics.Find("latency.chain.max"), nullptr); // nothing was measured
    for (int i = 1; i <= 100; ++i)
    {
        latency.Add(Duration{i}); // below 512 ps each value has a bin of its own
    }
    metrics.SetLatency("chain", latency);
    EXPECT_EQ(metrics.ValueOr0("latency.chain.count"), 100);
    EXPECT_EQ(metrics.ValueOr0("latency.chain.mean"), 50); // 50.5 rounded down
    EXPECT_EQ(metrics.ValueOr0("latency.chain.p50"), 50);
    EXPECT_EQ(metrics.ValueOr0("latency.chain.p90"), 90);
    EXPECT_EQ(metrics.ValueOr0("latency.chain.p99"), 99);
    EXPECT_EQ(metrics.ValueOr0("latency.chain.max"), 100);
}

TEST(MetricSet, KeepsDistributionsInTheDictionarysOrder)
{
    MetricSet metrics;
    LatencyHistogram detection;
    for (const int value : {3, 10, 3, 4})
    {
        detection.Add(Duration{value});
    }
    LatencyHistogram chain;
    chain.Add(Duration{7});
    metrics.SetLongest("failover.detection_time", detection);
    metrics.SetLatency("chain", chain);
    metrics.SetDistribution("disruption", LatencyHistogram{}); // no value: no histogram
    EXPECT_EQ(metrics.Find("failover.detection_time")->value, 10);
    const auto histograms = metrics.TakeHistograms();
    ASSERT_EQ(histograms.size(), 2);
    EXPECT_EQ(histograms[0].name, "latency.chain");
    EXPECT_EQ(histograms[1].name, "failover.detection_time");
    EXPECT_EQ(histograms[1].count, 4);
    EXPECT_EQ(histograms[1].min, 3);
    EXPECT_EQ(histograms[1].max, 10);
    EXPECT_EQ(histograms[1].mean, 5); // 20 / 4
    ASSERT_EQ(histograms[1].bins.size(), 3);
    EXPECT_EQ(histograms[1].bins[0].count, 2); // of 3
    EXPECT_TRUE(metrics.TakeHistograms().empty());
}

TEST(MetricSetDeathTest, RefusesAHistogramThatIsNotDeclared)
{
    EXPECT_DEATH(MetricSet{}.AddHistogram("latency.all", {}), "histogram latency.all is not");
}

TEST(ScenarioExpectation, Comparisons)
{
    const auto scenario = ParseScenario(TEXT, "x.toml");
    const struct
    {
        MetricSet metrics;
        std::vector<bool> holds;
    } rows[] = {
        {Metrics(0, 60 * MILLISECOND, 10), {true, true, true, true}},
        {Metrics(1, 60 * MILLISECOND + Duration{1}, 9), {false, false, false, true}},
        {Metrics(-1, Duration{}, 11), {false, true, true, true}},
        {MetricSet{}, {false, false, false, false}}, // nothing measured: nothing holds
    };
    for (const auto& row : rows)
    {
        const auto outcomes = EvaluateExpectations(scenario, row.metrics);
        ASSERT_EQ(outcomes.size(), row.holds.size());
        for (std::size_t i = 0; i < outcomes.size(); ++i)
        {
            EXPECT_EQ(outcomes[i].holds, row.holds[i]) << outcomes[i].Text();
        }
    }
    const auto outcomes = EvaluateExpectations(scenario, Metrics(3, MILLISECOND, 1));
    EXPECT_EQ(outcomes[0].Text() + ": " + outcomes[0].actual, "sessions.lost equals 0: 3");
    EXPECT_EQ(outcomes[1].Text() + ": " + outcomes[1].actual,
              "failover.recovery_time at most 60ms: 1.000 ms");
    EXPECT_EQ(EvaluateExpectations(scenario, {})[0].actual, "not measured");
}

TEST(ScenarioResult, ExitCodes)
{
    auto report = Report(Metrics(0, MILLISECOND, 10));
    EXPECT_EQ(report.Exit(), 0);
    report = Report(Metrics(1, MILLISECOND, 10));
    EXPECT_EQ(report.Exit(), 1);
    report.outcome.violations = {"agreement: ..."};
    EXPECT_EQ(report.Exit(), 3); // outweighs the failed expectation
}

TEST(ScenarioResult, WhatIsKnownToFailMustFail)
{
    auto report = Report(Metrics(1, MILLISECOND, 10));
    for (ExpectationOutcome& outcome : report.expectations)
    {
        outcome.expectation.known = outcome.holds ? "" : "why";
    }
    EXPECT_EQ(report.Exit(), 0);
    report.outcome.violations = {"agreement: ..."};
    EXPECT_EQ(report.Exit(), 3); // of which no expectation says that it is known
    report.expectations.push_back({.expectation = {.metric = "observer.violations",
                                                   .comparison = "equals",
                                                   .value = "0",
                                                   .known = "why"},
                                   .actual = "1",
                                   .holds = false});
    EXPECT_EQ(report.Exit(), 0);
    report.expectations.back().expectation.comparison = "at_most";
    EXPECT_EQ(report.Exit(), 3);
    report.outcome.violations.clear();
    report.expectations.back().holds = true;
    EXPECT_EQ(report.Exit(), 1); // the mark must go
}

TEST(ScenarioResult, JsonHoldsTheRecord)
{
    auto report = Report(Metrics(1, Duration{12'500}, 10));
    report.outcome.violations = {"agreement at 1 s: \"a\" and \"b\""};
    const auto text = ResultJson(report);
    const auto json = nlohmann::ordered_json::parse(text);
    std::vector<std::string> keys;
    for (const auto& [key, value] : json.items())
    {
        keys.push_back(key);
    }
    EXPECT_EQ(keys,
              (std::vector<std::string>{"schema",
                                        "scenario",
                                        "build",
                                        "exit_code",
                                        "metrics",
                                        "services",
                                        "links",
                                        "links_left_out",
                                        "events",
                                        "expectations",
                                        "violations",
                                        "run"}));
    EXPECT_EQ(json["schema"], 1);
    EXPECT_EQ(json["scenario"]["name"], "x");
    EXPECT_EQ(json["scenario"]["seed"], 7);
    EXPECT_EQ(json["scenario"]["toml"], ResolvedToml(report.scenario));
    EXPECT_EQ(json["build"]["commit"], "0123abc");
    EXPECT_EQ(json["exit_code"], 3);
    EXPECT_EQ(json["metrics"]["sessions.lost"]["value"], 1);
    EXPECT_EQ(json["metrics"]["sessions.lost"]["unit"], "sessions");
    EXPECT_EQ(json["metrics"]["failover.recovery_time"]["value"], 12.5);
    EXPECT_EQ(json["metrics"]["failover.recovery_time"]["unit"], "ns");
    EXPECT_EQ(json["metrics"]["trace.digest"]["value"], "8badf00d");
    EXPECT_FALSE(json["metrics"].contains("sessions.broken")); // not measured
    EXPECT_EQ(json["expectations"].size(), 4);
    EXPECT_EQ(json["expectations"][0]["holds"], false);
    EXPECT_EQ(json["violations"][0], "agreement at 1 s: \"a\" and \"b\"");
    EXPECT_EQ(json["run"]["packet_hops_per_second"], 2000); // 500 in 0.25 s
    // Decimals are written from integers, always three.
    EXPECT_NE(text.find("{\"value\": 12.500, \"unit\": \"ns\""), std::string::npos) << text;
}

TEST(ScenarioResult, OnlyTheRunObjectDependsOnTheClock)
{
    auto first = Report(Metrics(0, MILLISECOND, 10));
    auto second = first;
    second.outcome.wallSeconds = 99;
    second.outcome.cpuSeconds = 98;
    const auto a = ResultJson(first);
    const auto b = ResultJson(second);
    EXPECT_NE(a, b);
    EXPECT_EQ(a.substr(0, a.find("\"run\": {")), b.substr(0, b.find("\"run\": {")));
    EXPECT_EQ(a.find("\"run\": {"), a.rfind("\"run\": {"));
}

TEST(ScenarioResult, FileIsWrittenWholeOrNotAtAll)
{
    const auto folder = std::filesystem::path(testing::TempDir()) / "scenario-result-test";
    std::filesystem::remove_all(folder);
    auto report = Report(Metrics(0, MILLISECOND, 10));
    report.scenario.output.directory = (folder / "a" / "b").string();
    const auto path = WriteResult(report);
    EXPECT_EQ(path, (folder / "a" / "b" / "result.json").string());
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(text, ResultJson(report));
    EXPECT_FALSE(std::filesystem::exists(path + ".partial"));

    report.scenario.output.directory = path; // a file, no folder
    EXPECT_THROW(WriteResult(report), std::runtime_error);
    std::filesystem::remove_all(folder);
}

TEST(ScenarioSummary, FitsTheScreenAndSaysWhatFailed)
{
    auto metrics = Metrics(1, 45 * MILLISECOND, 10);
    metrics.Set("packets.injected", 1'234'567);
    metrics.Set("packets.dropped.queue-full", 3);
    metrics.Set("packets.dropped.link-loss", 0);
    LatencyHistogram latency;
    latency.Add(Duration{12'345'000});
    metrics.SetLatency("first_packet", latency);
    metrics.Set("observer.checks.agreement", 2000);
    metrics.Set("observer.checks.durability", 34);
    auto report = Report(metrics);
    report.outcome.violations = {"agreement: two bindings"};
    const auto text = Summary(report);
    for (const auto* wanted : {"scenario     x, seed 7\n",
                               "1 lost, - broken\n",
                               "1,234,567 injected, ",
                               " 3 queue-full\n",
                               "12.345 us",
                               "FAIL sessions.lost equals 0: 1\n",
                               "pass failover.recovery_time at most 60ms: 45.000 ms\n",
                               "2,034 checks, 1 violated\n",
                               "VIOLATED agreement: two bindings\n",
                               "2,000 packet-hops/s\n",
                               "8badf00d\n"})
    {
        EXPECT_NE(text.find(wanted), std::string::npos) << wanted << "\n" << text;
    }
    EXPECT_EQ(text.find("link-loss"), std::string::npos); // no drop, no line
    std::istringstream lines(text);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count)
    {
        EXPECT_LE(line.size(), 100) << line;
    }
    EXPECT_LE(count, 35);
}

TEST(ScenarioSummary, SystemShowsAddressesLeavesAndDelays)
{
    const auto scenario = ParseScenario("[sim]\nstop = \"1s\"\n[[service]]\n[[accelerator]]\n"
                                        "[topology]\nleaves = 2\n",
                                        "x.toml");
    const auto text = SystemText(scenario);
    // Worked out by hand: 100 bytes and 24 of overhead are 992 bits, 39.68 ns at 25 Gbit/s and
    // 9.92 ns at 100 Gbit/s; each link adds 500 ns. Two host links: 1079.36 ns; two fabric links
    // more: 2099.20 ns.
    for (const auto* wanted : {"client[0]        172.16.0.1           0\n",
                               "accelerator[1]   172.16.0.6           1\n",
                               "manager[2]       172.16.0.9           0      0\n",
                               "2                         1.079 us ",
                               "4                         2.099 us "})
    {
        EXPECT_NE(text.find(wanted), std::string::npos) << wanted << "\n" << text;
    }
}

TEST(ProgressPrinter, TerminalGetsOneLineAfterASecond)
{
    double wall = 0;
    std::string written;
    const auto write = [&written](std::string_view text)
    {
        written += text;
    };
    const Instant stop{Duration{1'000'000'000'000}};
    const Instant half{Duration{500'000'000'000}};
    {
        ProgressPrinter printer(
            true,
            [&wall]
            {
            return wall;
            },
            write);
        wall = 0.9;
        printer.Progress(half, stop);
        EXPECT_EQ(written, "");
        wall = 1.0;
        printer.Progress(half, stop);
        EXPECT_EQ(written, "\r\x1b[K500.000 ms of 1s simulated (50%), 1 s");
        wall = 1.1; // too soon
        printer.Progress(half, stop);
        EXPECT_EQ(written, "\r\x1b[K500.000 ms of 1s simulated (50%), 1 s");
        written.clear();
    }
    EXPECT_EQ(written, "\r\x1b[K"); // wiped at the end
}

TEST(ProgressPrinter, FilesGetALineEveryTenSeconds)
{
    double wall = 9.9;
    std::string written;
    const Instant stop{Duration{1'000'000'000'000}};
    {
        ProgressPrinter printer(
            false,
            [&wall]
            {
            return wall;
            },
            [&written](std::string_view text)
            {
            written += text;
        });
        for (wall = 0; wall < 25; wall += 0.5)
        {
            printer.Progress(Instant{}, stop);
        }
    }
    EXPECT_EQ(written,
              "0.000 ns of 1s simulated (0%), 10 s\n0.000 ns of 1s simulated (0%), 20 s\n");
}

} // namespace
} // namespace flowchain
