// SPDX-License-Identifier: GPL-2.0-only
#include "failure-catalogue-table.h"

#include "metric-dictionary.h"
#include "spelling.h"
#include "text-table.h"

#include <fmt/format.h>

#include <algorithm>

namespace flowchain
{

namespace
{

using Row = std::vector<std::string>;

constexpr std::int64_t PER_MILLISECOND = 1'000'000'000; ///< picoseconds
constexpr int DECIMALS = 3;
constexpr const char* NOTHING = "-"; ///< in the place of a value that there is not

/** A column; the first one, the outcome, has no metric. */
struct Column
{
    const char* name;
    const char* title;
    const char* metric;
};

constexpr Column COLUMNS[] = {
    {"outcome", "outcome", nullptr},
    {"faults", "faults", "failures.struck"},
    {"lost", "lost", "sessions.lost"},
    {"broken", "broken", "sessions.broken"},
    {"disruption", "disruption [ms]", "disruption.max"},
    {"gap", "packet gap [ms]", "sessions.packet_gap"},
};

const Metric*
MetricOf(const CatalogueRun& run, const Column& column)
{
    const auto outcome = run.Outcome();
    const bool isMeasured =
        outcome != CatalogueOutcome::IMPOSSIBLE && outcome != CatalogueOutcome::FAILED;
    return isMeasured ? run.record.outcome.metrics.Find(column.metric) : nullptr;
}

/** For people. */
std::string
Cell(const CatalogueRun& run, const Column& column)
{
    if (column.metric == nullptr)
    {
        return ToString(run.Outcome());
    }
    const Metric* metric = MetricOf(run, column);
    if (metric == nullptr)
    {
        return NOTHING;
    }
    return metric->declaration->type == MetricType::DURATION
               ? ScaledText(metric->value, PER_MILLISECOND, DECIMALS)
               : metric->ValueText();
}

/** In a matrix nothing stands for a failure that this scheme cannot have. */
std::string
MatrixCell(const CatalogueRun& run, const Column& column)
{
    switch (run.Outcome())
    {
    case CatalogueOutcome::OK:
    case CatalogueOutcome::BROKEN:
    case CatalogueOutcome::LOST:
        return Cell(run, column);
    case CatalogueOutcome::NOT_HIT:
    case CatalogueOutcome::IMPOSSIBLE:
        return column.metric == nullptr ? Cell(run, column) : NOTHING;
    case CatalogueOutcome::VIOLATED:
    case CatalogueOutcome::FAILED:
        break;
    }
    return ToString(run.Outcome());
}

/** For machines. */
std::string
ExactCell(const CatalogueRun& run, const Column& column)
{
    if (column.metric == nullptr)
    {
        return ToString(run.Outcome());
    }
    const Metric* metric = MetricOf(run, column);
    return metric == nullptr ? "" : metric->ValueText();
}

const Column&
ColumnOf(const std::string& name)
{
    return *std::ranges::find(COLUMNS, name, &Column::name);
}

std::vector<Row>
MatrixRows(const Catalogue& catalogue, const Column& column, bool isExact)
{
    std::vector<Row> rows{{"scenario"}};
    rows.front().insert(rows.front().end(), catalogue.schemes.begin(), catalogue.schemes.end());
    for (std::size_t name = 0; name < catalogue.names.size(); ++name)
    {
        Row row{catalogue.names[name]};
        for (std::size_t scheme = 0; scheme < catalogue.schemes.size(); ++scheme)
        {
            const CatalogueRun& run = catalogue.RunOf(name, scheme);
            row.push_back(isExact ? ExactCell(run, column) : MatrixCell(run, column));
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

/** A row for every run. A table for people has no column for the scheme if there is but one. */
std::vector<Row>
RunRows(const Catalogue& catalogue)
{
    const bool hasSchemes = catalogue.schemes.size() > 1;
    std::vector<Row> rows{{"scenario"}};
    if (hasSchemes)
    {
        rows.front().emplace_back("scheme");
    }
    for (const Column& column : COLUMNS)
    {
        rows.front().emplace_back(column.title);
    }
    for (const CatalogueRun& run : catalogue.runs)
    {
        Row row{run.name};
        if (hasSchemes)
        {
            row.push_back(run.scheme);
        }
        for (const Column& column : COLUMNS)
        {
            row.push_back(Cell(run, column));
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

/** Why a run has no numbers, or what it has violated; empty: neither. */
std::string
ReasonOf(const CatalogueRun& run)
{
    const auto& violations = run.record.outcome.violations;
    return run.error.empty() && !violations.empty() ? violations.front() : run.error;
}

/** Words to the left, numbers to the right. */
std::string
Layout(const std::vector<Row>& rows, bool isRst)
{
    std::vector<std::size_t> widths(rows.front().size());
    std::vector<bool> isText(rows.front().size());
    for (const Row& row : rows)
    {
        for (std::size_t i = 0; i < row.size(); ++i)
        {
            widths[i] = std::max(widths[i], row[i].size());
            const bool isNumber =
                row[i] == NOTHING || row[i].find_first_not_of("0123456789.") == std::string::npos;
            // Outcomes are words, but among numbers they are exceptions.
            isText[i] = isText[i] || i == 0 || row[i] == "ok" || row[i] == "scheme" ||
                        (rows.front()[i] == "outcome" && !isNumber);
        }
    }
    std::string rule;
    for (const std::size_t width : widths)
    {
        rule += (rule.empty() ? "" : "  ") + std::string(width, '=');
    }
    rule += "\n";
    std::string text = isRst ? rule : "";
    for (const Row& row : rows)
    {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i)
        {
            line += i == 0 ? "" : "  ";
            line += isText[i] ? fmt::format("{:<{}}", row[i], widths[i])
                              : fmt::format("{:>{}}", row[i], widths[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n" + (isRst && &row == &rows.front() ? rule : "");
    }
    return text + (isRst ? rule : "");
}

std::string
Text(const Catalogue& catalogue, const std::string& matrix, bool isRst)
{
    std::string text =
        Layout(matrix.empty() ? RunRows(catalogue) : MatrixRows(catalogue, ColumnOf(matrix), false),
               isRst);
    std::string reasons;
    for (const CatalogueRun& run : catalogue.runs)
    {
        if (const std::string reason = ReasonOf(run); !reason.empty() && !isRst)
        {
            reasons += fmt::format(
                "{} under {}, {}: {}\n", run.name, run.scheme, ToString(run.Outcome()), reason);
        }
    }
    return text + (reasons.empty() ? "" : "\n" + reasons);
}

std::string
Csv(const Catalogue& catalogue, const std::string& matrix)
{
    std::string text;
    if (!matrix.empty())
    {
        for (const Row& row : MatrixRows(catalogue, ColumnOf(matrix), true))
        {
            text += CsvLine(row);
        }
        return text;
    }
    Row heading{"scenario", "scheme"};
    for (const Column& column : COLUMNS)
    {
        heading.push_back(
            column.metric == nullptr
                ? column.name
                : fmt::format("{} [{}]", column.metric, FindMetric(column.metric)->unit));
    }
    heading.emplace_back("reason");
    text += CsvLine(heading);
    for (const CatalogueRun& run : catalogue.runs)
    {
        Row row{run.name, run.scheme};
        for (const Column& column : COLUMNS)
        {
            row.push_back(ExactCell(run, column));
        }
        row.push_back(ReasonOf(run));
        text += CsvLine(row);
    }
    return text;
}

std::string
RunJson(const CatalogueRun& run)
{
    std::vector<std::string> metrics;
    for (const Column& column : COLUMNS)
    {
        if (column.metric == nullptr)
        {
            continue;
        }
        if (const Metric* metric = MetricOf(run, column))
        {
            metrics.push_back(fmt::format("{}: {}", JsonText(column.metric), ValueJson(*metric)));
        }
    }
    return fmt::format("{{\"scenario\": {}, \"scheme\": {}, \"outcome\": {}, \"metrics\": {{{}}}, "
                       "\"reason\": {}}}",
                       JsonText(run.name),
                       JsonText(run.scheme),
                       JsonText(ToString(run.Outcome())),
                       Join(metrics, ", "),
                       JsonText(ReasonOf(run)));
}

std::string
Json(const Catalogue& catalogue)
{
    std::vector<std::string> columns;
    for (const Column& column : COLUMNS)
    {
        if (column.metric != nullptr)
        {
            const MetricDeclaration* metric = FindMetric(column.metric);
            columns.push_back(fmt::format("{{\"metric\": {}, \"unit\": {}, \"meaning\": {}}}",
                                          JsonText(metric->name),
                                          JsonText(metric->unit),
                                          JsonText(metric->meaning)));
        }
    }
    std::vector<std::string> runs;
    for (const CatalogueRun& run : catalogue.runs)
    {
        runs.push_back(RunJson(run));
    }
    return fmt::format("{{\n  \"schema\": 1,\n  \"folder\": {},\n  \"columns\": [\n    {}\n  ],\n"
                       "  \"runs\": [\n    {}\n  ]\n}}\n",
                       JsonText(catalogue.folder),
                       Join(columns, ",\n    "),
                       Join(runs, ",\n    "));
}

} // namespace

std::vector<std::string>
CatalogueColumns()
{
    std::vector<std::string> names;
    for (const Column& column : COLUMNS)
    {
        names.emplace_back(column.name);
    }
    return names;
}

std::string
CatalogueTable(const Catalogue& catalogue, const std::string& format, const std::string& matrix)
{
    return format == "json"  ? Json(catalogue)
           : format == "csv" ? Csv(catalogue, matrix)
                             : Text(catalogue, matrix, format == "rst");
}

} // namespace flowchain
