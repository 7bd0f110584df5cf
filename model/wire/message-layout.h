// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_MESSAGE_LAYOUT_H
#define FLOWCHAIN_MESSAGE_LAYOUT_H

#include "ethernet.h"
#include "frame.h"
#include "geneve.h"
#include "ipv4.h"
#include "sync-message.h"
#include "udp.h"

#include <cstddef>
#include <cstdint>
#include <span>

/** Offsets of the tables in sync-message.h, and the codec of each option's data. */
namespace flowchain::layout
{

constexpr std::size_t IP = ethernet::HEADER_SIZE;
constexpr std::size_t UDP = IP + ipv4::HEADER_SIZE;
constexpr std::size_t GENEVE = UDP + udp::HEADER_SIZE;
constexpr std::size_t OPTIONS = GENEVE + geneve::HEADER_SIZE;
constexpr std::size_t MESSAGE_DATA = OPTIONS + geneve::OPTION_HEADER_SIZE;

constexpr std::uint16_t OPTION_CLASS = 0xff0c;
constexpr std::uint8_t OPTION_MESSAGE = 0x01;
constexpr std::uint8_t OPTION_RECORD = 0x02;
constexpr std::uint8_t OPTION_ENTRY = 0x03;

constexpr std::size_t MESSAGE_SIZE = 32;
constexpr std::size_t RECORD_SIZE = 56;
constexpr std::size_t ENTRY_SIZE = 44;

namespace message
{
constexpr std::size_t KIND = 0;
constexpr std::size_t FLAGS = 1;
constexpr std::size_t SOURCE = 2;
constexpr std::size_t SOURCE_INCARNATION = 4;
constexpr std::size_t TARGET_INCARNATION = 5;
constexpr std::size_t POSITION = 6;
constexpr std::size_t REASON = 7;
constexpr std::size_t EPOCH = 8;
constexpr std::size_t SEQUENCE = 12;
constexpr std::size_t ACKNOWLEDGED = 16;
constexpr std::size_t SELECTIVE = 20;
constexpr std::size_t FIRST = 28;
constexpr std::size_t ATTEMPT = 30;
} // namespace message

namespace tuple
{
constexpr std::size_t SOURCE_ADDRESS = 0;
constexpr std::size_t DESTINATION_ADDRESS = 4;
constexpr std::size_t SOURCE_PORT = 8;
constexpr std::size_t DESTINATION_PORT = 10;
} // namespace tuple

namespace record
{
constexpr std::size_t ID = 0;
constexpr std::size_t VERSION = 8;
constexpr std::size_t ORIGINAL = 16;
constexpr std::size_t TRANSLATED = 28;
constexpr std::size_t CREATED_NS = 40;
constexpr std::size_t OWNER = 48;
constexpr std::size_t SERVICE = 50;
constexpr std::size_t STATE = 52;
constexpr std::size_t ORIGINAL_PROTOCOL = 53;
constexpr std::size_t TRANSLATED_PROTOCOL = 54;
constexpr std::size_t RESERVED = 55;
} // namespace record

namespace entry
{
constexpr std::size_t SESSION = 0;
constexpr std::size_t VERSION = 8;
constexpr std::size_t MATCH = 16;
constexpr std::size_t REWRITE = 28;
constexpr std::size_t OWNER = 40;
constexpr std::size_t MATCH_PROTOCOL = 42;
constexpr std::size_t REWRITE_PROTOCOL = 43;
} // namespace entry

namespace view
{
constexpr std::size_t EPOCH = 0;
constexpr std::size_t COUNT = 4;
constexpr std::size_t MEMBERS = 6;
constexpr unsigned STATUS_SHIFT = 6;
constexpr std::uint8_t INCARNATION_MASK = 0x3f;
} // namespace view

namespace batch
{
constexpr std::size_t LENGTH_SIZE = 2; ///< of the field in front of each message's options
} // namespace batch

constexpr std::size_t
OptionSize(std::size_t dataSize)
{
    return geneve::OPTION_HEADER_SIZE + dataSize;
}

static_assert(OPTIONS + OptionSize(MESSAGE_SIZE) + OptionSize(RECORD_SIZE) <= Frame::HEADROOM);
static_assert(OptionSize(MESSAGE_SIZE) % geneve::WORD_SIZE == 0);
static_assert(OptionSize(RECORD_SIZE) % geneve::WORD_SIZE == 0);
static_assert(OptionSize(ENTRY_SIZE) % geneve::WORD_SIZE == 0);
static_assert(OPTIONS + OptionSize(MESSAGE_SIZE) + view::MEMBERS + MAX_NODES <= Frame::CAPACITY);

/** Write the option data, of the size that the table says, to `to`. */
void StoreHeader(std::uint8_t* to, const MessageHeader& header);
void StoreRecord(std::uint8_t* to, const SessionRecord& record);
void StoreEntry(std::uint8_t* to, const FlowEntry& entry);

/** Read option data. @returns false if the kind is out of range */
bool LoadHeader(const std::uint8_t* from, MessageHeader& header);

/**
 * Read option data. @returns false if a state or protocol is out of range, or (`complete`) if the
 * tuples differ in protocol; not `complete`: only `original` has to be that of a session.
 */
bool LoadRecord(const std::uint8_t* from, bool complete, SessionRecord& record);

/** Read option data. @returns false if the protocols are out of range or differ */
bool LoadEntry(const std::uint8_t* from, FlowEntry& entry);

/** Write Ethernet, IPv4, UDP and Geneve header; everything behind them is in `frame` already. */
void
StoreOuterHeaders(Frame& frame, const Underlay& underlay, std::size_t optionSize, bool innerFrame);

/** Decode the options of one message. @param options a whole number of words */
DecodeVerdict DecodeOptions(std::span<const std::uint8_t> options, SyncMessage& message);

/** @returns whether such a message may consist of its options, without inner frame or body. */
bool MayBeOptionsAlone(const MessageHeader& header);

} // namespace flowchain::layout

#endif
