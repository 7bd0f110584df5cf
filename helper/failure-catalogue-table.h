// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAILURE_CATALOGUE_TABLE_H
#define FLOWCHAIN_FAILURE_CATALOGUE_TABLE_H

#include "failure-catalogue.h"

#include <string>
#include <vector>

namespace flowchain
{

/** What is shown of each run: "outcome", "faults", "lost", "broken", "disruption", "gap". */
std::vector<std::string> CatalogueColumns();

/**
 * A catalogue that has run as a table.
 * @param format "text", "rst" (a simple table of reStructuredText), "csv" or "json". Times are in
 * milliseconds, rounded, in the first two, else in nanoseconds, exactly
 * @param matrix one of CatalogueColumns(): a row for every scenario, a column for every scheme, and
 * that column's value in the cell; empty: a row for every run, and all columns. JSON has all anyway
 */
std::string
CatalogueTable(const Catalogue& catalogue, const std::string& format, const std::string& matrix);

} // namespace flowchain

#endif
