// SPDX-License-Identifier: GPL-2.0-only
#include "query-command.h"

#include "result-store.h"
#include "scenario-reader.h"
#include "spelling.h"
#include "statistics.h"
#include "text-table.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <stdexcept>
#include <utility>

namespace flowchain
{

namespace
{

using Row = std::vector<std::string>;

constexpr double LEVEL = 0.95;

/** A cell as it is shown, and as JSON. */
struct Cell
{
    std::string text;
    std::string json;
    std::string rounded; ///< for people; empty: as `text`
};

Cell
NumberCell(double value)
{
    const bool isFinite = std::isfinite(value);
    return {
        isFinite ? fmt::format("{}", value) : "", isFinite ? fmt::format("{}", value) : "null", ""};
}

/** For people with three decimals. */
Cell
MeasureCell(double value)
{
    auto cell = NumberCell(value);
    cell.rounded = std::isfinite(value) ? fmt::format("{:.3f}", value) : "";
    return cell;
}

Cell
CountCell(std::size_t value)
{
    return {fmt::format("{}", value), fmt::format("{}", value), ""};
}

Cell
TextCell(const std::string& text)
{
    return {text, JsonText(text), ""};
}

Cell
CellOf(const SQLite::Column& column)
{
    if (column.isNull())
    {
        return {"", "null", ""};
    }
    if (column.isInteger())
    {
        const auto text = column.getString();
        return {text, text, ""};
    }
    return column.isFloat() ? NumberCell(column.getDouble()) : TextCell(column.getString());
}

void
Print(const Row& heading, const std::vector<std::vector<Cell>>& rows, const std::string& format)
{
    if (format == "json")
    {
        std::vector<std::string> objects;
        for (const auto& row : rows)
        {
            std::vector<std::string> members;
            for (std::size_t i = 0; i < row.size(); ++i)
            {
                members.push_back(fmt::format("{}: {}", JsonText(heading[i]), row[i].json));
            }
            objects.push_back("  {" + Join(members, ", ") + "}");
        }
        fmt::print("[{}{}{}]\n",
                   objects.empty() ? "" : "\n",
                   Join(objects, ",\n"),
                   objects.empty() ? "" : "\n");
        return;
    }
    std::vector<Row> texts = {heading};
    for (const auto& row : rows)
    {
        texts.emplace_back();
        for (const Cell& cell : row)
        {
            const bool isRounded = format == "text" && !cell.rounded.empty();
            texts.back().push_back(isRounded ? cell.rounded : cell.text);
        }
    }
    if (format == "text")
    {
        fmt::print("{}", AlignedTable(texts));
        return;
    }
    for (const Row& row : texts)
    {
        fmt::print("{}", CsvLine(row));
    }
}

int
PrintSql(ResultStore& store, const QueryOptions& options)
{
    try
    {
        SQLite::Statement query(store.Database(), options.sql);
        Row heading;
        for (int i = 0; i < query.getColumnCount(); ++i)
        {
            heading.emplace_back(query.getColumnName(i));
        }
        std::vector<std::vector<Cell>> rows;
        while (query.executeStep())
        {
            rows.emplace_back();
            for (int i = 0; i < query.getColumnCount(); ++i)
            {
                rows.back().push_back(CellOf(query.getColumn(i)));
            }
        }
        if (!heading.empty())
        {
            Print(heading, rows, options.format);
        }
        return EXIT_ALL_HOLD;
    }
    catch (const SQLite::Exception& error)
    {
        throw std::runtime_error(fmt::format("{}: {}", store.Path(), error.what()));
    }
}

std::vector<std::string>
AxesOf(ResultStore& store)
{
    std::vector<std::string> axes;
    SQLite::Statement query(store.Database(), "SELECT key FROM axis ORDER BY place");
    while (query.executeStep())
    {
        axes.push_back(query.getColumn(0));
    }
    return axes;
}

/** @throws ScenarioError, with a suggestion */
void
CheckKnown(const char* option, const std::string& name, const std::vector<std::string>& known)
{
    if (std::find(known.begin(), known.end(), name) == known.end())
    {
        throw ScenarioError({fmt::format(
            "{} {}: there is none of this name{}", option, name, DidYouMean(name, known))});
    }
}

std::vector<std::string>
NumbersOf(ResultStore& store)
{
    std::vector<std::string> names;
    SQLite::Statement query(store.Database(),
                            "SELECT name FROM metric WHERE kind = 'scalar' AND type != 'text'");
    while (query.executeStep())
    {
        names.push_back(query.getColumn(0));
    }
    return names;
}

/** Points that agree in the keys asked for, and what their runs measured. */
struct Group
{
    Row keys;
    std::vector<double> values;
    std::set<std::int64_t> points;

    /** Runs of different points are no sample of one distribution: then there is none. */
    Cell HalfWidth() const
    {
        return points.size() == 1 ? MeasureCell(MeanOf(values, LEVEL).halfWidth)
                                  : Cell{"", "null", ""};
    }
};

/** "chain.release=all" of --where, as key and value. @throws ScenarioError */
std::pair<std::string, std::string>
ParseCondition(const std::string& text, const std::vector<std::string>& axes)
{
    const auto equals = text.find('=');
    if (equals == std::string::npos)
    {
        throw ScenarioError({fmt::format("--where {}: expected KEY=VALUE", text)});
    }
    auto key = text.substr(0, equals);
    CheckKnown("--where", key, axes);
    return {std::move(key), text.substr(equals + 1)};
}

/** In the order of the points. @throws ScenarioError if there is no such metric */
std::vector<Group>
GroupsOf(ResultStore& store,
         const std::string& metric,
         const std::vector<std::string>& by,
         const std::vector<std::pair<std::string, std::string>>& where)
{
    CheckKnown("--metric", metric, NumbersOf(store));
    std::vector<Group> groups;
    SQLite::Statement query(store.Database(),
                            "SELECT r.point, s.value FROM result r JOIN scalar s ON s.run = r.id "
                            "JOIN metric m ON m.id = s.metric WHERE m.name = ? AND m.kind = "
                            "'scalar' ORDER BY r.point, r.replication");
    query.bind(1, metric);
    SQLite::Statement parameter(store.Database(),
                                "SELECT value FROM parameter WHERE point = ? AND key = ?");
    const auto valueOf = [&](std::int64_t point, const std::string& key)
    {
        parameter.reset();
        parameter.bind(1, point);
        parameter.bind(2, key);
        parameter.executeStep();
        return parameter.getColumn(0).getString();
    };
    while (query.executeStep())
    {
        const std::int64_t point = query.getColumn(0).getInt64();
        const bool isWanted = std::all_of(where.begin(),
                                          where.end(),
                                          [&](const auto& condition)
                                          {
            return valueOf(point, condition.first) == condition.second;
        });
        if (!isWanted)
        {
            continue;
        }
        Row keys;
        for (const auto& key : by)
        {
            keys.push_back(valueOf(point, key));
        }
        auto place = std::find_if(groups.begin(),
                                  groups.end(),
                                  [&](const Group& group)
                                  {
            return group.keys == keys;
        });
        if (place == groups.end())
        {
            groups.push_back({keys, {}, {}});
            place = std::prev(groups.end());
        }
        place->values.push_back(query.getColumn(1).getDouble());
        place->points.insert(point);
    }
    return groups;
}

std::string
UnitOf(ResultStore& store, const std::string& metric)
{
    SQLite::Statement query(store.Database(),
                            "SELECT unit FROM metric WHERE name = ? AND kind = 'scalar'");
    query.bind(1, metric);
    return query.executeStep() ? query.getColumn(0).getString() : "";
}

/** One line for each metric and group: n, mean, 95 % interval, extremes. */
void
PrintLong(ResultStore& store,
          const QueryOptions& options,
          const std::vector<std::string>& by,
          const std::vector<std::vector<Group>>& groups)
{
    Row heading = by;
    for (const char* name : {"metric", "unit", "n", "mean", "half_width_95", "min", "max"})
    {
        heading.emplace_back(name);
    }
    std::vector<std::vector<Cell>> rows;
    for (std::size_t i = 0; i < options.metrics.size(); ++i)
    {
        const auto unit = UnitOf(store, options.metrics[i]);
        for (const Group& group : groups[i])
        {
            const auto [least, most] =
                std::minmax_element(group.values.begin(), group.values.end());
            std::vector<Cell> row;
            std::transform(group.keys.begin(), group.keys.end(), std::back_inserter(row), TextCell);
            row.push_back(TextCell(options.metrics[i]));
            row.push_back(TextCell(unit));
            row.push_back(CountCell(group.values.size()));
            row.push_back(MeasureCell(MeanOf(group.values, LEVEL).mean));
            row.push_back(group.HalfWidth());
            row.push_back(MeasureCell(*least));
            row.push_back(MeasureCell(*most));
            rows.push_back(std::move(row));
        }
    }
    Print(heading, rows, options.format);
}

/** One line for each group, with a column for each metric's mean and one for its half-width. */
void
PrintWide(ResultStore& store,
          const QueryOptions& options,
          const std::vector<std::string>& by,
          const std::vector<std::vector<Group>>& groups)
{
    Row heading = by;
    heading.emplace_back("n");
    for (const auto& metric : options.metrics)
    {
        heading.push_back(fmt::format("{} [{}]", metric, UnitOf(store, metric)));
        heading.emplace_back("+-");
    }
    std::vector<Row> order; // of the groups of any metric, since a run need not measure all
    for (const auto& ofMetric : groups)
    {
        for (const Group& group : ofMetric)
        {
            if (std::find(order.begin(), order.end(), group.keys) == order.end())
            {
                order.push_back(group.keys);
            }
        }
    }
    std::vector<std::vector<Cell>> rows;
    for (const Row& keys : order)
    {
        std::vector<Cell> row;
        std::transform(keys.begin(), keys.end(), std::back_inserter(row), TextCell);
        std::size_t count = 0;
        std::vector<Cell> measures;
        for (const auto& ofMetric : groups)
        {
            const auto found = std::find_if(ofMetric.begin(),
                                            ofMetric.end(),
                                            [&](const Group& group)
                                            {
                return group.keys == keys;
            });
            const bool has = found != ofMetric.end();
            count = std::max(count, has ? found->values.size() : 0);
            measures.push_back(has ? MeasureCell(MeanOf(found->values, LEVEL).mean)
                                   : Cell{"", "null", ""});
            measures.push_back(has ? found->HalfWidth() : Cell{"", "null", ""});
        }
        row.push_back(CountCell(count));
        row.insert(row.end(), measures.begin(), measures.end());
        rows.push_back(std::move(row));
    }
    Print(heading, rows, "text");
}

int
PrintMetrics(ResultStore& store, const QueryOptions& options)
{
    const auto axes = AxesOf(store);
    for (const auto& key : options.by)
    {
        CheckKnown("--by", key, axes);
    }
    std::vector<std::pair<std::string, std::string>> where;
    for (const auto& text : options.where)
    {
        where.push_back(ParseCondition(text, axes));
    }
    // A key that has one value only says nothing.
    auto by = options.by;
    for (const auto& key : axes)
    {
        const bool isFixed = std::any_of(where.begin(),
                                         where.end(),
                                         [&](const auto& condition)
                                         {
            return condition.first == key;
        });
        if (options.by.empty() && !isFixed)
        {
            by.push_back(key);
        }
    }
    std::vector<std::vector<Group>> groups;
    for (const auto& metric : options.metrics)
    {
        groups.push_back(GroupsOf(store, metric, by, where));
    }
    (options.format == "wide" ? PrintWide : PrintLong)(store, options, by, groups);
    return EXIT_ALL_HOLD;
}

} // namespace

int
QueryCommand(const QueryOptions& options)
{
    ResultStore store(options.database, ResultStore::Mode::READ);
    if (options.sql.empty() == options.metrics.empty())
    {
        throw ScenarioError({"query: either SQL or --metric is needed"});
    }
    if (!options.sql.empty() && options.format == "wide")
    {
        throw ScenarioError({"query: --format wide is for --metric"});
    }
    return options.sql.empty() ? PrintMetrics(store, options) : PrintSql(store, options);
}

} // namespace flowchain
