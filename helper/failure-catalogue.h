// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAILURE_CATALOGUE_H
#define FLOWCHAIN_FAILURE_CATALOGUE_H

#include "result-writer.h"
#include "run-record.h"
#include "scenario.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace flowchain
{

/** What became of one scenario under one scheme; the worst that holds. */
enum class CatalogueOutcome : std::uint8_t
{
    OK,         ///< no session was lost or broken
    BROKEN,     ///< packets of a session were lost, or came changed; no session was lost
    LOST,       ///< the state of a released session is gone
    NOT_HIT,    ///< the scheme has no such step, or no such node: the failure has not happened
    VIOLATED,   ///< an invariant was found broken; that has ended the run
    FAILED,     ///< the run has not come to its end
    IMPOSSIBLE, ///< with this scheme the file is no scenario
};

constexpr std::size_t CATALOGUE_OUTCOME_COUNT = 7;

/** "ok", "broken", "lost", "not hit", "violated", "failed", "impossible" */
const char* ToString(CatalogueOutcome outcome);

/** One scenario of a folder under one scheme. */
struct CatalogueRun
{
    std::string name; ///< of the scenario
    std::string scheme;
    Scenario scenario;
    std::string error; ///< not empty: it is impossible, or has failed, and this is why
    bool isPossible = true;
    RunRecord record; ///< of a possible one, once it has run: without histograms, series, events

    CatalogueOutcome Outcome() const;
};

/** Every scenario of a folder under every scheme. */
struct Catalogue
{
    std::string folder;
    std::vector<std::string> schemes;
    std::vector<std::string> names;
    /** By scenario, in the order of their names, then by scheme. */
    std::vector<CatalogueRun> runs;

    const CatalogueRun& RunOf(std::size_t name, std::size_t scheme) const
    {
        return runs[name * schemes.size() + scheme];
    }

    /** EXIT_INVARIANT_VIOLATED if one has violated an invariant, else EXIT_BAD_INPUT if one has
     * failed. Sessions that are lost or broken are what the catalogue asks about. */
    ExitCode Exit() const;
};

/**
 * Read every `*.toml` of a folder (not of those in it) under every scheme.
 * @param schemes their names; empty: all that there are
 * @param overrides of each scenario
 * @throws ScenarioError if the folder has none, a scheme is unknown or stands there twice, or one
 * of the files is no scenario under its own scheme
 */
Catalogue ReadCatalogue(const std::string& folder,
                        const std::vector<std::string>& schemes,
                        const std::vector<std::string>& overrides);

/**
 * Run all that is possible, each in a process of its own; the caller must not have run a
 * simulation itself.
 * @param jobs at the same time, at least 1
 * @param onDone is called after each with the number of finished runs and of all; may be empty
 * @throws std::runtime_error if no process can be made
 */
void RunCatalogue(Catalogue& catalogue,
                  std::size_t jobs,
                  const std::function<void(std::size_t, std::size_t)>& onDone);

} // namespace flowchain

#endif
