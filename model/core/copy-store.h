// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_COPY_STORE_H
#define FLOWCHAIN_COPY_STORE_H

#include "actions.h"
#include "session-store.h"

namespace flowchain
{

/** Apply a record to a node's store and note what has become of it. */
SessionStore::Outcome StoreCopy(SessionStore& store, const SessionRecord& record, Actions& out);

} // namespace flowchain

#endif
