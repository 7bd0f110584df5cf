// SPDX-License-Identifier: GPL-2.0-only
// What comes through a pipe from another process, whole and in any state.
#include "process-pool.h"
#include "run-record.h"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <unistd.h>

namespace flowchain
{
namespace
{

RunRecord
FullRecord()
{
    RunRecord record;
    RunOutcome& outcome = record.outcome;
    outcome.metrics.Set("sessions.lost", std::int64_t{-3});
    outcome.metrics.Set("latency.first_packet.p50", Duration{12'345'678'901'234'567});
    outcome.metrics.SetText("trace.digest", "00ff");
    outcome.histograms = {{"latency.first_packet", 3, 1, 9, 4, {{1, 1, 2}, {8, 9, 1}}}};
    outcome.series = {{"goodput", {{Instant(Duration{5}), 7}, {Instant(Duration{10}), -1}}}};
    outcome.timeline = {{Instant(Duration{11}), "crash", "service[1]", "as planned"}};
    outcome.violations = {"durability at 1.0 s: \xff is no UTF-8"};
    outcome.digest = "00ff";
    outcome.events = 1ULL << 40;
    outcome.wallSeconds = 0.1;
    outcome.cpuSeconds = 0.2;
    record.expectations.resize(1);
    record.expectations[0].expectation.metric = "sessions.lost";
    record.expectations[0].expectation.number = 5;
    record.expectations[0].expectation.known = "why";
    record.expectations[0].actual = "-3";
    record.expectations[0].holds = true;
    record.exitCode = 3;
    record.host = "somewhere";
    record.started = "2026-01-31T12:00:00Z";
    record.memoryBytes = 1ULL << 33;
    return record;
}

TEST(RunRecord, EverythingComesBackAsItWas)
{
    const auto bytes = EncodeRecord(FullRecord());
    const auto record = DecodeRecord(bytes);
    EXPECT_EQ(record.outcome.metrics.Find("sessions.lost")->value, -3);
    EXPECT_EQ(record.outcome.metrics.Find("latency.first_packet.p50")->value,
              12'345'678'901'234'567);
    EXPECT_EQ(record.outcome.metrics.Find("trace.digest")->text, "00ff");
    ASSERT_EQ(record.outcome.histograms.size(), 1U);
    EXPECT_EQ(record.outcome.histograms[0].bins[1].upper, 9);
    EXPECT_EQ(record.outcome.histograms[0].mean, 4);
    EXPECT_EQ(record.outcome.series[0].samples[1].value, -1);
    EXPECT_EQ(record.outcome.timeline[0].node, "service[1]");
    EXPECT_EQ(record.outcome.events, 1ULL << 40);
    EXPECT_TRUE(record.expectations[0].holds);
    EXPECT_EQ(record.expectations[0].expectation.known, "why");
    EXPECT_EQ(record.exitCode, 3);
    EXPECT_EQ(record.memoryBytes, 1ULL << 33);
    EXPECT_EQ(EncodeRecord(record), bytes) << "a member is lost";
}

TEST(RunRecord, WhatIsNoRecordIsRefused)
{
    const auto bytes = EncodeRecord(FullRecord());
    EXPECT_THROW(DecodeRecord(""), std::runtime_error);
    EXPECT_THROW(DecodeRecord(bytes.substr(0, bytes.size() / 2)), std::runtime_error);
    EXPECT_THROW(DecodeRecord("\xa0"), std::runtime_error) << "an empty map";
}

TEST(ProcessPool, MessagesAndEndsComeWhole)
{
    std::map<std::size_t, std::vector<std::string>> messages;
    std::map<std::size_t, std::string> errors;
    ProcessPool pool;
    pool.Start(1,
               [](const ProcessPool::Send& send)
               {
        send("");
        send(std::string(300'000, 'x')); // more than a pipe holds
        send("end");
    });
    pool.Start(2,
               [](const ProcessPool::Send& send)
               {
        send("only this");
        throw std::runtime_error("no luck");
    });
    pool.Start(3,
               [](const ProcessPool::Send&)
               {
        _exit(7);
    });
    while (pool.Count() > 0)
    {
        pool.Wait(
            [&](std::size_t job, const std::string& message)
            {
            EXPECT_FALSE(errors.contains(job)) << "a message behind the end";
            messages[job].push_back(message);
            },
            [&](std::size_t job, const std::string& error)
            {
            errors[job] = error;
        });
    }
    EXPECT_EQ(messages[1], (std::vector<std::string>{"", std::string(300'000, 'x'), "end"}));
    EXPECT_EQ(messages[2], std::vector<std::string>{"only this"});
    EXPECT_EQ(errors,
              (std::map<std::size_t, std::string>{
                  {1, ""}, {2, "no luck"}, {3, "the run has left no result"}}));
}

} // namespace
} // namespace flowchain
