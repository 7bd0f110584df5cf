// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_DIAGNOSTICS_H
#define FLOWCHAIN_SCENARIO_DIAGNOSTICS_H

#include <toml++/toml.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

/** A step of a dotted path: a key, or an index in brackets. */
struct PathStep
{
    std::string key;
    std::size_t index = 0;
    bool isIndex = false;
};

/** "workload[0].rate" in steps; an empty result is a malformed path. */
std::vector<PathStep> SplitPath(std::string_view path);

/**
 * Collects what is wrong with a scenario. Each fault names a dotted path; its place is found by
 * walking the TOML tree as far as the path leads, or is the override that has set the value.
 */
class ScenarioDiagnostics
{
  public:
    /** @param root must outlive this object; it may change while nothing is reported */
    ScenarioDiagnostics(const toml::table& root, std::string file);

    /** From now on the value at `path` comes from the command line. */
    void NoteOverride(std::string path);

    /** A fault of the value at `path`, or of its absence. */
    void Add(const std::string& path, const std::string& message);
    /** A fault at a known place of the file, unless an override has made it. */
    void
    AddAt(const toml::source_region& place, const std::string& path, const std::string& message);
    /** A fault of an override that changed nothing. */
    void AddOverrideFault(const std::string& path, const std::string& message);

    /** @returns whether no fault was reported for these paths or a section around one of them. */
    bool Sound(std::initializer_list<std::string> paths) const;

    /** @throws ScenarioError if anything was reported, in the order of the file, overrides last. */
    void ThrowIfAny() const;

  private:
    struct Fault
    {
        toml::source_index line; ///< the largest value for an override
        toml::source_index column;
        std::string path;
        std::string text;
    };

    /** The override that has set the value at `path`, or that has made a table on the way to it. */
    const std::string* OverrideOf(const std::string& path, bool ancestors) const;
    toml::source_position Locate(const std::string& path) const;
    void Report(toml::source_position place, const std::string& path, const std::string& message);

    const toml::table& m_root;
    std::string m_file;
    std::vector<std::string> m_overrides;
    std::vector<Fault> m_faults;
};

} // namespace flowchain

#endif
