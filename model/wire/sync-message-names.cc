// SPDX-License-Identifier: GPL-2.0-only
#include "sync-message.h"

namespace flowchain
{

const char*
ToString(DecodeVerdict verdict)
{
    switch (verdict)
    {
    case DecodeVerdict::OK:
        return "ok";
    case DecodeVerdict::NOT_GENEVE:
        return "not-geneve";
    case DecodeVerdict::TRUNCATED:
        return "truncated";
    case DecodeVerdict::BAD_CHECKSUM:
        return "bad-checksum";
    case DecodeVerdict::BAD_VERSION:
        return "bad-version";
    case DecodeVerdict::BAD_OPTION:
        return "bad-option";
    case DecodeVerdict::BAD_KIND:
        return "bad-kind";
    case DecodeVerdict::BAD_BODY:
        return "bad-body";
    }
    return "invalid";
}

const char*
ToString(MessageKind kind)
{
    switch (kind)
    {
    case MessageKind::PACKET_IN:
        return "packet-in";
    case MessageKind::PROCESS:
        return "process";
    case MessageKind::STATE:
        return "state";
    case MessageKind::CHAIN:
        return "chain";
    case MessageKind::CHAIN_DONE:
        return "chain-done";
    case MessageKind::FAN_OUT:
        return "fan-out";
    case MessageKind::FAN_OUT_DONE:
        return "fan-out-done";
    case MessageKind::REVERSE_ENTRY:
        return "reverse-entry";
    case MessageKind::ENTRY:
        return "entry";
    case MessageKind::ACK:
        return "ack";
    case MessageKind::HEARTBEAT:
        return "heartbeat";
    case MessageKind::VIEW:
        return "view";
    case MessageKind::SNAPSHOT:
        return "snapshot";
    case MessageKind::SNAPSHOT_END:
        return "snapshot-end";
    case MessageKind::REFUSAL:
        return "refusal";
    case MessageKind::FETCH:
        return "fetch";
    case MessageKind::FETCHED:
        return "fetched";
    case MessageKind::BATCH:
        return "batch";
    case MessageKind::OBSERVED:
        return "observed";
    case MessageKind::REFRESH:
        return "refresh";
    case MessageKind::REMOVE:
        return "remove";
    }
    return "invalid";
}

} // namespace flowchain
