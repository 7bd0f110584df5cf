// SPDX-License-Identifier: GPL-2.0-only
#include "failure-catalogue.h"

#include "comparison.h"
#include "forked-runs.h"
#include "scenario-reader.h"
#include "spelling.h"
#include "sync-scheme.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <system_error>

namespace flowchain
{

namespace
{

namespace fs = std::filesystem;

std::vector<std::string>
AllSchemes()
{
    std::vector<std::string> names;
    for (const SyncScheme* scheme : SyncSchemes())
    {
        names.emplace_back(scheme->Name());
    }
    return names;
}

void
CheckSchemes(const std::vector<std::string>& schemes)
{
    const auto known = AllSchemes();
    std::set<std::string> seen;
    for (const std::string& name : schemes)
    {
        if (std::ranges::find(known, name) == known.end())
        {
            throw ScenarioError(
                {fmt::format("--schemes: unknown scheme \"{}\"{}", name, DidYouMean(name, known))});
        }
        if (!seen.insert(name).second)
        {
            throw ScenarioError({fmt::format("--schemes: {} stands there twice", name)});
        }
    }
}

std::vector<fs::path>
ScenariosIn(const std::string& folder)
{
    std::vector<fs::path> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
    {
        if (entry.path().extension() == ".toml")
        {
            files.push_back(entry.path());
        }
    }
    if (error)
    {
        throw ScenarioError({fmt::format("{}: {}", folder, error.message())});
    }
    if (files.empty())
    {
        throw ScenarioError({fmt::format("{}: there is no scenario in it", folder)});
    }
    std::ranges::sort(files);
    return files;
}

/** Whether all failures wait for a step or a node that a scheme may not have. */
bool
MayMiss(const Scenario& scenario)
{
    return !scenario.failures.empty() && std::ranges::all_of(scenario.failures,
                                                             [](const FailureSection& failure)
                                                             {
        return !failure.on.empty() || (failure.targets.empty() && !failure.roles.empty());
    });
}

/** Run, and keep what tables are made of. */
RunRecord
RunAlone(const Scenario& scenario)
{
    RunRecord record = RecordRun(scenario);
    record.outcome.histograms.clear();
    record.outcome.series.clear();
    record.outcome.timeline.clear();
    record.outcome.links.clear();
    return record;
}

} // namespace

const char*
ToString(CatalogueOutcome outcome)
{
    static constexpr std::array<const char*, CATALOGUE_OUTCOME_COUNT> NAMES = {
        "ok", "broken", "lost", "not hit", "violated", "failed", "impossible"};
    return NAMES[static_cast<std::size_t>(outcome)];
}

CatalogueOutcome
CatalogueRun::Outcome() const
{
    const MetricSet& metrics = record.outcome.metrics;
    if (!isPossible)
    {
        return CatalogueOutcome::IMPOSSIBLE;
    }
    if (!error.empty())
    {
        return CatalogueOutcome::FAILED;
    }
    if (!record.outcome.violations.empty())
    {
        return CatalogueOutcome::VIOLATED;
    }
    if (metrics.ValueOr0("failures.struck") + metrics.ValueOr0("failures.of_links") == 0 &&
        MayMiss(scenario))
    {
        return CatalogueOutcome::NOT_HIT;
    }
    return metrics.ValueOr0("sessions.lost") != 0     ? CatalogueOutcome::LOST
           : metrics.ValueOr0("sessions.broken") != 0 ? CatalogueOutcome::BROKEN
                                                      : CatalogueOutcome::OK;
}

ExitCode
Catalogue::Exit() const
{
    const auto has = [&](CatalogueOutcome outcome)
    {
        return std::ranges::any_of(runs,
                                   [&](const CatalogueRun& run)
                                   {
            return run.Outcome() == outcome;
        });
    };
    return has(CatalogueOutcome::VIOLATED) ? EXIT_INVARIANT_VIOLATED
           : has(CatalogueOutcome::FAILED) ? EXIT_BAD_INPUT
                                           : EXIT_ALL_HOLD;
}

Catalogue
ReadCatalogue(const std::string& folder,
              const std::vector<std::string>& schemes,
              const std::vector<std::string>& overrides)
{
    CheckSchemes(schemes);
    Catalogue catalogue;
    catalogue.folder = folder;
    catalogue.schemes = schemes.empty() ? AllSchemes() : schemes;
    for (const fs::path& file : ScenariosIn(folder))
    {
        catalogue.names.push_back(ReadScenario(file.string(), overrides).name);
        for (const std::string& scheme : catalogue.schemes)
        {
            CatalogueRun& run = catalogue.runs.emplace_back();
            run.name = catalogue.names.back();
            run.scheme = scheme;
            auto all = overrides;
            all.push_back(std::string(SCHEME_KEY) + "=" + scheme);
            try
            {
                run.scenario = ReadScenario(file.string(), all);
                run.scenario.output.pcap.clear();
            }
            catch (const ScenarioError& error)
            {
                run.isPossible = false;
                run.error = error.Messages().front();
            }
        }
    }
    return catalogue;
}

void
RunCatalogue(Catalogue& catalogue,
             std::size_t jobs,
             const std::function<void(std::size_t, std::size_t)>& onDone)
{
    std::vector<CatalogueRun*> possible;
    for (CatalogueRun& run : catalogue.runs)
    {
        if (run.isPossible)
        {
            possible.push_back(&run);
        }
    }
    auto records = RunForked(
        possible.size(),
        jobs,
        [&](std::size_t i)
        {
        return RunAlone(possible[i]->scenario);
        },
        [&](std::size_t done)
        {
        if (onDone)
        {
            onDone(done, possible.size());
        }
    });
    for (std::size_t i = 0; i < possible.size(); ++i)
    {
        possible[i]->error = records[i].error;
        possible[i]->record = std::move(records[i]);
    }
}

} // namespace flowchain
