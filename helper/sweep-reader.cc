// SPDX-License-Identifier: GPL-2.0-only
#include "sweep-reader.h"

#include "spelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <sstream>

namespace flowchain
{

namespace
{

using Kind = SweepValue::Kind;

constexpr std::array RANGE_KEYS = {"from", "to", "step", "factor"};
constexpr std::array OPERATORS = {"==", "!=", "<=", ">=", "<", ">"};

/** Reads the keys of `[sweep]`, and keeps the swept ones in the order of the file. */
class SweepReader
{
  public:
    SweepReader(std::string file, ScenarioDiagnostics& diagnostics)
        : m_file(std::move(file))
        , m_diagnostics(diagnostics)
    {
    }

    SweepSection Read(const toml::table& table)
    {
        for (const auto& [key, node] : table)
        {
            const std::string name(key.str());
            const std::string path = "sweep." + name;
            if (name == "replications")
            {
                ReadReplications(path, node);
            }
            else if (name == "where")
            {
                ReadFilters(path, node);
            }
            else if (name == "cross")
            {
                ReadCross(path, node);
            }
            else if (name == "zip")
            {
                ReadZips(path, node);
            }
            else
            {
                static const std::vector<std::string> KNOWN = {
                    "replications", "where", "cross", "zip"};
                m_diagnostics.AddAt(
                    key.source(), path, fmt::format("unknown key{}", DidYouMean(name, KNOWN)));
            }
        }
        SortByPlace(m_blocks);
        for (auto& block : m_blocks)
        {
            m_section.blocks.push_back(std::move(block.axes));
        }
        CheckCount();
        return std::move(m_section);
    }

  private:
    struct Block
    {
        toml::source_position place;
        std::vector<SweepAxis> axes;
    };

    /** TOML tables are in the order of their keys' names. */
    static void SortByPlace(std::vector<Block>& blocks)
    {
        std::stable_sort(blocks.begin(),
                         blocks.end(),
                         [](const Block& a, const Block& b)
                         {
            return std::pair(a.place.line, a.place.column) <
                   std::pair(b.place.line, b.place.column);
        });
    }

    void ReadReplications(const std::string& path, const toml::node& node)
    {
        const auto value = node.value_exact<std::int64_t>();
        if (!value || *value < 1 || *value > SWEEP_REPLICATIONS_MAX)
        {
            m_diagnostics.AddAt(
                node.source(),
                path,
                fmt::format("expected an integer from 1 to {}", SWEEP_REPLICATIONS_MAX));
            return;
        }
        m_section.replications = static_cast<std::uint32_t>(*value);
    }

    void ReadFilters(const std::string& path, const toml::node& node)
    {
        const auto* list = node.as_array();
        if (list == nullptr)
        {
            m_diagnostics.AddAt(
                node.source(), path, "expected a list of texts such as \"a.b <= c.d\"");
            return;
        }
        for (std::size_t i = 0; i < list->size(); ++i)
        {
            ReadFilter(fmt::format("{}[{}]", path, i), *list->get(i));
        }
    }

    void ReadFilter(const std::string& path, const toml::node& node)
    {
        const auto text = node.value_exact<std::string>();
        SweepFilter filter;
        filter.text = text.value_or("");
        filter.place =
            fmt::format("{}:{}:{}", m_file, node.source().begin.line, node.source().begin.column);
        std::istringstream words(filter.text);
        SweepFilter::Comparison comparison;
        std::string word = "or";
        bool isSound = text.has_value();
        while (isSound && word == "or")
        {
            isSound =
                static_cast<bool>(words >> comparison.left >> comparison.op >> comparison.right) &&
                std::find(OPERATORS.begin(), OPERATORS.end(), comparison.op) != OPERATORS.end();
            filter.choices.push_back(comparison);
            word.clear();
            words >> word;
        }
        if (!isSound || !word.empty())
        {
            m_diagnostics.AddAt(node.source(),
                                path,
                                "expected \"KEY OP VALUE\", OP one of == != < <= > >=, blanks "
                                "around it, several joined by \"or\"");
            return;
        }
        m_section.where.push_back(std::move(filter));
    }

    void ReadCross(const std::string& path, const toml::node& node)
    {
        const auto* table = node.as_table();
        if (table == nullptr)
        {
            m_diagnostics.AddAt(node.source(), path, "expected a table of keys and lists");
            return;
        }
        std::vector<Block> axes;
        ReadAxes("", path, *table, axes);
        for (const Block& block : axes)
        {
            CheckUnique(*table, path, block);
        }
        std::move(axes.begin(), axes.end(), std::back_inserter(m_blocks));
    }

    void ReadZips(const std::string& path, const toml::node& node)
    {
        const auto* list = node.as_array();
        if (list == nullptr)
        {
            m_diagnostics.AddAt(node.source(), path, "expected [[sweep.zip]], or a list of tables");
            return;
        }
        for (std::size_t i = 0; i < list->size(); ++i)
        {
            const auto* table = list->get(i)->as_table();
            const auto here = fmt::format("{}[{}]", path, i);
            if (table == nullptr)
            {
                m_diagnostics.AddAt(list->get(i)->source(), here, "expected a table");
                continue;
            }
            ReadZip(here, *table);
        }
    }

    void ReadZip(const std::string& path, const toml::table& table)
    {
        std::vector<Block> axes;
        ReadAxes("", path, table, axes);
        if (axes.empty())
        {
            return;
        }
        SortByPlace(axes);
        Block block{axes.front().place, {}};
        for (auto& axis : axes)
        {
            block.axes.push_back(std::move(axis.axes.front()));
        }
        for (const auto& axis : block.axes)
        {
            if (axis.values.size() != block.axes.front().values.size())
            {
                m_diagnostics.AddAt(table.source(),
                                    path,
                                    fmt::format("{} has {} values, {} has {}",
                                                block.axes.front().key,
                                                block.axes.front().values.size(),
                                                axis.key,
                                                axis.values.size()));
                return;
            }
        }
        CheckUnique(table, path, block);
        m_blocks.push_back(std::move(block));
    }

    /** No two steps of a block may be the same, or there would be two equal points. */
    void CheckUnique(const toml::table& table, const std::string& path, const Block& block)
    {
        std::set<std::string> steps;
        for (std::size_t i = 0; i < block.axes.front().values.size(); ++i)
        {
            std::string step;
            for (const SweepAxis& axis : block.axes)
            {
                step += (step.empty() ? "" : ", ") + axis.key + " = " + axis.values[i].label;
            }
            if (!steps.insert(step).second)
            {
                m_diagnostics.AddAt(
                    table.source(), path, fmt::format("{} stands there twice", step));
            }
        }
    }

    /** Every list and range in `table` and the tables in it, each as a block. */
    void ReadAxes(const std::string& prefix,
                  const std::string& path,
                  const toml::table& table,
                  std::vector<Block>& axes)
    {
        for (const auto& [key, node] : table)
        {
            const std::string name(key.str());
            const std::string full = prefix.empty() ? name : prefix + "." + name;
            const std::string here = path + "." + name;
            const auto* inner = node.as_table();
            if (inner != nullptr && !inner->contains("from"))
            {
                ReadAxes(full, here, *inner, axes);
                continue;
            }
            if (SplitPath(full).empty() || full.starts_with("sweep"))
            {
                m_diagnostics.AddAt(
                    key.source(), here, fmt::format("'{}' is no key of a scenario", full));
                continue;
            }
            if (!m_keys.insert(full).second)
            {
                m_diagnostics.AddAt(key.source(), here, fmt::format("{} is swept twice", full));
                continue;
            }
            SweepAxis axis{full, {}};
            if (inner != nullptr ? ReadRange(here, *inner, axis) : ReadList(here, node, axis))
            {
                axes.push_back({key.source().begin, {std::move(axis)}});
            }
        }
    }

    /** @returns success */
    bool ReadList(const std::string& path, const toml::node& node, SweepAxis& axis)
    {
        const auto* list = node.as_array();
        if (list == nullptr || list->empty() || list->size() > SWEEP_VALUES_MAX)
        {
            m_diagnostics.AddAt(
                node.source(),
                path,
                fmt::format("expected a list of 1 to {} values, or a range such as {{from = 1, to "
                            "= 8}}",
                            SWEEP_VALUES_MAX));
            return false;
        }
        for (const auto& element : *list)
        {
            axis.values.push_back(ValueOf(element));
        }
        return true;
    }

    static SweepValue ValueOf(const toml::node& node)
    {
        if (const auto integer = node.value_exact<std::int64_t>())
        {
            return MakeSweepValue(Kind::INTEGER, *integer);
        }
        if (const auto text = node.value_exact<std::string>())
        {
            return MakeSweepValue(*text);
        }
        if (const auto real = node.value_exact<double>())
        {
            const double thousandths = *real * 1000;
            if (std::abs(thousandths) < 1e15 && std::nearbyint(thousandths) == thousandths)
            {
                return MakeSweepValue(Kind::DECIMAL, static_cast<std::int64_t>(thousandths));
            }
        }
        std::ostringstream toml;
        toml << toml::toml_formatter{toml::array{node}, toml::format_flags::none};
        auto text = toml.str(); // "[ value ]"
        text = text.substr(1, text.size() - 2);
        const auto first = text.find_first_not_of(" \n");
        const auto last = text.find_last_not_of(" \n");
        text = text.substr(first, last - first + 1);
        return {Kind::TEXT, 0, text, text};
    }

    /** @returns success */
    bool ReadRange(const std::string& path, const toml::table& table, SweepAxis& axis)
    {
        const auto fail = [&](const std::string& message)
        {
            m_diagnostics.AddAt(table.source(), path, message);
            return false;
        };
        for (const auto& [key, node] : table)
        {
            if (std::find(RANGE_KEYS.begin(), RANGE_KEYS.end(), key.str()) == RANGE_KEYS.end())
            {
                return fail(fmt::format("unknown key '{}'; a range has from, to, and step or "
                                        "factor",
                                        key.str()));
            }
        }
        if (!table.contains("to") || (table.contains("step") && table.contains("factor")))
        {
            return fail("a range has from, to, and step or factor");
        }
        const auto from = ValueOf(*table.get("from"));
        const auto to = ValueOf(*table.get("to"));
        const bool isGeometric = table.contains("factor");
        const auto* stepNode = table.get(isGeometric ? "factor" : "step");
        const auto step =
            stepNode != nullptr ? ValueOf(*stepNode) : MakeSweepValue(from.kind, UnitOf(from.kind));
        if (stepNode == nullptr && UnitOf(from.kind) == 0)
        {
            return fail("a range of quantities with a unit needs a step or a factor");
        }
        if (!from.IsNumber() || from.kind != to.kind ||
            (isGeometric ? step.kind != Kind::INTEGER : step.kind != from.kind))
        {
            return fail("from, to and step must be numbers with the same unit, and factor an "
                        "integer");
        }
        if (to.number < from.number || step.number < (isGeometric ? 2 : 1) ||
            (isGeometric && from.number < 1))
        {
            return fail("a range goes up: from <= to, step > 0, or factor > 1 and from > 0");
        }
        __extension__ using Wide = __int128;
        for (Wide value = from.number; value <= to.number;
             value = isGeometric ? value * step.number : value + step.number)
        {
            if (axis.values.size() == SWEEP_VALUES_MAX)
            {
                return fail(fmt::format("more than {} values", SWEEP_VALUES_MAX));
            }
            axis.values.push_back(MakeSweepValue(from.kind, static_cast<std::int64_t>(value)));
        }
        return true;
    }

    /** The step of a range that names none; 0: it must. */
    static std::int64_t UnitOf(Kind kind)
    {
        switch (kind)
        {
        case Kind::INTEGER:
        case Kind::TEXT: // refused anyway
            return 1;
        case Kind::DECIMAL:
            return 1'000;
        case Kind::PERCENT:
            return 10'000;
        default:
            return 0;
        }
    }

    void CheckCount()
    {
        std::size_t points = 1;
        for (const auto& block : m_section.blocks)
        {
            points *= block.front().values.size();
            if (points > SWEEP_POINTS_MAX)
            {
                m_diagnostics.Add("sweep", fmt::format("more than {} points", SWEEP_POINTS_MAX));
                return;
            }
        }
    }

    std::string m_file;
    ScenarioDiagnostics& m_diagnostics;
    SweepSection m_section;
    std::vector<Block> m_blocks;
    std::set<std::string> m_keys;
};

} // namespace

SweepSection
ReadSweep(const toml::table& root, const std::string& file, ScenarioDiagnostics& diagnostics)
{
    const auto* node = root.get("sweep");
    if (node == nullptr)
    {
        return {};
    }
    const auto* table = node->as_table();
    if (table == nullptr)
    {
        diagnostics.AddAt(node->source(), "sweep", "expected a section, [sweep]");
        return {};
    }
    return SweepReader(file, diagnostics).Read(*table);
}

} // namespace flowchain
