// SPDX-License-Identifier: GPL-2.0-only
#include "query-command.h"

#include "metric-dictionary.h"
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
#include <set>
#include <stdexcept>

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

/** One line for each group of points and each metric: n, mean, 95 % interval of a group of one
 * point, extremes. */
int
PrintMetrics(ResultStore& store, const QueryOptions& options)
{
    const auto axes = AxesOf(store);
    for (const auto& key : options.by)
    {
        CheckKnown("--by", key, axes);
    }
    const auto& by = options.by.empty() ? axes : options.by;
    const auto known = NumbersOf(store);
    Row heading = by;
    for (const char* name : {"metric", "unit", "n", "mean", "half_width_95", "min", "max"})
    {
        heading.emplace_back(name);
    }
    std::vector<std::vector<Cell>> rows;
    for (const auto& metric : options.metrics)
    {
        CheckKnown("--metric", metric, known);
        const auto unit = FindMetric(metric) != nullptr ? FindMetric(metric)->unit : "";
        // Points in their order; those that agree in the keys of `by` are one group.
        std::vector<Row> groups;
        std::vector<std::vector<double>> values;
        std::vector<std::set<std::int64_t>> points;
        SQLite::Statement query(store.Database(),
                                "SELECT r.point, s.value FROM result r JOIN scalar s ON s.run = "
                                "r.id JOIN metric m ON m.id = s.metric WHERE m.name = ? AND "
                                "m.kind = 'scalar' ORDER BY r.point, r.replication");
        query.bind(1, metric);
        SQLite::Statement parameter(store.Database(),
                                    "SELECT value FROM parameter WHERE point = ? AND key = ?");
        while (query.executeStep())
        {
            Row group;
            for (const auto& key : by)
            {
                parameter.reset();
                parameter.bind(1, query.getColumn(0).getInt64());
                parameter.bind(2, key);
                parameter.executeStep();
                group.push_back(parameter.getColumn(0));
            }
            const auto place = std::find(groups.begin(), groups.end(), group);
            const auto index = static_cast<std::size_t>(place - groups.begin());
            if (place == groups.end())
            {
                groups.push_back(group);
                values.emplace_back();
                points.emplace_back();
            }
            values[index].push_back(query.getColumn(1).getDouble());
            points[index].insert(query.getColumn(0).getInt64());
        }
        for (std::size_t i = 0; i < groups.size(); ++i)
        {
            const auto interval = MeanOf(values[i], LEVEL);
            std::vector<Cell> row;
            std::transform(groups[i].begin(), groups[i].end(), std::back_inserter(row), TextCell);
            row.push_back(TextCell(metric));
            row.push_back(TextCell(unit));
            row.push_back(CountCell(interval.count));
            row.push_back(MeasureCell(interval.mean));
            // Runs of different points are no sample of one distribution.
            row.push_back(points[i].size() == 1 ? MeasureCell(interval.halfWidth)
                                                : Cell{"", "null", ""});
            row.push_back(MeasureCell(*std::min_element(values[i].begin(), values[i].end())));
            row.push_back(MeasureCell(*std::max_element(values[i].begin(), values[i].end())));
            rows.push_back(std::move(row));
        }
    }
    Print(heading, rows, options.format);
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
    return options.sql.empty() ? PrintMetrics(store, options) : PrintSql(store, options);
}

} // namespace flowchain
