// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-reader.h"

#include "scenario-check.h"
#include "scenario-override.h"
#include "scenario-toml-visitor.h"
#include "spelling.h"
#include "sweep-reader.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace flowchain
{

namespace
{

toml::table
ParseTree(std::string_view text, const std::string& path)
{
    try
    {
        return toml::parse(text, std::string_view{path});
    }
    catch (const toml::parse_error& error)
    {
        const auto place = error.source().begin;
        throw ScenarioError({fmt::format(
            "{}:{}:{}: error: {}", path, place.line, place.column, error.description())});
    }
}

/** A text with overrides in it, and what is wrong with them. */
struct ScenarioTree
{
    ScenarioTree(std::string_view text,
                 const std::string& path,
                 const std::vector<std::string>& overrides)
        : root(ParseTree(text, path))
        , diagnostics(root, path)
    {
        for (const auto& override : overrides)
        {
            ApplyOverride(root, override, diagnostics);
        }
    }

    ScenarioTree(const ScenarioTree&) = delete; // diagnostics refer to root
    ScenarioTree& operator=(const ScenarioTree&) = delete;

    toml::table root;
    ScenarioDiagnostics diagnostics;
};

/** Whether there is enough to make a system of. */
void
CheckCounts(const Scenario& scenario, ScenarioDiagnostics& diagnostics)
{
    if (scenario.services.empty() && diagnostics.Sound({"service"}))
    {
        diagnostics.Add("service", "at least one [[service]] is needed");
    }
    if (!diagnostics.Sound({"accelerator"}))
    {
        return;
    }
    bool isShared = scenario.services.empty();
    for (std::size_t i = 0; i < scenario.services.size(); ++i)
    {
        const auto& service = scenario.services[i];
        isShared = isShared || !service.ownAccelerators;
        const auto own = fmt::format("service[{}].accelerator", i);
        if (service.ownAccelerators && service.accelerators.empty() && diagnostics.Sound({own}))
        {
            diagnostics.Add(own, "at least one [[service.accelerator]] is needed");
        }
    }
    if (isShared && scenario.accelerators.empty())
    {
        diagnostics.Add("accelerator", "at least one [[accelerator]] is needed");
    }
    if (!isShared && !scenario.accelerators.empty())
    {
        diagnostics.Add("accelerator", "every [[service]] has accelerators of its own");
    }
}

} // namespace

ScenarioError::ScenarioError(std::vector<std::string> messages)
    : std::runtime_error(Join(messages, "\n"))
    , m_messages(std::move(messages))
{
}

std::string
ReadScenarioText(const std::string& path)
{
    if (std::error_code ignored; std::filesystem::is_directory(path, ignored))
    {
        throw ScenarioError({fmt::format("{}: is a directory", path)});
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file.is_open() || file.bad())
    {
        throw ScenarioError({fmt::format("{}: {}", path, std::strerror(errno))});
    }
    return text;
}

SweepSection
ReadSweepOf(std::string_view text,
            const std::string& path,
            const std::vector<std::string>& overrides)
{
    ScenarioTree tree(text, path, overrides);
    auto& [root, diagnostics] = tree;
    auto sweep = ReadSweep(root, path, diagnostics);
    diagnostics.ThrowIfAny();
    return sweep;
}

Scenario
ReadScenario(const std::string& path, const std::vector<std::string>& overrides)
{
    return ParseScenario(ReadScenarioText(path), path, overrides);
}

Scenario
ParseScenario(std::string_view text,
              const std::string& path,
              const std::vector<std::string>& overrides)
{
    ScenarioTree tree(text, path, overrides);
    auto& [root, diagnostics] = tree;
    Scenario scenario;
    scenario.path = path;
    scenario.output.directory.clear(); // the default depends on the name
    ScenarioTomlVisitor visitor(root, diagnostics);
    VisitScenario(visitor, scenario);
    scenario.sweep = ReadSweep(root, path, diagnostics);
    visitor.ReportUnknownSections();
    CheckCounts(scenario, diagnostics);
    CheckScenario(scenario, diagnostics);
    diagnostics.ThrowIfAny();
    return scenario;
}

} // namespace flowchain
