// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-override.h"

#include <fmt/format.h>

namespace flowchain
{

namespace
{

/** The text as a TOML value, under the key "value"; what TOML does not understand is a string. */
toml::table
ParseValue(const std::string& text)
{
    try
    {
        auto table = toml::parse("value = " + text);
        if (table.size() == 1) // not a text with a line of its own behind the value
        {
            return table;
        }
    }
    catch (const toml::parse_error&)
    {
        // "60ms" and "all" are meant as strings.
    }
    return toml::table{{"value", text}};
}

/** Where a step leads, after it was made if it was not there. */
class Walker
{
  public:
    Walker(toml::table& root, std::string path, ScenarioDiagnostics& diagnostics)
        : m_node(&root)
        , m_path(std::move(path))
        , m_diagnostics(diagnostics)
    {
    }

    /** Put `value` at `step` and stand on it. An existing value stays if `keep`. @returns success
     */
    bool Enter(const PathStep& step, toml::node& value, bool keep)
    {
        const bool entered =
            step.isIndex ? EnterIndex(step.index, value, keep) : EnterKey(step.key, value, keep);
        m_walked += step.isIndex       ? fmt::format("[{}]", step.index)
                    : m_walked.empty() ? step.key
                                       : "." + step.key;
        return entered;
    }

  private:
    bool EnterKey(const std::string& key, toml::node& value, bool keep)
    {
        auto* table = m_node->as_table();
        if (table == nullptr)
        {
            m_diagnostics.AddOverrideFault(
                m_path,
                m_node->is_array() ? fmt::format("{0} is an array, write {0}[0].{1}", m_walked, key)
                                   : fmt::format("{} has no keys", m_walked));
            return false;
        }
        if (!keep || !table->contains(key))
        {
            value.visit(
                [&](auto& v)
                {
                table->insert_or_assign(key, std::move(v));
            });
        }
        m_node = table->get(key);
        return true;
    }

    bool EnterIndex(std::size_t index, toml::node& value, bool keep)
    {
        auto* array = m_node->as_array();
        if (array == nullptr || index > array->size())
        {
            m_diagnostics.AddOverrideFault(
                m_path,
                array == nullptr
                    ? fmt::format("{} is no array", m_walked)
                    : fmt::format("{} has {} elements, counted from 0", m_walked, array->size()));
            return false;
        }
        if (!keep || index == array->size())
        {
            if (index < array->size())
            {
                array->erase(array->cbegin() + static_cast<std::ptrdiff_t>(index));
            }
            value.visit(
                [&](auto& v)
                {
                array->insert(array->cbegin() + static_cast<std::ptrdiff_t>(index), std::move(v));
            });
        }
        m_node = array->get(index);
        return true;
    }

    toml::node* m_node;
    std::string m_path;
    std::string m_walked;
    ScenarioDiagnostics& m_diagnostics;
};

} // namespace

void
ApplyOverride(toml::table& root, const std::string& text, ScenarioDiagnostics& diagnostics)
{
    const auto equals = text.find('=');
    const auto path = text.substr(0, equals);
    const auto steps = SplitPath(path);
    if (equals == std::string::npos || steps.empty())
    {
        diagnostics.AddOverrideFault(text, "expected section.key=value");
        return;
    }
    Walker walker(root, path, diagnostics);
    for (std::size_t i = 0; i + 1 < steps.size(); ++i)
    {
        toml::table table;
        toml::array array;
        toml::node& made = steps[i + 1].isIndex ? static_cast<toml::node&>(array) : table;
        if (!walker.Enter(steps[i], made, true))
        {
            return;
        }
    }
    auto value = ParseValue(text.substr(equals + 1));
    if (walker.Enter(steps.back(), *value.get("value"), false))
    {
        diagnostics.NoteOverride(path);
    }
}

} // namespace flowchain
