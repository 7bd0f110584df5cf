// SPDX-License-Identifier: GPL-2.0-only
// Time series: when samples are taken and of what, and those of a run that is worked out by hand.
#include "forked-runs.h"
#include "metric-dictionary.h"
#include "scenario-fixture.h"
#include "series-sampler.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

namespace flowchain
{
namespace
{

constexpr std::int64_t MS = 1'000'000'000;

Instant
At(std::int64_t ps)
{
    return Instant(Duration{ps});
}

using Values = std::vector<std::int64_t>;

/** Values by name; every series has its samples at the multiples of the interval. */
std::map<std::string, Values>
ValuesOf(const std::vector<SeriesData>& all, std::int64_t interval)
{
    std::map<std::string, Values> values;
    for (const SeriesData& series : all)
    {
        std::int64_t time = 0;
        for (const auto& sample : series.samples)
        {
            time += interval;
            EXPECT_EQ(sample.time, At(time)) << series.name;
            values[series.name].push_back(sample.value);
        }
    }
    return values;
}

TEST(SeriesSampler, ASampleHoldsWhatCameUpToItsInstant)
{
    SeriesState state;
    SeriesSampler sampler(Duration{100},
                          [&]
                          {
        return state;
    });
    const auto deliver = [&](std::int64_t time)
    {
        sampler.Advance(At(time));
        ++state.packetsDelivered;
        state.payloadBytes += 7;
        state.active = static_cast<std::uint64_t>(time);
        state.sessionsLost += 2;
    };
    deliver(0); // the first interval has its beginning, too
    deliver(99);
    deliver(100);
    deliver(101);
    deliver(430); // nothing in (200, 300] and (300, 400]
    deliver(500);
    const auto values = ValuesOf(sampler.Finish(At(599)), 100);
    EXPECT_EQ(values.at("packets.delivered"), (Values{3, 1, 0, 0, 2}));
    // 7 bytes in 100 ps are 56 bits in 1e-10 s.
    constexpr std::int64_t ONE = 560'000'000'000;
    EXPECT_EQ(values.at("goodput"), (Values{3 * ONE, ONE, 0, 0, 2 * ONE}));
    EXPECT_EQ(values.at("sessions.active"), (Values{100, 101, 101, 101, 500}));
    EXPECT_EQ(values.at("sessions.lost"), (Values{6, 8, 8, 8, 12}));
}

TEST(SeriesSampler, AllSeriesOfTheDictionaryInItsOrder)
{
    SeriesSampler sampler(Duration{1},
                          []
                          {
        return SeriesState{.payloadBytes = 1,
                           .packetsDelivered = 2,
                           .packetsDropped = 3,
                           .sessionsEstablished = 4,
                           .sessionsLost = 5,
                           .syncBytes = 6,
                           .active = 7,
                           .held = 8,
                           .belowPromise = 9,
                           .exposed = 10};
    });
    const auto all = sampler.Finish(At(1));
    ASSERT_EQ(all.size(), SeriesDictionary().size());
    for (std::size_t i = 0; i < all.size(); ++i)
    {
        EXPECT_EQ(all[i].name, SeriesDictionary()[i].name);
    }
    const auto values = ValuesOf(all, 1);
    const std::map<std::string, std::int64_t> wanted = {
        {"goodput", 8 * 1'000'000'000'000},
        {"packets.delivered", 2},
        {"packets.dropped", 3},
        {"sessions.established", 4},
        {"sessions.lost", 5},
        {"sync.bytes", 6},
        {"sessions.active", 7},
        {"sessions.held", 8},
        {"vulnerability", 9},
        {"exposure", 10},
    };
    for (const auto& [name, value] : wanted)
    {
        EXPECT_EQ(values.at(name), Values{value}) << name;
    }
}

TEST(SeriesSampler, WithoutAnIntervalOrAWholeOneThereIsNothing)
{
    const auto none = []
    {
        return SeriesState{};
    };
    SeriesSampler off(Duration{}, none);
    off.Advance(At(5));
    EXPECT_TRUE(off.Finish(At(1'000)).empty());
    EXPECT_TRUE(SeriesSampler(Duration{1'001}, none).Finish(At(1'000)).empty());
    EXPECT_FALSE(SeriesSampler(Duration{1'000}, none).Finish(At(1'000)).empty());
}

TEST(SeriesSampler, DefaultMakes200SamplesOrMore)
{
    const std::pair<std::int64_t, std::int64_t> cases[] = {
        {60 * MS, MS / 5},             // 300 us at most: 200 us
        {1'000 * MS, 5 * MS},          // 5 ms at most
        {999 * MS, 2 * MS},            // 4.995 ms at most
        {400 * MS, 2 * MS},            // 2 ms at most
        {399 * MS, MS},                // 1.995 ms at most
        {3'600'000 * MS, 10'000 * MS}, // 18 s at most
        {1'999, 5},
        {1, 1},
    };
    for (const auto& [stop, interval] : cases)
    {
        EXPECT_EQ(DefaultSeriesInterval(Duration{stop}).count(), interval) << stop;
    }
}

TEST(SeriesInterval, IsResolvedAndBounded)
{
    EXPECT_EQ(ParseScenario(MINIMAL, "x.toml").output.seriesInterval, Duration{5 * MS});
    EXPECT_EQ(ParseScenario(MINIMAL, "x.toml", {"output.series_interval=0s"}).output.seriesInterval,
              Duration{});
    EXPECT_EQ(ErrorsOf(MINIMAL, {"output.series_interval=100us"}), ""); // 10,000 in a second
    EXPECT_EQ(ErrorsOf(MINIMAL, {"output.series_interval=99us"}),
              "-s output.series_interval: 99us makes more "
              "than 10000 samples in a run of 1s, \"100us\" does not");
}

/** Four sessions a millisecond apart; each sends a packet now, after 2 ms and after 4 ms. Both that
 * and the answer arrive within some microseconds. */
const std::string FOUR_SESSIONS = R"(
[sim]
stop = "10ms"
[output]
series_interval = "1ms"
[group]
managers = 3
[[service]]
[[accelerator]]
[[workload]]
kind = "sessions"
sessions = 4
rate = 1000
protocol = "udp"
packets = 3
gap = "2ms"
payload = 1000
reply = 500
)";

RunRecord
RecordOf(const std::string& text, const std::vector<std::string>& overrides = {})
{
    const auto records = RunForked(1,
                                   1,
                                   [&](std::size_t)
                                   {
        return RecordRun(ParseScenario(text, "x.toml", overrides));
    },
                                   {});
    EXPECT_EQ(records[0].error, "");
    return records[0];
}

TEST(RunSeries, AgreesWithARunWorkedOutByHand)
{
    const RunRecord record = RecordOf(FOUR_SESSIONS);
    const auto values = ValuesOf(record.outcome.series, MS);
    // Session k sends packet i at k + 2i ms: so many packets at 0, 1, 2, ... 9 ms.
    const Values sent = {1, 1, 2, 2, 2, 2, 1, 1, 0, 0};
    Values delivered;
    Values goodput;
    for (const auto count : sent)
    {
        delivered.push_back(2 * count);
        goodput.push_back(count * (1000 + 500) * 8 * 1000); // in a millisecond
    }
    EXPECT_EQ(values.at("packets.delivered"), delivered);
    EXPECT_EQ(values.at("goodput"), goodput);
    EXPECT_EQ(values.at("sessions.established"), (Values{1, 1, 1, 1, 0, 0, 0, 0, 0, 0}));
    // Session k is active from k ms, that instant included, until just after k + 4 ms.
    EXPECT_EQ(values.at("sessions.active"), (Values{2, 3, 4, 4, 3, 2, 1, 0, 0, 0}));
    EXPECT_EQ(values.at("sessions.held"), Values(10, 0));
    EXPECT_EQ(values.at("packets.dropped"), Values(10, 0));
    const auto& bytes = values.at("sync.bytes");
    EXPECT_EQ(std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}),
              record.outcome.metrics.ValueOr0("sync.bytes"));
    EXPECT_EQ(bytes[8], bytes[9]) << "heartbeats and their answers only";
}

TEST(RunSeries, HistogramsCountEveryPacketAndSession)
{
    const RunRecord record = RecordOf(FOUR_SESSIONS, {"sim.warmup=1ms"});
    std::map<std::string, HistogramData> histograms;
    for (const HistogramData& histogram : record.outcome.histograms)
    {
        std::uint64_t count = 0;
        for (const HistogramBin& bin : histogram.bins)
        {
            count += bin.count;
        }
        EXPECT_EQ(count, histogram.count) << histogram.name;
        EXPECT_LE(histogram.bins.front().lower, histogram.min) << histogram.name;
        EXPECT_GE(histogram.bins.back().upper, histogram.max) << histogram.name;
        histograms[histogram.name] = histogram;
    }
    // Session 0 starts before the warm-up's end; of its packets only the first pair is sent before.
    EXPECT_EQ(histograms.at("packet.latency").count, 4 * 6 - 2);
    EXPECT_EQ(histograms.at("sessions.worst_gap").count, 3);
    EXPECT_EQ(histograms.at("latency.first_packet").count, 3);
    EXPECT_EQ(histograms.at("latency.first_packet").max,
              record.outcome.metrics.Find("latency.first_packet.max")->value);
    // From an answer until the next packet arrives: a gap of the workload, and some microseconds.
    EXPECT_GT(histograms.at("sessions.worst_gap").min, 2 * MS - MS / 10);
    EXPECT_LT(histograms.at("sessions.worst_gap").max, 2 * MS);
}

TEST(RunSeries, SumsAreTheMetricsOfARunWithLosses)
{
    const RunRecord record = RecordOf(FOUR_SESSIONS,
                                      {"workload[0].sessions=2000",
                                       "workload[0].rate=200000",
                                       "topology.loss=2%",
                                       "chain.release=immediate",
                                       "service[0].nodes=2",
                                       "sim.stop=40ms",
                                       "failure[0].kind=crash",
                                       "failure[0].node=service[0]",
                                       "failure[0].at=5ms"});
    const MetricSet& metrics = record.outcome.metrics;
    const auto values = ValuesOf(record.outcome.series, MS);
    const auto sum = [&](const char* name)
    {
        return std::accumulate(values.at(name).begin(), values.at(name).end(), std::int64_t{0});
    };
    EXPECT_GT(metrics.ValueOr0("packets.dropped"), 100);
    EXPECT_EQ(sum("packets.delivered"), metrics.ValueOr0("packets.delivered"));
    EXPECT_EQ(sum("packets.dropped"), metrics.ValueOr0("packets.dropped"));
    EXPECT_EQ(sum("sessions.established"), metrics.ValueOr0("sessions.established"));
    EXPECT_EQ(sum("sync.bytes"), metrics.ValueOr0("sync.bytes"));
    EXPECT_EQ(values.at("sessions.lost").back(), metrics.ValueOr0("sessions.lost"));
    EXPECT_EQ(values.at("sessions.lost")[3], 0) << "before the crash";
    EXPECT_EQ(values.at("sessions.active").back(), 0);
    EXPECT_EQ(values.at("sessions.held").back(), 0);
}

} // namespace
} // namespace flowchain
