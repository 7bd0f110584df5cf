// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-reader.h"

#include "scenario-check.h"
#include "scenario-override.h"
#include "scenario-toml-visitor.h"
#include "spelling.h"

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

std::string
ReadText(const std::string& path)
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

/** The number of service groups and accelerators is fixed by what is modelled. */
void
CheckCounts(const toml::table& root, const Scenario& scenario, ScenarioDiagnostics& diagnostics)
{
    const auto* services = root.get_as<toml::array>("service");
    const auto count = services == nullptr ? 0 : services->size();
    if (count != 1 && diagnostics.Sound({"service"}))
    {
        diagnostics.Add(count == 0 ? "service" : "service[1]",
                        fmt::format("exactly one [[service]] is needed, found {}", count));
    }
    if (scenario.accelerators.empty() && diagnostics.Sound({"accelerator"}))
    {
        diagnostics.Add("accelerator", "at least one [[accelerator]] is needed");
    }
}

} // namespace

ScenarioError::ScenarioError(std::vector<std::string> messages)
    : std::runtime_error(Join(messages, "\n"))
    , m_messages(std::move(messages))
{
}

Scenario
ReadScenario(const std::string& path, const std::vector<std::string>& overrides)
{
    return ParseScenario(ReadText(path), path, overrides);
}

Scenario
ParseScenario(std::string_view text,
              const std::string& path,
              const std::vector<std::string>& overrides)
{
    auto root = ParseTree(text, path);
    ScenarioDiagnostics diagnostics(root, path);
    for (const auto& override : overrides)
    {
        ApplyOverride(root, override, diagnostics);
    }
    Scenario scenario;
    scenario.path = path;
    scenario.output.directory.clear(); // the default depends on the name
    ScenarioTomlVisitor visitor(root, diagnostics);
    VisitScenario(visitor, scenario);
    visitor.ReportUnknownSections();
    CheckCounts(root, scenario, diagnostics);
    CheckScenario(scenario, diagnostics);
    diagnostics.ThrowIfAny();
    return scenario;
}

} // namespace flowchain
