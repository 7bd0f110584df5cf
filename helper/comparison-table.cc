// SPDX-License-Identifier: GPL-2.0-only
#include "comparison-table.h"

#include "result-writer.h"
#include "spelling.h"
#include "text-table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace flowchain
{

namespace
{

constexpr std::int64_t PER_MILLI = 1'000;           ///< thousandths
constexpr std::int64_t PER_MICROSECOND = 1'000'000; ///< picoseconds
constexpr std::int64_t PER_MILLISECOND = 1'000 * PER_MICROSECOND;

/** How a metric stands in the table for people. */
struct Column
{
    std::string metric;
    std::string group; ///< first line of the heading
    std::string title; ///< second line
    std::string unit;  ///< third line
    std::int64_t divisor = 1;
    int decimals = 0;
};

const std::vector<Column>&
UsualColumns()
{
    static const std::vector<Column> COLUMNS = {
        {"latency.first_packet.p50", "first packet", "p50", "us", PER_MICROSECOND, 3},
        {"latency.first_packet.p99", "first packet", "p99", "us", PER_MICROSECOND, 3},
        {"latency.first_packet.max", "first packet", "max", "us", PER_MICROSECOND, 3},
        {"sessions.lost", "sessions", "lost", ""},
        {"sessions.broken", "sessions", "broken", ""},
        {"disruption.p50", "disruption", "p50", "ms", PER_MILLISECOND, 3},
        {"disruption.max", "disruption", "max", "ms", PER_MILLISECOND, 3},
        {"sync.bytes_per_session", "per session", "sync", "B", PER_MILLI, 1},
        {"sync.messages_per_session", "per session", "messages", "", PER_MILLI, 2},
        {"tables.bytes_per_session", "per session", "memory", "B"},
        {"vulnerability.window.p50", "vulnerable", "p50", "us", PER_MICROSECOND, 3},
        {"vulnerability.window.max", "vulnerable", "max", "us", PER_MICROSECOND, 3},
        {"vulnerability.below_two.p50", "one copy", "p50", "us", PER_MICROSECOND, 3},
        {"exposure.released.peak", "exposed", "peak", ""},
        {"observer.violations", "invariants", "violated", ""},
    };
    return COLUMNS;
}

std::vector<Column>
ColumnsOf(const Comparison& comparison)
{
    auto columns = UsualColumns();
    for (const auto& name : comparison.metrics)
    {
        columns.push_back({name, "", name, FindMetric(name)->unit});
    }
    return columns;
}

std::string
Cell(const Column& column, const MetricSet& metrics)
{
    const auto* metric = metrics.Find(column.metric);
    if (metric == nullptr)
    {
        return "-";
    }
    return column.decimals > 0 ? ScaledText(metric->value, column.divisor, column.decimals)
                               : metric->ValueText();
}

const char*
FaultsText(bool hasFaults)
{
    return hasFaults ? "fault" : "steady";
}

/** "scheme" for the scheme's key, else the key. */
std::string
AxisTitle(const ComparisonAxis& axis)
{
    return axis.key == SCHEME_KEY ? "scheme" : axis.key;
}

/** "chain, chain.length=2, fault" */
std::string
Label(const Comparison& comparison, const ComparisonVariant& variant)
{
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < variant.values.size(); ++i)
    {
        const auto& axis = comparison.plan.axes[i];
        parts.push_back(axis.key == SCHEME_KEY ? variant.values[i]
                                               : fmt::format("{}={}", axis.key, variant.values[i]));
    }
    if (comparison.plan.faults == FaultSelection::BOTH || parts.empty())
    {
        parts.push_back(FaultsText(variant.hasFaults));
    }
    return Join(parts, ", ");
}

using Row = std::vector<std::string>;

constexpr std::size_t HEADING_ROWS = 3;

/** Heading and body; `leftColumns` gets the number of columns in front of the metrics. */
std::vector<Row>
Rows(const Comparison& comparison, std::size_t& leftColumns)
{
    std::vector<Row> rows(HEADING_ROWS);
    const bool bothRuns = comparison.plan.faults == FaultSelection::BOTH;
    const auto head = [&](const std::string& group, std::string title, std::string unit)
    {
        rows[0].push_back(group);
        rows[1].push_back(std::move(title));
        rows[2].push_back(std::move(unit));
    };
    for (const auto& axis : comparison.plan.axes)
    {
        head("", AxisTitle(axis), "");
    }
    if (bothRuns)
    {
        head("", "run", "");
    }
    leftColumns = rows[0].size();
    const auto columns = ColumnsOf(comparison);
    for (const auto& column : columns)
    {
        head(column.group, column.title, column.unit);
    }
    head("", "outcome", "");
    for (std::size_t i = 0; i < comparison.variants.size(); ++i)
    {
        const auto& variant = comparison.variants[i];
        Row row = variant.values;
        if (bothRuns)
        {
            row.emplace_back(FaultsText(variant.hasFaults));
        }
        for (const auto& column : columns)
        {
            row.push_back(Cell(column, comparison.results[i].outcome.metrics));
        }
        row.emplace_back(ToString(OutcomeOf(comparison, i)));
        rows.push_back(std::move(row));
    }
    return rows;
}

/** First column behind those that share the group's name of column `begin`. */
std::size_t
EndOfGroup(const Row& groups, std::size_t begin)
{
    auto end = begin + 1;
    while (end < groups.size() && !groups[begin].empty() && groups[end] == groups[begin])
    {
        ++end;
    }
    return end;
}

constexpr std::size_t COLUMN_GAP = 2;

/** Width of the columns from `begin` to `end`, gaps between them included. */
std::size_t
Span(const std::vector<std::size_t>& widths, std::size_t begin, std::size_t end)
{
    return std::accumulate(widths.begin() + static_cast<std::ptrdiff_t>(begin),
                           widths.begin() + static_cast<std::ptrdiff_t>(end),
                           COLUMN_GAP * (end - begin - 1));
}

std::vector<std::size_t>
WidthsOf(const std::vector<Row>& rows)
{
    std::vector<std::size_t> widths(rows.front().size());
    for (std::size_t line = 1; line < rows.size(); ++line)
    {
        for (std::size_t i = 0; i < widths.size(); ++i)
        {
            widths[i] = std::max(widths[i], rows[line][i].size());
        }
    }
    const auto& groups = rows.front();
    for (std::size_t i = 0; i < groups.size(); i = EndOfGroup(groups, i))
    {
        const auto span = Span(widths, i, EndOfGroup(groups, i));
        widths[i] += std::max(groups[i].size(), span) - span;
    }
    return widths;
}

/** Numbers to the right; the first columns and the last to the left; a group's name in the middle.
 */
std::string
Layout(const std::vector<Row>& rows, std::size_t leftColumns)
{
    const auto widths = WidthsOf(rows);
    std::string text;
    for (const auto& row : rows)
    {
        std::string line;
        const bool isGroups = &row == &rows.front();
        for (std::size_t i = 0; i < widths.size();)
        {
            const auto end = isGroups ? EndOfGroup(row, i) : i + 1;
            const char alignment = isGroups                                    ? '^'
                                   : i < leftColumns || i + 1 == widths.size() ? '<'
                                                                               : '>';
            const auto width = Span(widths, i, end);
            line += alignment == '^'   ? fmt::format("{:^{}}", row[i], width)
                    : alignment == '<' ? fmt::format("{:<{}}", row[i], width)
                                       : fmt::format("{:>{}}", row[i], width);
            line.append(COLUMN_GAP, ' ');
            i = end;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

/** Why a variant has no numbers, or which promises it has broken. */
const std::string&
ErrorOf(const Comparison& comparison, std::size_t variant)
{
    const auto& impossible = comparison.variants[variant].error;
    return impossible.empty() ? comparison.results[variant].error : impossible;
}

/** Members of an array or object, one a line, two columns further in than `indent`. */
std::string
JsonLines(const std::vector<std::string>& members, const std::string& indent)
{
    const auto separator = fmt::format("\n{}  ", indent);
    return members.empty()
               ? ""
               : fmt::format("{}{}\n{}", separator, Join(members, "," + separator), indent);
}

std::string
VariantJson(const Comparison& comparison, std::size_t index, const std::vector<Column>& columns)
{
    const auto& variant = comparison.variants[index];
    const auto& result = comparison.results[index];
    std::vector<std::string> values;
    for (std::size_t i = 0; i < variant.values.size(); ++i)
    {
        values.push_back(fmt::format(
            "{}: {}", JsonText(comparison.plan.axes[i].key), JsonText(variant.values[i])));
    }
    std::vector<std::string> metrics;
    for (const auto& column : columns)
    {
        if (const auto* metric = result.outcome.metrics.Find(column.metric))
        {
            metrics.push_back(fmt::format("{}: {}", JsonText(column.metric), ValueJson(*metric)));
        }
    }
    std::vector<std::string> violations;
    for (const auto& violation : result.outcome.violations)
    {
        violations.push_back(JsonText(violation));
    }
    const std::vector<std::string> members = {
        fmt::format("\"name\": {}", JsonText(variant.name)),
        fmt::format("\"values\": {{{}}}", Join(values, ", ")),
        fmt::format("\"faults\": {}", variant.hasFaults),
        fmt::format("\"outcome\": \"{}\"", ToString(OutcomeOf(comparison, index))),
        fmt::format("\"metrics\": {{{}}}", JsonLines(metrics, "      ")),
        fmt::format("\"violations\": [{}]", JsonLines(violations, "      ")),
        fmt::format("\"error\": {}", JsonText(ErrorOf(comparison, index))),
    };
    return fmt::format("{{{}}}", JsonLines(members, "    "));
}

} // namespace

const char*
ToString(VariantOutcome outcome)
{
    static constexpr const char* NAMES[] = {"ok", "violated", "failed", "impossible"};
    return NAMES[static_cast<std::size_t>(outcome)];
}

VariantOutcome
OutcomeOf(const Comparison& comparison, std::size_t variant)
{
    const auto& result = comparison.results[variant];
    if (!comparison.variants[variant].error.empty())
    {
        return VariantOutcome::IMPOSSIBLE;
    }
    if (!result.error.empty())
    {
        return VariantOutcome::FAILED;
    }
    return result.outcome.violations.empty() ? VariantOutcome::OK : VariantOutcome::VIOLATED;
}

ExitCode
Comparison::Exit() const
{
    ExitCode code = EXIT_ALL_HOLD;
    for (std::size_t i = 0; i < variants.size(); ++i)
    {
        switch (OutcomeOf(*this, i))
        {
        case VariantOutcome::OK:
            break;
        case VariantOutcome::VIOLATED:
            return EXIT_INVARIANT_VIOLATED;
        case VariantOutcome::FAILED:
        case VariantOutcome::IMPOSSIBLE:
            code = EXIT_BAD_INPUT;
            break;
        }
    }
    return code;
}

std::vector<std::string>
ComparisonMetrics()
{
    std::vector<std::string> names;
    for (const auto& column : UsualColumns())
    {
        names.push_back(column.metric);
    }
    return names;
}

std::string
ComparisonText(const Comparison& comparison)
{
    std::size_t leftColumns = 0;
    const auto rows = Rows(comparison, leftColumns);
    auto text = Layout(rows, leftColumns);
    for (std::size_t i = 0; i < comparison.variants.size(); ++i)
    {
        const auto label = Label(comparison, comparison.variants[i]);
        if (const auto& error = ErrorOf(comparison, i); !error.empty())
        {
            text += fmt::format("\n{} {}: {}", ToString(OutcomeOf(comparison, i)), label, error);
        }
        else if (!comparison.results[i].outcome.violations.empty())
        {
            text += fmt::format("\nviolated {}: {} (numbers until then)",
                                label,
                                comparison.results[i].outcome.violations.front());
        }
    }
    return text.ends_with('\n') ? text : text + "\n";
}

std::string
ComparisonCsv(const Comparison& comparison)
{
    Row heading;
    for (const auto& axis : comparison.plan.axes)
    {
        heading.push_back(axis.key);
    }
    heading.emplace_back("run");
    const auto columns = ColumnsOf(comparison);
    for (const auto& column : columns)
    {
        heading.push_back(fmt::format("{} [{}]", column.metric, FindMetric(column.metric)->unit));
    }
    heading.emplace_back("outcome");
    heading.emplace_back("error");
    std::string text = CsvLine(heading);
    for (std::size_t i = 0; i < comparison.variants.size(); ++i)
    {
        Row row = comparison.variants[i].values;
        row.emplace_back(FaultsText(comparison.variants[i].hasFaults));
        for (const auto& column : columns)
        {
            const auto* metric = comparison.results[i].outcome.metrics.Find(column.metric);
            row.push_back(metric == nullptr ? "" : metric->ValueText());
        }
        row.emplace_back(ToString(OutcomeOf(comparison, i)));
        const auto& violations = comparison.results[i].outcome.violations;
        row.push_back(violations.empty() ? ErrorOf(comparison, i) : violations.front());
        text += CsvLine(row);
    }
    return text;
}

std::string
ComparisonJson(const Comparison& comparison)
{
    const auto columns = ColumnsOf(comparison);
    std::vector<std::string> columnTexts;
    for (const auto& column : columns)
    {
        const auto* declaration = FindMetric(column.metric);
        columnTexts.push_back(fmt::format("{{\"metric\": {}, \"unit\": {}, \"meaning\": {}}}",
                                          JsonText(declaration->name),
                                          JsonText(declaration->unit),
                                          JsonText(declaration->meaning)));
    }
    std::vector<std::string> variantTexts;
    for (std::size_t i = 0; i < comparison.variants.size(); ++i)
    {
        variantTexts.push_back(VariantJson(comparison, i, columns));
    }
    return fmt::format("{{\n  \"schema\": 1,\n  \"scenario\": {},\n  \"columns\": [{}],\n"
                       "  \"variants\": [{}]\n}}\n",
                       JsonText(comparison.plan.file),
                       JsonLines(columnTexts, "  "),
                       JsonLines(variantTexts, "  "));
}

} // namespace flowchain
