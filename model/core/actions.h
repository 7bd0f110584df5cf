// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_ACTIONS_H
#define FLOWCHAIN_ACTIONS_H

#include "frame-pool.h"
#include "session-record.h"
#include "sync-message.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowchain
{

/** What a machine tells an onlooker. A note has no effect on the protocol. */
enum class NoteKind : std::uint8_t
{
    MISSED,           ///< accelerator: packet without usable entry goes to manager `peer`
    ENTRY_INSTALLED,  ///< accelerator: has `record`'s entry that matches record.original
    ENTRY_REFUSED,    ///< accelerator: table full
    ASKED,            ///< manager: packet goes to service node `peer`
    SLOW_REVERSE,     ///< manager: reverse packet (record.original) without entry; it asks `peer`
    CREATED,          ///< service node: new session
    ADOPTED,          ///< service node: took note that record.owner takes over from a dead node
    STATE_RECEIVED,   ///< first manager: got the session state
    COPY_STORED,      ///< manager or service node: holds `record` now; value is the version that it
                      ///< replaces, which is older, or 0
    COPY_CONFLICT,    ///< manager or service node: a newer session has the tuple; not stored
    COPY_SUPERSEDED,  ///< manager or service node: record.id made way for a newer session
    COPY_REFUSED,     ///< manager or service node: table full
    REVERSE_STORED,   ///< third manager: has the reverse entry of record.id
    RELEASED,         ///< manager: the session's waiting packets go on
    VIEW_ADOPTED,     ///< any: value is the epoch
    REMOVED,          ///< any: the view says that this node is down; it must restart
    DRAINED,          ///< any: this node, which was draining, is out of the view; it stops
    STALE_REFUSED,    ///< any: refused a message of an older epoch or incarnation
    RETRANSMITTED,    ///< any: value messages were sent again
    ABANDONED,        ///< any: a message to `peer` was given up
    SUSPECTED,        ///< controller: `peer` sends no heartbeats
    READMITTED,       ///< controller: `peer` is back, value is its MemberStatus
    DRAIN_STARTED,    ///< controller: `peer` is to be drained
    REQUEST_REFUSED,  ///< controller: what was asked for about `peer` cannot be done
    CONTROL_RESUMED,  ///< controller: has restarted and knows `value` members again
    SNAPSHOT_STARTED, ///< donor: sends its state to joining service node `peer`
    SNAPSHOT_ENDED,   ///< service node: has all of its donors; `peer` is the last, or NO_NODE: gave
                      ///< up
    STATE_CHANGED,    ///< owner: record.state is the session's TCP state now
    DELETED,          ///< owner: begins to remove record everywhere; value is a DeletionCause
    COPY_REMOVED,     ///< any: has taken its copy of record out
    ENTRY_REMOVED,    ///< accelerator or manager: has taken out record's entry for record.original
    DELETION_CONFIRMED, ///< owner: nobody has record any more; its ports are free
    REPAIRED, ///< owner: sends record to the `value` managers that its chain has newly got
};
constexpr NoteKind LAST_NOTE_KIND = NoteKind::REPAIRED;

/** Why a session is deleted. */
enum class DeletionCause : std::uint8_t
{
    CLOSED,     ///< its TCP connection was closed or reset, and has lingered long enough
    AGED,       ///< it has had no packets for too long
    ABANDONED,  ///< it was refused or given up before its packets were released
    SUPERSEDED, ///< a newer session has its tuple
    TAKEN_OVER, ///< whoever was deleting it is gone
};
constexpr std::size_t DELETION_CAUSE_COUNT = 5;

struct Note
{
    NoteKind kind;
    NodeId peer = NO_NODE;
    std::uint32_t packetId = 0; ///< the data packet that is concerned, if any
    std::uint64_t value = 0;
    SessionRecord record{};
};

/**
 * Effects of one step of a machine. The driver carries them out in this order: notes, then frames
 * to send, then frames to hand to the host, each list from its front.
 */
struct Actions
{
    std::vector<Note> notes;
    std::vector<FramePtr> sends;      ///< complete frames with Ethernet addresses set
    std::vector<FramePtr> deliveries; ///< edge hosts: data packets that have arrived

    void Clear()
    {
        notes.clear();
        sends.clear();
        deliveries.clear();
    }
};

} // namespace flowchain

#endif
