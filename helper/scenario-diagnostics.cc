// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-diagnostics.h"

#include "scenario-reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace flowchain
{

namespace
{

constexpr std::size_t FAULTS_SHOWN_MAX = 20;
constexpr auto BEHIND_THE_FILE = std::numeric_limits<toml::source_index>::max();

/** Whether `path` is `prefix` or lies in it. */
bool
IsWithin(std::string_view path, std::string_view prefix)
{
    return path.starts_with(prefix) && (path.size() == prefix.size() ||
                                        path[prefix.size()] == '.' || path[prefix.size()] == '[');
}

/** Reads "[12]" from the front of `rest`. @returns whether it was there. */
bool
TakeIndex(std::string_view& rest, PathStep& step)
{
    constexpr std::size_t DIGITS_MAX = 6;
    const auto end = rest.find(']');
    if (end == std::string_view::npos || end < 2 || end - 1 > DIGITS_MAX)
    {
        return false;
    }
    step.isIndex = true;
    for (const char c : rest.substr(1, end - 1))
    {
        if (c < '0' || c > '9')
        {
            return false;
        }
        step.index = step.index * 10 + static_cast<std::size_t>(c - '0');
    }
    rest.remove_prefix(end + 1);
    return true;
}

} // namespace

std::vector<PathStep>
SplitPath(std::string_view path)
{
    std::vector<PathStep> steps;
    auto rest = path;
    while (true)
    {
        const auto length = std::min(rest.find_first_of(".["), rest.size());
        if (length == 0)
        {
            return {};
        }
        steps.push_back({std::string{rest.substr(0, length)}});
        rest.remove_prefix(length);
        while (rest.starts_with('['))
        {
            PathStep step;
            if (!TakeIndex(rest, step))
            {
                return {};
            }
            steps.push_back(step);
        }
        if (rest.empty())
        {
            return steps;
        }
        if (rest.front() != '.')
        {
            return {};
        }
        rest.remove_prefix(1);
    }
}

ScenarioDiagnostics::ScenarioDiagnostics(const toml::table& root, std::string file)
    : m_root(root)
    , m_file(std::move(file))
{
}

void
ScenarioDiagnostics::NoteOverride(std::string path)
{
    m_overrides.push_back(std::move(path));
}

void
ScenarioDiagnostics::Add(const std::string& path, const std::string& message)
{
    Report(Locate(path), path, message);
}

void
ScenarioDiagnostics::AddAt(const toml::source_region& place,
                           const std::string& path,
                           const std::string& message)
{
    Report(place.begin, path, message);
}

void
ScenarioDiagnostics::AddOverrideFault(const std::string& path, const std::string& message)
{
    m_faults.push_back({BEHIND_THE_FILE, 0, path, fmt::format("-s {}: {}", path, message)});
}

bool
ScenarioDiagnostics::Sound(std::initializer_list<std::string> paths) const
{
    return std::none_of(m_faults.begin(),
                        m_faults.end(),
                        [&](const Fault& fault)
                        {
        return std::any_of(paths.begin(),
                           paths.end(),
                           [&](const std::string& path)
                           {
            return IsWithin(path, fault.path);
        });
    });
}

void
ScenarioDiagnostics::ThrowIfAny() const
{
    if (m_faults.empty())
    {
        return;
    }
    auto faults = m_faults;
    std::stable_sort(faults.begin(),
                     faults.end(),
                     [](const Fault& a, const Fault& b)
                     {
        return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    });
    std::vector<std::string> messages;
    for (std::size_t i = 0; i < std::min(faults.size(), FAULTS_SHOWN_MAX); ++i)
    {
        messages.push_back(faults[i].text);
    }
    if (faults.size() > FAULTS_SHOWN_MAX)
    {
        messages.push_back(
            fmt::format("{}: {} more errors", m_file, faults.size() - FAULTS_SHOWN_MAX));
    }
    throw ScenarioError(std::move(messages));
}

const std::string*
ScenarioDiagnostics::OverrideOf(const std::string& path, bool ancestors) const
{
    for (const auto& override : m_overrides)
    {
        if (IsWithin(path, override) || (ancestors && IsWithin(override, path)))
        {
            return &override;
        }
    }
    if (!ancestors)
    {
        return nullptr;
    }
    const auto cut = path.find_last_of(".[");
    return cut == std::string::npos ? nullptr : OverrideOf(path.substr(0, cut), true);
}

toml::source_position
ScenarioDiagnostics::Locate(const std::string& path) const
{
    const toml::node* node = &m_root;
    for (const auto& step : SplitPath(path))
    {
        const toml::node* next = nullptr;
        if (step.isIndex && node->is_array())
        {
            next = node->as_array()->get(step.index);
        }
        else if (!step.isIndex && node->is_table())
        {
            next = node->as_table()->get(step.key);
        }
        if (next == nullptr)
        {
            break;
        }
        node = next;
    }
    return node->source().begin;
}

void
ScenarioDiagnostics::Report(toml::source_position place,
                            const std::string& path,
                            const std::string& message)
{
    // A table that an override has made has no place in the file.
    const auto* override = OverrideOf(path, place.line == 0);
    if (override != nullptr)
    {
        const auto detail = *override == path ? message : fmt::format("{}: {}", path, message);
        m_faults.push_back({BEHIND_THE_FILE, 0, path, fmt::format("-s {}: {}", *override, detail)});
        return;
    }
    const auto text =
        fmt::format("{}:{}:{}: error: {}: {}", m_file, place.line, place.column, path, message);
    m_faults.push_back({place.line, place.column, path, text});
}

} // namespace flowchain
