// SPDX-License-Identifier: GPL-2.0-only
#include "run-record.h"

#include "result-writer.h"

#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <fmt/chrono.h>
#include <stdexcept>
#include <sys/resource.h>
#include <unistd.h>

namespace flowchain
{

namespace
{

using Json = nlohmann::json;

Json
ToJson(const MetricSet& metrics)
{
    auto json = Json::object();
    for (const auto& [place, metric] : metrics.All())
    {
        json[metric.declaration->name] =
            metric.declaration->type == MetricType::TEXT ? Json(metric.text) : Json(metric.value);
    }
    return json;
}

MetricSet
MetricsFromJson(const Json& json)
{
    MetricSet metrics;
    for (const auto& [name, value] : json.items())
    {
        const auto* declaration = FindMetric(name);
        if (declaration == nullptr)
        {
            throw std::runtime_error("no metric '" + name + "'");
        }
        switch (declaration->type)
        {
        case MetricType::INTEGER:
            metrics.Set(name, value.get<std::int64_t>());
            break;
        case MetricType::DURATION:
            metrics.Set(name, Duration{value.get<std::int64_t>()});
            break;
        case MetricType::TEXT:
            metrics.SetText(name, value.get<std::string>());
            break;
        }
    }
    return metrics;
}

Json
ToJson(const HistogramData& histogram)
{
    auto bins = Json::array();
    for (const HistogramBin& bin : histogram.bins)
    {
        bins.push_back({bin.lower, bin.upper, bin.count});
    }
    return {histogram.name,
            histogram.count,
            histogram.min,
            histogram.max,
            histogram.mean,
            std::move(bins)};
}

HistogramData
HistogramFromJson(const Json& json)
{
    HistogramData histogram{.name = json.at(0),
                            .count = json.at(1),
                            .min = json.at(2),
                            .max = json.at(3),
                            .mean = json.at(4),
                            .bins = {}};
    for (const Json& bin : json.at(5))
    {
        histogram.bins.push_back({bin.at(0), bin.at(1), bin.at(2)});
    }
    return histogram;
}

Json
ToJson(const LinkData& link)
{
    auto traffic = Json::array();
    for (const TrafficCounters& counters : link.traffic)
    {
        traffic.push_back({counters.frames, counters.bytes});
    }
    return {link.from,
            link.to,
            link.isHostLink,
            std::move(traffic),
            link.drops,
            link.utilisationPermille,
            link.queueFramesMeanMilli,
            link.queueFramesMax};
}

LinkData
LinkFromJson(const Json& json)
{
    LinkData link{.from = json.at(0),
                  .to = json.at(1),
                  .isHostLink = json.at(2),
                  .drops = json.at(4),
                  .utilisationPermille = json.at(5),
                  .queueFramesMeanMilli = json.at(6),
                  .queueFramesMax = json.at(7)};
    for (std::size_t i = 0; i < link.traffic.size(); ++i)
    {
        link.traffic[i] = {json.at(3).at(i).at(0), json.at(3).at(i).at(1)};
    }
    return link;
}

Json
ToJson(const SeriesData& series)
{
    auto samples = Json::array();
    for (const auto& sample : series.samples)
    {
        samples.push_back({sample.time.time_since_epoch().count(), sample.value});
    }
    return {series.name, std::move(samples)};
}

SeriesData
SeriesFromJson(const Json& json)
{
    SeriesData series{.name = json.at(0), .samples = {}};
    for (const Json& sample : json.at(1))
    {
        series.samples.push_back(
            {Instant(Duration{sample.at(0).get<std::int64_t>()}), sample.at(1)});
    }
    return series;
}

Json
ToJson(const EventData& event)
{
    return {event.time.time_since_epoch().count(), event.kind, event.node, event.detail};
}

EventData
EventFromJson(const Json& json)
{
    return {Instant(Duration{json.at(0).get<std::int64_t>()}), json.at(1), json.at(2), json.at(3)};
}

Json
ToJson(const ExpectationOutcome& outcome)
{
    const ExpectSection& expectation = outcome.expectation;
    return {expectation.metric,
            expectation.comparison,
            expectation.value,
            expectation.number,
            expectation.isDuration,
            expectation.known,
            expectation.line,
            outcome.actual,
            outcome.holds};
}

ExpectationOutcome
ExpectationFromJson(const Json& json)
{
    return {.expectation = {.metric = json.at(0),
                            .comparison = json.at(1),
                            .value = json.at(2),
                            .number = json.at(3),
                            .isDuration = json.at(4),
                            .known = json.at(5),
                            .line = json.at(6)},
            .actual = json.at(7),
            .holds = json.at(8)};
}

template <typename Item>
Json
ListToJson(const std::vector<Item>& items)
{
    auto list = Json::array();
    for (const Item& item : items)
    {
        list.push_back(ToJson(item));
    }
    return list;
}

template <typename Item>
std::vector<Item>
ListFromJson(const Json& list, Item (*fromJson)(const Json&))
{
    std::vector<Item> items;
    for (const Json& json : list)
    {
        items.push_back(fromJson(json));
    }
    return items;
}

/** Texts may hold a file name that is no UTF-8, which CBOR's text strings may not. */
std::string
Printable(const std::string& text)
{
    return Json::parse(JsonText(text)).get<std::string>();
}

} // namespace

std::string
UtcNow()
{
    const auto now =
        std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    return fmt::format("{:%FT%TZ}", fmt::gmtime(now));
}

std::string
HostName()
{
    std::array<char, 256> host{};
    return gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "unknown";
}

RunRecord
MakeRecord(const Scenario& scenario, RunOutcome outcome, std::string started)
{
    RunReport report;
    report.expectations = EvaluateExpectations(scenario, outcome.metrics);
    report.outcome = std::move(outcome);
    RunRecord record;
    record.exitCode = report.Exit();
    record.outcome = std::move(report.outcome);
    record.expectations = std::move(report.expectations);
    record.host = HostName();
    record.started = std::move(started);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    record.memoryBytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    return record;
}

RunRecord
RecordRun(const Scenario& scenario)
{
    auto started = UtcNow();
    return MakeRecord(scenario, RunScenario(scenario, nullptr), std::move(started));
}

std::string
EncodeRecord(const RunRecord& record)
{
    const RunOutcome& outcome = record.outcome;
    auto violations = Json::array();
    for (const auto& violation : outcome.violations)
    {
        violations.push_back(Printable(violation));
    }
    const Json json = {{"error", Printable(record.error)},
                       {"metrics", ToJson(outcome.metrics)},
                       {"histograms", ListToJson(outcome.histograms)},
                       {"series", ListToJson(outcome.series)},
                       {"timeline", ListToJson(outcome.timeline)},
                       {"links", ListToJson(outcome.links)},
                       {"links_left_out", outcome.linksLeftOut},
                       {"violations", std::move(violations)},
                       {"digest", outcome.digest},
                       {"events", outcome.events},
                       {"wall_seconds", outcome.wallSeconds},
                       {"cpu_seconds", outcome.cpuSeconds},
                       {"expectations", ListToJson(record.expectations)},
                       {"exit_code", record.exitCode},
                       {"host", record.host},
                       {"started", record.started},
                       {"memory_bytes", record.memoryBytes}};
    std::string bytes;
    Json::to_cbor(json, bytes);
    return bytes;
}

RunRecord
DecodeRecord(std::string_view bytes)
{
    try
    {
        const Json json = Json::from_cbor(bytes);
        RunRecord record;
        RunOutcome& outcome = record.outcome;
        record.error = json.at("error");
        outcome.metrics = MetricsFromJson(json.at("metrics"));
        outcome.histograms = ListFromJson(json.at("histograms"), HistogramFromJson);
        outcome.series = ListFromJson(json.at("series"), SeriesFromJson);
        outcome.timeline = ListFromJson(json.at("timeline"), EventFromJson);
        outcome.links = ListFromJson(json.at("links"), LinkFromJson);
        outcome.linksLeftOut = json.at("links_left_out");
        outcome.violations = json.at("violations").get<std::vector<std::string>>();
        outcome.digest = json.at("digest");
        outcome.events = json.at("events");
        outcome.wallSeconds = json.at("wall_seconds");
        outcome.cpuSeconds = json.at("cpu_seconds");
        record.expectations = ListFromJson(json.at("expectations"), ExpectationFromJson);
        record.exitCode = json.at("exit_code");
        record.host = json.at("host");
        record.started = json.at("started");
        record.memoryBytes = json.at("memory_bytes");
        return record;
    }
    catch (const Json::exception& error)
    {
        throw std::runtime_error(std::string("no record of a run: ") + error.what());
    }
}

} // namespace flowchain
