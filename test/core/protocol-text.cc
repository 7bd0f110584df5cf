// SPDX-License-Identifier: GPL-2.0-only
#include "protocol-text.h"

#include "packet-view.h"

#include <array>
#include <cctype>
#include <utility>

namespace flowchain
{

const char*
NameOfNote(NoteKind kind)
{
    switch (kind)
    {
    case NoteKind::MISSED:
        return "MISSED";
    case NoteKind::ENTRY_INSTALLED:
        return "ENTRY_INSTALLED";
    case NoteKind::ENTRY_REFUSED:
        return "ENTRY_REFUSED";
    case NoteKind::ASKED:
        return "ASKED";
    case NoteKind::SLOW_REVERSE:
        return "SLOW_REVERSE";
    case NoteKind::CREATED:
        return "CREATED";
    case NoteKind::ADOPTED:
        return "ADOPTED";
    case NoteKind::STATE_RECEIVED:
        return "STATE_RECEIVED";
    case NoteKind::COPY_STORED:
        return "COPY_STORED";
    case NoteKind::COPY_CONFLICT:
        return "COPY_CONFLICT";
    case NoteKind::COPY_SUPERSEDED:
        return "COPY_SUPERSEDED";
    case NoteKind::COPY_REFUSED:
        return "COPY_REFUSED";
    case NoteKind::REVERSE_STORED:
        return "REVERSE_STORED";
    case NoteKind::RELEASED:
        return "RELEASED";
    case NoteKind::VIEW_ADOPTED:
        return "VIEW_ADOPTED";
    case NoteKind::REMOVED:
        return "REMOVED";
    case NoteKind::STALE_REFUSED:
        return "STALE_REFUSED";
    case NoteKind::RETRANSMITTED:
        return "RETRANSMITTED";
    case NoteKind::ABANDONED:
        return "ABANDONED";
    case NoteKind::SUSPECTED:
        return "SUSPECTED";
    case NoteKind::READMITTED:
        return "READMITTED";
    case NoteKind::DRAINED:
        return "DRAINED";
    case NoteKind::DRAIN_STARTED:
        return "DRAIN_STARTED";
    case NoteKind::REQUEST_REFUSED:
        return "REQUEST_REFUSED";
    case NoteKind::CONTROL_RESUMED:
        return "CONTROL_RESUMED";
    case NoteKind::SNAPSHOT_STARTED:
        return "SNAPSHOT_STARTED";
    case NoteKind::SNAPSHOT_ENDED:
        return "SNAPSHOT_ENDED";
    case NoteKind::STATE_CHANGED:
        return "STATE_CHANGED";
    case NoteKind::DELETED:
        return "DELETED";
    case NoteKind::COPY_REMOVED:
        return "COPY_REMOVED";
    case NoteKind::ENTRY_REMOVED:
        return "ENTRY_REMOVED";
    case NoteKind::DELETION_CONFIRMED:
        return "DELETION_CONFIRMED";
    case NoteKind::REPAIRED:
        return "REPAIRED";
    }
    return "?";
}

const char*
NameOfStatus(MemberStatus status)
{
    static constexpr std::array<const char*, 4> NAMES = {"down", "joining", "active", "draining"};
    return NAMES[static_cast<std::size_t>(status)];
}

std::string
Capitals(std::string name)
{
    for (char& c : name)
    {
        c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return name;
}

namespace
{

std::string
TextOfAddress(std::uint32_t address)
{
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8)
    {
        text += std::to_string((address >> shift) & 0xff) + (shift > 0 ? "." : "");
    }
    return text;
}

} // namespace

std::string
TextOfEndpoint(const Endpoint& endpoint)
{
    return TextOfAddress(endpoint.address) + ":" + std::to_string(endpoint.port);
}

std::string
TextOfVersion(SessionVersion version)
{
    return std::string("v") + std::to_string(version >> 32) + "." +
           std::to_string(version & 0xffffffff);
}

std::string
TextOfTcpFlags(std::uint8_t flags)
{
    std::string text;
    constexpr std::array<std::pair<std::uint8_t, const char*>, 4> NAMES = {
        {{tcp_flag::SYN, "SYN"},
         {tcp_flag::FIN, "FIN"},
         {tcp_flag::RST, "RST"},
         {tcp_flag::ACK, "ACK"}}};
    for (const auto& [bit, name] : NAMES)
    {
        if ((flags & bit) != 0)
        {
            text += text.empty() ? " " : "+";
            text += name;
        }
    }
    return text;
}

std::string
TextOfObservation(std::uint8_t seen)
{
    std::string text;
    constexpr std::array<std::pair<std::uint8_t, const char*>, 4> NAMES = {
        {{tcp_observation::SYN, " SYN"},
         {tcp_observation::ACK, " ACK"},
         {tcp_observation::FIN, " FIN"},
         {tcp_observation::RST, " RST"}}};
    for (const auto& [bit, name] : NAMES)
    {
        text += (seen & bit) != 0 ? name : "";
    }
    return text;
}

std::string
TextOfState(SessionState state)
{
    switch (state)
    {
    case SessionState::NEW:
    case SessionState::SYN_SENT:
        return "";
    case SessionState::ESTABLISHED:
        return " established";
    case SessionState::CLOSING:
        return " closing";
    case SessionState::DELETED:
        return " deleted";
    }
    return " ?";
}

std::string
TextOfCause(DeletionCause cause)
{
    switch (cause)
    {
    case DeletionCause::CLOSED:
        return "closed";
    case DeletionCause::AGED:
        return "aged";
    case DeletionCause::ABANDONED:
        return "abandoned";
    case DeletionCause::SUPERSEDED:
        return "superseded";
    case DeletionCause::TAKEN_OVER:
        return "taken over";
    }
    return "?";
}

std::string
TextOfMessageFlags(std::uint8_t flags)
{
    constexpr std::array<std::pair<std::uint8_t, const char*>, 7> NAMES = {
        {{message_flag::EXISTING, " EXISTING"},
         {message_flag::REVERSE, " REVERSE"},
         {message_flag::REFUSED, " REFUSED"},
         {message_flag::READY, " READY"},
         {message_flag::ADOPTED, " ADOPTED"},
         {message_flag::DRAINED, " DRAINED"},
         {message_flag::RESEND, " again"}}};
    std::string text;
    for (const auto& [bit, name] : NAMES)
    {
        text += (flags & bit) != 0 ? name : "";
    }
    return text;
}

} // namespace flowchain
