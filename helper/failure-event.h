// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAILURE_EVENT_H
#define FLOWCHAIN_FAILURE_EVENT_H

#include "actions.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

/** "chain.send#3": something that happens in a run, and which time. */
struct FailureEvent
{
    enum class Kind : std::uint8_t
    {
        SEND,    ///< a node puts the message on its link, retransmissions included
        RECEIVE, ///< a live node has processed the message
        NOTE,    ///< a machine's note
    };

    Kind kind = Kind::NOTE;
    MessageKind message = MessageKind::ACK; ///< of SEND and RECEIVE
    NoteKind note = NoteKind::RELEASED;     ///< of NOTE
    bool ofController = false;              ///< only the controller's notes count
    std::uint64_t number = 1;               ///< from 1

    friend bool operator==(const FailureEvent&, const FailureEvent&) = default;
};

/** @returns nothing if the text is no event. */
std::optional<FailureEvent> ParseFailureEvent(std::string_view text);

/** Every event, without its number. */
std::vector<std::string> FailureEventNames();

} // namespace flowchain

#endif
