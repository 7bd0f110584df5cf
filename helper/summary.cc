// SPDX-License-Identifier: GPL-2.0-only
#include "summary.h"

#include "spelling.h"
#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace flowchain
{

namespace
{

/** Lines with a heading in front of the first of a paragraph. */
class Lines
{
  public:
    template <typename... Arguments>
    void Add(std::string_view heading, fmt::format_string<Arguments...> format, Arguments&&... a)
    {
        fmt::format_to(std::back_inserter(m_text), "{:<13}", heading);
        fmt::format_to(std::back_inserter(m_text), format, std::forward<Arguments>(a)...);
        m_text += '\n';
    }

    void Blank()
    {
        m_text += '\n';
    }

    const std::string& Text() const
    {
        return m_text;
    }

  private:
    std::string m_text;
};

/** 1234567 as "1,234,567" */
std::string
Grouped(std::int64_t value)
{
    auto text = fmt::format("{}", value);
    const std::size_t digits = value < 0 ? 1 : 0;
    for (auto i = text.size(); i > digits + 3; i -= 3)
    {
        text.insert(i - 3, 1, ',');
    }
    return text;
}

/** The metric for people, or "-" if it was not measured. */
std::string
Show(const MetricSet& metrics, const std::string& name)
{
    const auto* metric = metrics.Find(name);
    if (metric == nullptr)
    {
        return "-";
    }
    switch (metric->declaration->type)
    {
    case MetricType::DURATION:
        return ReadableDuration(metric->value);
    case MetricType::INTEGER:
        return Grouped(metric->value);
    case MetricType::TEXT:
        return metric->text;
    }
    return "-";
}

std::string
SchemeText(const ChainSection& chain)
{
    const auto position =
        chain.position == 0 ? std::string{"the tail"} : fmt::format("{}", chain.position);
    return chain.scheme == "none" ? std::string{"none"}
                                  : fmt::format("chain of {}, second manager at {}, release {}",
                                                chain.length,
                                                position,
                                                chain.release);
}

/** What is measured here must not be taken for the protocol's. */
void
AddDefects(Lines& lines, const Scenario& scenario)
{
    if (!scenario.sim.defects.empty())
    {
        lines.Add("DEFECTS",
                  "planted on purpose: {}; the numbers say nothing about the protocol",
                  Join(scenario.sim.defects, ", "));
    }
}

void
AddTitle(Lines& lines, const RunReport& report)
{
    const auto& s = report.scenario;
    AddDefects(lines, s);
    lines.Add("scenario", "{}, seed {}", s.name, s.sim.seed);
    const char* heading = "system";
    for (const auto& line : SystemLines(s))
    {
        lines.Add(heading, "{}", line);
        heading = "";
    }
    heading = "scheme";
    const bool isShared = std::none_of(s.services.begin(),
                                       s.services.end(),
                                       [](const ServiceSection& service)
                                       {
        return service.ownChain;
    });
    for (const auto& service : s.services)
    {
        const auto owner = isShared ? "" : service.name + ": ";
        if (!isShared || &service == &s.services.front())
        {
            lines.Add(heading, "{}{}", owner, SchemeText(service.chain));
            heading = "";
        }
    }
    lines.Add("network", "{}", NetworkLine(s));
}

void
AddServices(Lines& lines, const std::vector<ServiceOutcome>& services)
{
    if (services.size() < 2)
    {
        return;
    }
    const char* heading = "services";
    for (const auto& service : services)
    {
        const auto& traffic = service.traffic;
        lines.Add(heading,
                  "{}: {} sessions started, {} completed, {} lost, {} broken",
                  service.name,
                  Grouped(static_cast<std::int64_t>(traffic.sessionsStarted)),
                  Grouped(static_cast<std::int64_t>(traffic.sessionsCompleted)),
                  Grouped(static_cast<std::int64_t>(service.sessionsLost)),
                  Grouped(static_cast<std::int64_t>(traffic.sessionsBroken)));
        heading = "";
    }
}

void
AddCounts(Lines& lines, const MetricSet& m)
{
    lines.Add("sessions",
              "{} started, {} established, {} completed",
              Show(m, "sessions.started"),
              Show(m, "sessions.established"),
              Show(m, "sessions.completed"));
    lines.Add("", "{} lost, {} broken", Show(m, "sessions.lost"), Show(m, "sessions.broken"));
    lines.Add("packets",
              "{} injected, {} delivered, {} dropped, {} in flight",
              Show(m, "packets.injected"),
              Show(m, "packets.delivered"),
              Show(m, "packets.dropped"),
              Show(m, "packets.in_flight"));
    if (m.ValueOr0("packets.not_replayed") != 0)
    {
        lines.Add("", "{} captured but not replayed", Show(m, "packets.not_replayed"));
    }
    static const std::string DROPPED = "packets.dropped.";
    for (const auto& [place, metric] : m.All())
    {
        const auto& name = metric.declaration->name;
        if (name.starts_with(DROPPED) && metric.value != 0)
        {
            lines.Add("", "{:>12} {}", Grouped(metric.value), name.substr(DROPPED.size()));
        }
    }
}

void
AddLatencies(Lines& lines, const MetricSet& m)
{
    static const std::pair<const char*, const char*> SEGMENTS[] = {
        {"first_packet", "first packet"},
        {"accelerator", "accelerator"},
        {"manager", "manager"},
        {"service", "service node"},
        {"chain", "chain"},
        {"fan_out", "fan-out"},
        {"reverse", "reverse entry"},
        {"release", "release"},
    };
    bool headed = false;
    for (const auto& [segment, title] : SEGMENTS)
    {
        const auto prefix = fmt::format("latency.{}.", segment);
        if (m.ValueOr0(prefix + "count") == 0)
        {
            continue;
        }
        if (!headed)
        {
            lines.Add("latency",
                      "{:<13}{:>10}{:>13}{:>13}{:>13}{:>13}",
                      "",
                      "sessions",
                      "p50",
                      "p90",
                      "p99",
                      "max");
            headed = true;
        }
        lines.Add("",
                  "{:<13}{:>10}{:>13}{:>13}{:>13}{:>13}",
                  title,
                  Show(m, prefix + "count"),
                  Show(m, prefix + "p50"),
                  Show(m, prefix + "p90"),
                  Show(m, prefix + "p99"),
                  Show(m, prefix + "max"));
    }
}

void
AddJudgement(Lines& lines, const RunReport& report)
{
    const auto& m = report.outcome.metrics;
    if (!report.scenario.failures.empty())
    {
        lines.Add("failover",
                  "detected in {}, recovered in {}",
                  Show(m, "failover.detection_time"),
                  Show(m, "failover.recovery_time"));
    }
    const char* heading = "expected";
    for (const auto& outcome : report.expectations)
    {
        const std::string& known = outcome.expectation.known;
        const char* const mark = outcome.IsWrong() ? "FAIL" : known.empty() ? "pass" : "known";
        const auto why = known.empty()   ? ""
                         : outcome.holds ? " (known to fail, but it holds)"
                                         : fmt::format(" ({})", known);
        lines.Add(heading, "{} {}: {}{}", mark, outcome.Text(), outcome.actual, why);
        heading = "";
    }
    static const std::string CHECKS = "observer.checks.";
    std::int64_t checks = 0;
    for (const auto& [place, metric] : m.All())
    {
        checks += metric.declaration->name.starts_with(CHECKS) ? metric.value : 0;
    }
    lines.Add(
        "invariants", "{} checks, {} violated", Grouped(checks), report.outcome.violations.size());
    constexpr std::size_t VIOLATIONS_SHOWN_MAX = 10;
    for (std::size_t i = 0; i < report.outcome.violations.size() && i < VIOLATIONS_SHOWN_MAX; ++i)
    {
        lines.Add("", "VIOLATED {}", report.outcome.violations[i]);
    }
}

} // namespace

std::string
Summary(const RunReport& report)
{
    Lines lines;
    AddTitle(lines, report);
    lines.Blank();
    AddCounts(lines, report.outcome.metrics);
    AddServices(lines, report.outcome.services);
    AddLatencies(lines, report.outcome.metrics);
    lines.Blank();
    AddJudgement(lines, report);
    lines.Add("run",
              "{} simulated in {:.2f} s ({:.2f} s of CPU), {} events, {} packet-hops/s",
              FormatDuration(report.scenario.sim.stop),
              report.outcome.wallSeconds,
              report.outcome.cpuSeconds,
              Grouped(static_cast<std::int64_t>(report.outcome.events)),
              Grouped(static_cast<std::int64_t>(report.PacketHopsPerSecond())));
    lines.Add("digest", "{}", report.outcome.digest);
    AddDefects(lines, report.scenario);
    return lines.Text();
}

} // namespace flowchain
