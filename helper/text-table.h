// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_TEXT_TABLE_H
#define FLOWCHAIN_TEXT_TABLE_H

#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

/** One line of comma-separated values (RFC 4180). */
std::string CsvLine(const std::vector<std::string>& fields);

/** value / divisor with so many decimals, rounded half up. @pre value >= 0; divisor is a multiple
 * of 10 to the power of `decimals`, which is at least 1 */
std::string ScaledText(std::int64_t value, std::int64_t divisor, int decimals);

/** Rows under a heading for people; columns that hold only numbers to the right. All rows are as
 * long as the first. */
std::string AlignedTable(const std::vector<std::vector<std::string>>& rows);

} // namespace flowchain

#endif
