// SPDX-License-Identifier: GPL-2.0-only
#include "text-table.h"

#include "spelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace flowchain
{

namespace
{

using Row = std::vector<std::string>;

constexpr const char* COLUMN_GAP = "  ";

std::string
CsvField(const std::string& text)
{
    if (text.find_first_of(",\"\r\n") == std::string::npos)
    {
        return text;
    }
    std::string quoted{'"'};
    for (const char c : text)
    {
        quoted.append(c == '"' ? 2 : 1, c);
    }
    quoted.push_back('"');
    return quoted;
}

bool
IsNumber(const std::string& text)
{
    char* end = nullptr;
    std::strtod(text.c_str(), &end);
    return end != text.c_str() && *end == '\0';
}

} // namespace

std::string
CsvLine(const Row& fields)
{
    Row quoted(fields.size());
    std::transform(fields.begin(), fields.end(), quoted.begin(), CsvField);
    return Join(quoted, ",") + "\r\n";
}

std::string
ScaledText(std::int64_t value, std::int64_t divisor, int decimals)
{
    std::int64_t scale = 1;
    for (int i = 0; i < decimals; ++i)
    {
        scale *= 10;
    }
    const std::int64_t step = divisor / scale;
    const std::int64_t rounded = value / step + (value % step * 2 >= step ? 1 : 0);
    return fmt::format("{}.{:0{}}", rounded / scale, rounded % scale, decimals);
}

std::string
AlignedTable(const std::vector<Row>& rows)
{
    const std::size_t columns = rows.front().size();
    std::vector<std::size_t> widths(columns);
    std::vector<bool> areNumbers(columns, rows.size() > 1);
    for (const Row& row : rows)
    {
        for (std::size_t i = 0; i < columns; ++i)
        {
            widths[i] = std::max(widths[i], row[i].size());
            const bool fits = &row == &rows.front() || row[i].empty() || IsNumber(row[i]);
            areNumbers[i] = areNumbers[i] && fits;
        }
    }
    std::string text;
    for (const Row& row : rows)
    {
        std::string line;
        for (std::size_t i = 0; i < columns; ++i)
        {
            line += i == 0 ? "" : COLUMN_GAP;
            line += areNumbers[i] ? fmt::format("{:>{}}", row[i], widths[i])
                                  : fmt::format("{:<{}}", row[i], widths[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

} // namespace flowchain
