// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RESULT_SCHEMA_H
#define FLOWCHAIN_RESULT_SCHEMA_H

namespace flowchain
{

constexpr int RESULT_APPLICATION_ID = 0x666c6f77; ///< PRAGMA application_id: "flow"
constexpr int RESULT_SCHEMA_VERSION = 1;          ///< PRAGMA user_version

/** The statements that lead from each version of the schema to the next one; index: the version
 * that they start from, 0 being an empty database. */
extern const char* const RESULT_MIGRATIONS[RESULT_SCHEMA_VERSION];

} // namespace flowchain

#endif
