// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_MESSAGE_BATCH_H
#define FLOWCHAIN_MESSAGE_BATCH_H

#include "sync-message.h"

#include <span>
#include <vector>

/*
 * Several messages to one node in one frame, of kind BATCH. Each of them keeps its own sequence
 * number, so that reliability stays with the message; a batch as such is neither acknowledged nor
 * sent again. A message with an inner frame or with a body is never in a batch.
 */
namespace flowchain
{

/** Bytes of a batch frame in front of the first message. */
constexpr std::size_t BATCH_OVERHEAD = 86;
/** Least limit of a batch frame's length that lets any message in, in bytes. */
constexpr std::size_t BATCH_BYTES_MIN = 256;
/** Longest batch frame, in bytes: an Ethernet frame with 1,500 bytes, less 4 for the FCS. */
constexpr std::size_t BATCH_BYTES_MAX = 1510;
/** Messages in one frame, at most. */
constexpr std::uint16_t BATCH_MESSAGES_MAX = 32;

/** @returns whether the encoded message is one of those that may be in a batch. */
bool MayBeInBatch(const Frame& message);

/** @returns bytes by which the encoded message makes a batch longer. @pre MayBeInBatch() */
std::size_t SizeInBatch(const Frame& message);

/**
 * Add an encoded message, as Restamp() with `header` would make it, to the body of a batch.
 * @param batch as after Reset(), or with earlier messages
 * @pre MayBeInBatch(message); the batch stays within BATCH_BYTES_MAX
 */
void AppendToBatch(Frame& batch, const Frame& message, const MessageHeader& header);

/** Make `batch`, the body of AppendToBatch(), a whole frame. @pre header.kind is BATCH, and
 * header.attempt the number of messages */
void EncapsulateBatch(const MessageHeader& header, const Underlay& underlay, Frame& batch);

/**
 * Decode the body of a frame for which Decode() gave OK and kind BATCH. One bad message spoils the
 * batch: TRUNCATED if a length or the number of messages does not fit, BAD_OPTION, BAD_KIND, or
 * BAD_BODY, which is also the verdict on a message that may not be in a batch or has another source
 * or incarnation than it.
 * @param[out] messages in their order; empty unless OK
 */
DecodeVerdict DecodeBatch(const Frame& frame, std::vector<SyncMessage>& messages);

/** What a look at a message shows before it is checked. */
struct PeekedMessage
{
    MessageKind kind = MessageKind::BATCH;
    bool isResend = false;   ///< it has been sent before
    std::uint32_t bytes = 0; ///< of its frame, or of its part in a batch
};

/**
 * The messages in a frame by a look at fixed offsets, as PeekKind(): one for a frame with one
 * message, one for each message of a batch, none for a data packet.
 */
class PeekedMessages
{
  public:
    explicit PeekedMessages(const Frame& frame);

    /** @returns whether there is another one. */
    bool Next(PeekedMessage& message);

  private:
    std::span<const std::uint8_t> m_rest; ///< of a batch's body
    PeekedMessage m_single;
    bool m_isSingle = false; ///< m_single is the only one, and has not been asked for
};

} // namespace flowchain

#endif
