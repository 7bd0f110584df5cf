// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SYNC_MESSAGE_H
#define FLOWCHAIN_SYNC_MESSAGE_H

#include "frame.h"
#include "session-record.h"

#include <array>
#include <cstdint>

/*
 * A message on the wire: Ethernet, IPv4 and UDP to port 6081, Geneve (RFC 8926) with one to two
 * options of class 0xff0c (experimental, RFC 8926 section 7.1), then the inner Ethernet frame, or
 * the body of VIEW or BATCH, or nothing. All integers are big-endian, reserved bytes are 0 and
 * ignored.
 *
 *   Outer part   offset  size
 *   Ethernet          0    14  type 0x0800
 *   IPv4             14    20  no options, DF, identification 0, TTL 64
 *   UDP              34     8  checksum always there
 *   Geneve           42     8  version 0; with an inner frame type 0x6558, otherwise type 0x88b5
 *                              (IEEE local experimental) and the O bit (control packet)
 *   options          50     -  the message option is the first, so its data is at 54
 *
 *   Option 0x01, message, 32 bytes          Option 0x02, session record, 56 bytes
 *   offset size field                       offset size field
 *        0    1 kind                             0    8 id
 *        1    1 flags                            8    8 version
 *        2    2 source                          16   12 original: source address, destination
 *        4    1 sourceIncarnation                       address, source port, destination port
 *        5    1 targetIncarnation               28   12 translated, likewise
 *        6    1 position                        40    8 createdNs
 *        7    1 reason                          48    2 owner
 *        8    4 epoch                           50    2 service
 *       12    4 sequence                        52    1 state
 *       16    4 acknowledged                    53    1 protocol of original
 *       20    8 selective                       54    1 protocol of translated
 *       28    2 first                           55    1 reserved
 *       30    2 attempt
 *
 *   Option 0x03, flow entry, 44 bytes       Body of VIEW, 6 + count bytes, after the options
 *   offset size field                       offset size field
 *        0    8 session                          0    4 epoch
 *        8    8 version                          4    2 count, at most MAX_NODES
 *       16   12 match, as original above         6    1 of member 0: status in the upper 2 bits,
 *       28   12 rewrite, likewise                       incarnation in the lower 6
 *       40    2 owner                            7    1 of member 1, and so on
 *       42    1 protocol of match
 *       43    1 protocol of rewrite
 *
 *   Body of BATCH, after the options: one or more messages, each of them as
 *   offset size field
 *        0    2 length of the options that follow, a multiple of 4
 *        2    - options of the message as above, the message option first
 */
namespace flowchain
{

/** What a message between nodes asks for. The value is the first byte of the message option. */
enum class MessageKind : std::uint8_t
{
    PACKET_IN = 1,     ///< accelerator to manager: a packet without a flow entry (unsequenced)
    PROCESS = 2,       ///< manager to service node: process this packet, return state and packet
    STATE = 3,         ///< service node to manager: session state and processed packet
    CHAIN = 4,         ///< manager to its successor: store the state and forward it
    CHAIN_DONE = 5,    ///< tail to first manager: every member of the chain has the state
    FAN_OUT = 6,       ///< second manager to service node, owner to manager: store the state
    FAN_OUT_DONE = 7,  ///< second to first manager: every service node has the state
    REVERSE_ENTRY = 8, ///< first to third manager: entry of the reverse direction
    ENTRY = 9,         ///< manager to accelerator: flow entry, and the packet that missed, if any
    ACK = 10,          ///< acknowledgement only (unsequenced)
    HEARTBEAT = 11,    ///< node to controller (unsequenced; counted by itself)
    VIEW = 12,         ///< controller to node: membership view
    SNAPSHOT = 13,     ///< service node or manager to joining service node: state that it lacks
    SNAPSHOT_END = 14, ///< the joining node has all that its donor had
    REFUSAL = 15,      ///< negative acknowledgement: not stored, and not received (unsequenced)
    FETCH = 16,        ///< service node to store: is there a session with this tuple?
    FETCHED = 17,      ///< store to service node: the session, or REFUSED: there is none
    BATCH = 18,        ///< several messages in one frame (unsequenced; each of them has its number)
    OBSERVED = 19,     ///< accelerator to owner: TCP flags that matter, for the first time
    REFRESH = 20,      ///< accelerator to owner: the session has had packets
    REMOVE = 21,       ///< owner to all: delete the session; manager to owner: have it deleted
};
constexpr MessageKind LAST_MESSAGE_KIND = MessageKind::REMOVE;

/** Whether the value names a kind. */
constexpr bool
IsMessageKind(std::uint8_t value)
{
    return value >= 1 && value <= static_cast<std::uint8_t>(LAST_MESSAGE_KIND);
}

/** Bits of MessageHeader::flags. */
namespace message_flag
{
constexpr std::uint8_t EXISTING = 0x01; ///< STATE: the session was known before this packet
constexpr std::uint8_t REVERSE = 0x02;  ///< STATE: the packet travels against the first packet
constexpr std::uint8_t REFUSED = 0x04;  ///< STATE: no session; the packet was dropped there
constexpr std::uint8_t READY = 0x08;    ///< HEARTBEAT: a service node that has all the state
constexpr std::uint8_t RESEND = 0x10;   ///< sent before; set on retransmission
constexpr std::uint8_t ADOPTED = 0x20;  ///< STATE: the session has just changed its owner
constexpr std::uint8_t UPDATE = 0x40;   ///< STATE: nobody asked; a known session has a new state
constexpr std::uint8_t RELEASED = 0x80; ///< STATE: the packet has been sent on; it is not here
constexpr std::uint8_t DRAINED = 0x40;  ///< HEARTBEAT: of a draining node: nothing is pending here
} // namespace message_flag

/** What an accelerator tells of a TCP connection: MessageHeader::position of OBSERVED. Each bit is
 * about the direction of the message's entry. */
namespace tcp_observation
{
constexpr std::uint8_t SYN = 0x01; ///< a SYN without ACK, after a FIN or RST: opened again
constexpr std::uint8_t ACK = 0x02; ///< an ACK without SYN
constexpr std::uint8_t FIN = 0x04;
constexpr std::uint8_t RST = 0x08;
} // namespace tcp_observation

/** Addressing and reliability of every message; 32 bytes in one Geneve option. */
struct MessageHeader
{
    MessageKind kind = MessageKind::ACK;
    std::uint8_t flags = 0;
    NodeId source = NO_NODE;
    std::uint8_t sourceIncarnation = 0; ///< how often the sender has restarted
    std::uint8_t targetIncarnation = 0; ///< of the receiver, as the sender knows it
    /** CHAIN: position of the receiver, 1 is the first manager. OBSERVED: a mask of
     * tcp_observation. REMOVE: how many removals of the sender, this one included, are not
     * confirmed yet, counted from the oldest one; 0: the receiver is to remove the session. */
    std::uint8_t position = 0;
    std::uint8_t reason = 0;    ///< REFUSAL, and STATE, CHAIN_DONE, FAN_OUT_DONE with REFUSED: why
    std::uint32_t epoch = 0;    ///< of the sender's view
    std::uint32_t sequence = 0; ///< from 1 for each ordered pair of nodes; 0: unsequenced
    std::uint32_t acknowledged = 0; ///< all sequence numbers up to this one have arrived
    std::uint64_t selective = 0;    ///< bit i: acknowledged + 2 + i has arrived (RFC 2018's idea)
    NodeId first = NO_NODE;         ///< CHAIN, CHAIN_DONE, FAN_OUT_DONE: root of the spread
    /** Of the spread; echoed in CHAIN_DONE and FAN_OUT_DONE. REMOVE: number among the sender's
     * removals, modulo 65536. BATCH: how many messages it has. */
    std::uint16_t attempt = 0;

    friend bool operator==(const MessageHeader&, const MessageHeader&) = default;
};

/** The number in `first` and `attempt`: of REFUSAL the refused sequence number; of FETCH and
 * FETCHED the asker's slot; of HEARTBEAT how many the node has sent in this life, this one
 * included. */
constexpr std::uint32_t
NumberOf(const MessageHeader& header)
{
    return std::uint32_t{header.first} << 16 | header.attempt;
}

constexpr void
SetNumber(MessageHeader& header, std::uint32_t number)
{
    header.first = static_cast<NodeId>(number >> 16);
    header.attempt = static_cast<std::uint16_t>(number);
}

/** What a node's entry in a view says. */
enum class MemberStatus : std::uint8_t
{
    DOWN = 0,
    JOINING = 1, ///< receives live updates and a snapshot, is not selected yet
    ACTIVE = 2,
    DRAINING = 3, ///< receives live updates, is not selected any more, finishes what it has
};

constexpr std::size_t MAX_NODES = 160;

/** Body of VIEW: status and incarnation of every node, at its NodeId. */
struct ViewBody
{
    struct Member
    {
        MemberStatus status = MemberStatus::DOWN;
        std::uint8_t incarnation = 0; ///< modulo 64

        friend bool operator==(const Member&, const Member&) = default;
    };

    std::uint32_t epoch = 0;
    std::uint16_t count = 0;
    std::array<Member, MAX_NODES> members{};

    friend bool operator==(const ViewBody&, const ViewBody&) = default;
};

/**
 * A decoded message. Which body is present follows from `kind`, and the codec refuses a message
 * that lacks its body or has another one: `record` for STATE (unless REFUSED, where only
 * record.original counts), CHAIN, CHAIN_DONE, FAN_OUT, FAN_OUT_DONE, SNAPSHOT, REMOVE; `entry` for
 * REVERSE_ENTRY, ENTRY, OBSERVED and REFRESH; messages for BATCH; `view` for VIEW. An inner
 * Ethernet frame is present exactly in PACKET_IN, PROCESS, and STATE without REFUSED or RELEASED,
 * and may be in ENTRY, CHAIN and CHAIN_DONE. PACKET_IN with EXISTING has the `entry` that is no
 * longer usable. REFUSAL, FETCH, FETCHED and HEARTBEAT have a number, its upper half in `first`,
 * its lower in `attempt`. Of FETCH, and of FETCHED with REFUSED, only record.original counts. The
 * protocols of both tuples of a record or entry must be the same, and TCP, UDP or ICMP; those of a
 * REFUSED record's `translated` may be anything that IpProtocol names.
 */
struct SyncMessage
{
    MessageHeader header;
    SessionRecord record;
    FlowEntry entry;
    bool hasInnerFrame = false;
};

/** Outer addresses of a message; the UDP source port carries the inner flow's entropy (RFC 8926).
 */
struct Underlay
{
    std::array<std::uint8_t, 6> sourceMac{};
    std::array<std::uint8_t, 6> destinationMac{};
    std::uint32_t sourceAddress = 0;
    std::uint32_t destinationAddress = 0;
    std::uint16_t sourcePort = 49152;
    std::uint32_t vni = 0; ///< 24 bits: the service group
};

/** Why bytes are not a message; every value names a counted drop. */
enum class DecodeVerdict : std::uint8_t
{
    OK = 0,
    NOT_GENEVE,   ///< not plain IPv4 with whole UDP datagram to port 6081: look for a data packet
    TRUNCATED,    ///< a length disagrees with the bytes that are there
    BAD_CHECKSUM, ///< outer IPv4 or UDP checksum wrong, or UDP checksum absent
    BAD_VERSION,  ///< Geneve version other than 0
    BAD_OPTION,   ///< unknown critical, repeated or wrongly sized option; no message option
    BAD_KIND,     ///< message kind out of range
    BAD_BODY,     ///< body or inner frame missing or out of place, or a field out of range
};

/** @returns a lower-case name such as "bad-checksum". */
const char* ToString(DecodeVerdict verdict);
const char* ToString(MessageKind kind);

/**
 * Encapsulate: prepend outer Ethernet, IPv4, UDP, Geneve with the options that message.header.kind
 * asks for to `frame`, which holds the inner Ethernet frame or is empty. All outer checksums are
 * right afterwards, the UDP checksum over header bytes and payload included.
 * @pre frame is empty exactly if !message.hasInnerFrame, and has the headroom; kind is not VIEW or
 * BATCH
 */
void Encapsulate(const SyncMessage& message, const Underlay& underlay, Frame& frame);

/** Make `frame`, which must be as after Reset(), a VIEW message. @pre view.count <= MAX_NODES */
void EncapsulateView(const MessageHeader& header,
                     const ViewBody& view,
                     const Underlay& underlay,
                     Frame& frame);

/**
 * Check outer headers, checksums and options of `frame` and decode them. `frame` is unchanged.
 * @param[out] outerLength header bytes in front of the inner frame, for Frame::TrimFront
 */
DecodeVerdict Decode(const Frame& frame, SyncMessage& message, std::size_t& outerLength);

/** The Geneve VNI of a frame for which Decode() gave OK. */
std::uint32_t VniOf(const Frame& frame);

/** Decode the body of a frame for which Decode() gave OK and kind VIEW: OK, TRUNCATED or BAD_BODY.
 */
DecodeVerdict DecodeView(const Frame& frame, ViewBody& view);

/**
 * The kind of a message by a look at its fixed offset, for choosing a processing cost before the
 * message is checked.
 * @returns whether there is a kind in PACKET_IN..LAST_MESSAGE_KIND; false for any frame of which
 * Decode() says NOT_GENEVE
 */
bool PeekKind(const Frame& frame, MessageKind& kind);

/**
 * Overwrite epoch, acknowledgement fields and target incarnation of an encoded message that has
 * waited, and repair the UDP checksum (RFC 1624, eqn. 3).
 * @param isResend set message_flag::RESEND: the message has been sent before
 * @pre frame was made by Encapsulate() or EncapsulateView()
 */
void Restamp(Frame& frame, const MessageHeader& header, bool isResend);

} // namespace flowchain

#endif
