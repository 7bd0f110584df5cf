// SPDX-License-Identifier: GPL-2.0-only
#include "copy-store.h"

namespace flowchain
{

SessionStore::Outcome
StoreCopy(SessionStore& store, const SessionRecord& record, Actions& out)
{
    const SessionStore::Outcome outcome = store.Apply(record);
    for (const SessionRecord& superseded : store.Superseded())
    {
        out.notes.push_back({.kind = NoteKind::COPY_SUPERSEDED, .record = superseded});
    }
    switch (outcome)
    {
    case SessionStore::Outcome::INSERTED:
    case SessionStore::Outcome::UPDATED:
        out.notes.push_back(
            {.kind = NoteKind::COPY_STORED, .value = store.UpdatedVersion(), .record = record});
        break;
    case SessionStore::Outcome::CONFLICT:
        out.notes.push_back({.kind = NoteKind::COPY_CONFLICT, .record = record});
        break;
    case SessionStore::Outcome::FULL:
        out.notes.push_back({.kind = NoteKind::COPY_REFUSED, .record = record});
        break;
    case SessionStore::Outcome::UNCHANGED:
    case SessionStore::Outcome::DELETED:
        break;
    }
    return outcome;
}

} // namespace flowchain
