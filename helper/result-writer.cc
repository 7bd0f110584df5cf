// SPDX-License-Identifier: GPL-2.0-only
#include "result-writer.h"

#include "run-record.h"
#include "scenario-reader.h"
#include "units.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace flowchain
{

namespace
{

using Json = nlohmann::ordered_json;

constexpr int SCHEMA_VERSION = 1;

/** An object with one line for each metric. */
std::string
MetricsJson(const MetricSet& metrics)
{
    std::string json;
    for (const auto& [place, metric] : metrics.All())
    {
        json += fmt::format("{}    {}: {{\"value\": {}, \"unit\": {}, \"meaning\": {}}}",
                            json.empty() ? "\n" : ",\n",
                            JsonText(metric.declaration->name),
                            ValueJson(metric),
                            JsonText(metric.declaration->unit),
                            JsonText(metric.declaration->meaning));
    }
    return json.empty() ? "{}" : fmt::format("{{{}\n  }}", json);
}

Json
ExpectationsJson(const std::vector<ExpectationOutcome>& outcomes)
{
    auto list = Json::array();
    for (const auto& outcome : outcomes)
    {
        Json json = {{"metric", outcome.expectation.metric},
                     {"comparison", outcome.expectation.comparison},
                     {"value", outcome.expectation.value},
                     {"actual", outcome.actual},
                     {"holds", outcome.holds}};
        if (!outcome.expectation.known.empty())
        {
            json["known"] = outcome.expectation.known;
        }
        list.push_back(std::move(json));
    }
    return list;
}

Json
ServicesJson(const std::vector<ServiceOutcome>& services)
{
    auto list = Json::array();
    for (const auto& service : services)
    {
        const auto& traffic = service.traffic;
        list.push_back({{"name", service.name},
                        {"kind", service.kind},
                        {"sessions.started", traffic.sessionsStarted},
                        {"sessions.established", traffic.sessionsEstablished},
                        {"sessions.completed", traffic.sessionsCompleted},
                        {"sessions.lost", service.sessionsLost},
                        {"sessions.broken", traffic.sessionsBroken},
                        {"packets.injected", traffic.packetsInjected},
                        {"packets.delivered", traffic.packetsDelivered}});
    }
    return list;
}

Json
CrashPointJson(const Scenario& scenario)
{
    const CrashPoint& point = *scenario.crashPoint;
    Json json = {{"boundary", point.boundary},
                 {"node", NodeName(MakeDirectories(scenario).network, point.node)}};
    if (point.recoverAfter)
    {
        json["recover_after"] = FormatDuration(*point.recoverAfter);
    }
    return json;
}

/** One line for each link. */
std::string
LinksJson(const std::vector<LinkData>& links)
{
    std::string json;
    for (const LinkData& link : links)
    {
        TrafficCounters sum;
        Json traffic;
        for (std::size_t i = 0; i < TRAFFIC_CLASS_COUNT; ++i)
        {
            const TrafficCounters& counters = link.traffic[i];
            sum.frames += counters.frames;
            sum.bytes += counters.bytes;
            traffic[ToString(static_cast<TrafficClass>(i))] = {{"frames", counters.frames},
                                                               {"bytes", counters.bytes}};
        }
        auto drops = Json::object();
        for (std::size_t i = 0; i < DROP_REASON_COUNT; ++i)
        {
            if (link.drops[i] != 0)
            {
                drops[ToString(static_cast<DropReason>(i))] = link.drops[i];
            }
        }
        const Json line = {{"from", link.from},
                           {"to", link.to},
                           {"class", link.isHostLink ? "host" : "fabric"},
                           {"frames", sum.frames},
                           {"bytes", sum.bytes},
                           {"traffic", std::move(traffic)},
                           {"drops", std::move(drops)},
                           {"utilisation", link.utilisationPermille},
                           {"queue_mean", link.queueFramesMeanMilli},
                           {"queue_max", link.queueFramesMax}};
        json += (json.empty() ? "\n    " : ",\n    ") + line.dump();
    }
    return json.empty() ? "[]" : "[" + json + "\n  ]";
}

/** A list with one line for each event. */
std::string
EventsJson(const std::vector<EventData>& events)
{
    std::string json;
    for (const EventData& event : events)
    {
        json += fmt::format("{}    {{\"time\": {}, \"kind\": {}, \"node\": {}, \"detail\": {}}}",
                            json.empty() ? "\n" : ",\n",
                            FormatNanoseconds(event.time.time_since_epoch().count()),
                            JsonText(event.kind),
                            JsonText(event.node),
                            JsonText(event.detail));
    }
    return json.empty() ? "[]" : fmt::format("[{}\n  ]", json);
}

Json
BuildJson(const BuildInfo& build)
{
    return {{"version", build.version},
            {"compiler", build.compiler},
            {"build_type", build.buildType},
            {"commit", build.commit},
            {"ns3_version", build.ns3Version}};
}

Json
RunJson(const RunReport& report)
{
    return {{"wall_seconds", report.outcome.wallSeconds},
            {"cpu_seconds", report.outcome.cpuSeconds},
            {"packet_hops_per_second", report.PacketHopsPerSecond()},
            {"host", HostName()}};
}

[[noreturn]] void
ThrowUnwritable(const std::string& path, const std::string& cause)
{
    throw std::runtime_error(fmt::format("{}: cannot write: {}", path, cause));
}

} // namespace

std::string
JsonText(const std::string& text)
{
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string
ValueJson(const Metric& metric)
{
    // Durations are written by hand: their decimals are exact.
    return metric.declaration->type == MetricType::TEXT ? JsonText(metric.text)
                                                        : metric.ValueText();
}

ExitCode
RunReport::Exit() const
{
    if (!outcome.violations.empty() && !KnowsViolations(expectations))
    {
        return EXIT_INVARIANT_VIOLATED;
    }
    return std::ranges::any_of(expectations, &ExpectationOutcome::IsWrong) ? EXIT_EXPECTATION_FAILED
                                                                           : EXIT_ALL_HOLD;
}

double
RunReport::PacketHopsPerSecond() const
{
    const auto hops = static_cast<double>(outcome.metrics.ValueOr0("fabric.packet_hops"));
    return outcome.wallSeconds > 0 ? hops / outcome.wallSeconds : 0;
}

std::string
ResultJson(const RunReport& report)
{
    const auto text = [](const Json& json)
    {
        auto dump = json.dump(2, ' ', false, Json::error_handler_t::replace);
        for (std::size_t i = 0; (i = dump.find('\n', i)) != std::string::npos; i += 3)
        {
            dump.insert(i + 1, "  ");
        }
        return dump;
    };
    const auto& scenario = report.scenario;
    Json scenarioJson = {
        {"name", scenario.name}, {"seed", scenario.sim.seed}, {"toml", ResolvedToml(scenario)}};
    if (!scenario.sim.defects.empty())
    {
        scenarioJson["planted_defects"] = scenario.sim.defects;
    }
    if (scenario.crashPoint)
    {
        scenarioJson["crash_point"] = CrashPointJson(scenario);
    }
    std::string json = "{\n";
    const auto member = [&json](const char* name, const std::string& value, bool last = false)
    {
        json += fmt::format("  \"{}\": {}{}\n", name, value, last ? "" : ",");
    };
    member("schema", fmt::format("{}", SCHEMA_VERSION));
    member("scenario", text(scenarioJson));
    member("build", text(BuildJson(report.build)));
    member("exit_code", fmt::format("{}", static_cast<int>(report.Exit())));
    member("metrics", MetricsJson(report.outcome.metrics));
    member("services", text(ServicesJson(report.outcome.services)));
    member("links", LinksJson(report.outcome.links));
    member("links_left_out", fmt::format("{}", report.outcome.linksLeftOut));
    member("events", EventsJson(report.outcome.timeline));
    member("expectations", text(ExpectationsJson(report.expectations)));
    member("violations", text(Json(report.outcome.violations)));
    member("run", text(RunJson(report)), true);
    return json + "}\n";
}

std::string
WriteResult(const RunReport& report)
{
    const std::filesystem::path directory(report.scenario.output.directory);
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error)
    {
        ThrowUnwritable(directory.string(), error.message());
    }
    const auto path = (directory / "result.json").string();
    const auto partial = path + ".partial";
    errno = 0;
    std::ofstream file(partial, std::ios::binary | std::ios::trunc);
    file << ResultJson(report);
    file.close();
    if (!file)
    {
        const std::string cause = std::strerror(errno);
        std::filesystem::remove(partial, error);
        ThrowUnwritable(path, cause);
    }
    std::filesystem::rename(partial, path, error);
    if (error)
    {
        ThrowUnwritable(path, error.message());
    }
    return path;
}

} // namespace flowchain
