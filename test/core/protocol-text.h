// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROTOCOL_TEXT_H
#define FLOWCHAIN_PROTOCOL_TEXT_H

#include "actions.h"

#include <cstdint>
#include <string>

namespace flowchain
{

const char* NameOfNote(NoteKind kind);

/** "active" */
const char* NameOfStatus(MemberStatus status);

/** "packet-in" as "PACKET_IN". */
std::string Capitals(std::string name);

/** "10.0.0.1:80" */
std::string TextOfEndpoint(const Endpoint& endpoint);

/** "v1.2": epoch and counter. */
std::string TextOfVersion(SessionVersion version);

/** " SYN+ACK", or nothing. */
std::string TextOfTcpFlags(std::uint8_t flags);

/** " ACK FIN" of a mask of tcp_observation. */
std::string TextOfObservation(std::uint8_t seen);

/** " closing"; nothing of a state that the first packet gives. */
std::string TextOfState(SessionState state);

std::string TextOfCause(DeletionCause cause);

/** " EXISTING ADOPTED", or nothing. */
std::string TextOfMessageFlags(std::uint8_t flags);

} // namespace flowchain

#endif
