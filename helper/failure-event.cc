// SPDX-License-Identifier: GPL-2.0-only
#include "failure-event.h"

#include <algorithm>
#include <charconv>

namespace flowchain
{

namespace
{

struct NamedNote
{
    const char* name;
    NoteKind note;
    bool ofController = false;
};

constexpr NamedNote NOTES[] = {
    {"miss", NoteKind::MISSED},
    {"ask", NoteKind::ASKED},
    {"create", NoteKind::CREATED},
    {"store", NoteKind::COPY_STORED},
    {"reverse", NoteKind::REVERSE_STORED},
    {"release", NoteKind::RELEASED},
    {"install", NoteKind::ENTRY_INSTALLED},
    {"adopt", NoteKind::ADOPTED},
    {"delete", NoteKind::DELETED},
    {"deleted", NoteKind::DELETION_CONFIRMED},
    {"suspect", NoteKind::SUSPECTED},
    {"readmit", NoteKind::READMITTED},
    {"view", NoteKind::VIEW_ADOPTED, true},
};

/** BATCH is a frame, not a message. */
bool
IsMessage(std::uint8_t value)
{
    return IsMessageKind(value) && static_cast<MessageKind>(value) != MessageKind::BATCH;
}

bool
ReadName(std::string_view name, FailureEvent& event)
{
    for (std::uint8_t value = 1; value <= static_cast<std::uint8_t>(LAST_MESSAGE_KIND); ++value)
    {
        const std::string_view message = ToString(static_cast<MessageKind>(value));
        if (IsMessage(value) && name.starts_with(message))
        {
            const auto way = name.substr(message.size());
            if (way == ".send" || way == ".receive")
            {
                event.kind =
                    way == ".send" ? FailureEvent::Kind::SEND : FailureEvent::Kind::RECEIVE;
                event.message = static_cast<MessageKind>(value);
                return true;
            }
        }
    }
    const auto* const found = std::ranges::find(NOTES, name, &NamedNote::name);
    if (found == std::end(NOTES))
    {
        return false;
    }
    event.note = found->note;
    event.ofController = found->ofController;
    return true;
}

} // namespace

std::optional<FailureEvent>
ParseFailureEvent(std::string_view text)
{
    const auto hash = text.find('#');
    FailureEvent event;
    if (hash == std::string_view::npos || !ReadName(text.substr(0, hash), event))
    {
        return std::nullopt;
    }
    const auto* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data() + hash + 1, end, event.number);
    const bool isNumber = result.ec == std::errc{} && result.ptr == end && event.number > 0;
    return isNumber ? std::optional(event) : std::nullopt;
}

std::vector<std::string>
FailureEventNames()
{
    std::vector<std::string> names;
    for (const NamedNote& note : NOTES)
    {
        names.emplace_back(note.name);
    }
    for (std::uint8_t value = 1; value <= static_cast<std::uint8_t>(LAST_MESSAGE_KIND); ++value)
    {
        if (IsMessage(value))
        {
            const std::string message = ToString(static_cast<MessageKind>(value));
            names.push_back(message + ".send");
            names.push_back(message + ".receive");
        }
    }
    return names;
}

} // namespace flowchain
