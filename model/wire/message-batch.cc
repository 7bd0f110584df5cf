// SPDX-License-Identifier: GPL-2.0-only
#include "message-batch.h"

#include "byte-order.h"
#include "message-layout.h"

#include <algorithm>

namespace flowchain
{

namespace
{

static_assert(BATCH_OVERHEAD == layout::OPTIONS + layout::OptionSize(layout::MESSAGE_SIZE));
static_assert(BATCH_OVERHEAD <= Frame::HEADROOM);
static_assert(BATCH_BYTES_MAX - BATCH_OVERHEAD <= Frame::CAPACITY - Frame::HEADROOM);

constexpr std::size_t MESSAGE_DATA = layout::batch::LENGTH_SIZE + geneve::OPTION_HEADER_SIZE;
constexpr std::size_t SIZE_MIN = MESSAGE_DATA + layout::MESSAGE_SIZE;

std::span<const std::uint8_t>
OptionsOf(const Frame& message)
{
    const auto header = message.Header();
    const auto words = header[layout::GENEVE + geneve::VERSION_LENGTH] & geneve::LENGTH_MASK;
    return header.subspan(layout::OPTIONS, words * geneve::WORD_SIZE);
}

std::span<const std::uint8_t>
BodyOf(const Frame& batch)
{
    return batch.Header().subspan(layout::OPTIONS + OptionsOf(batch).size());
}

/** @returns the first message of a batch's body, its length field included; empty: cut short */
std::span<const std::uint8_t>
FirstOf(std::span<const std::uint8_t> body)
{
    if (body.size() < SIZE_MIN)
    {
        return {};
    }
    const std::size_t size = layout::batch::LENGTH_SIZE + Load16(body.data());
    return size < SIZE_MIN || size > body.size() ? std::span<const std::uint8_t>{}
                                                 : body.first(size);
}

/** @param container the message option's data of the batch */
DecodeVerdict
DecodeOne(std::span<const std::uint8_t> bytes, const std::uint8_t* container, SyncMessage& message)
{
    const auto options = bytes.subspan(layout::batch::LENGTH_SIZE);
    if (options.size() % geneve::WORD_SIZE != 0)
    {
        return DecodeVerdict::TRUNCATED;
    }
    const auto verdict = layout::DecodeOptions(options, message);
    const MessageHeader& header = message.header;
    const bool belongs =
        header.source == Load16(container + layout::message::SOURCE) &&
        header.sourceIncarnation == container[layout::message::SOURCE_INCARNATION] &&
        layout::MayBeOptionsAlone(header);
    return verdict == DecodeVerdict::OK && !belongs ? DecodeVerdict::BAD_BODY : verdict;
}

} // namespace

bool
MayBeInBatch(const Frame& message)
{
    const auto header = message.Header();
    const bool control = (header[layout::GENEVE + geneve::FLAGS] & geneve::FLAG_CONTROL) != 0;
    return control && header.size() == layout::OPTIONS + OptionsOf(message).size();
}

std::size_t
SizeInBatch(const Frame& message)
{
    return layout::batch::LENGTH_SIZE + OptionsOf(message).size();
}

void
AppendToBatch(Frame& batch, const Frame& message, const MessageHeader& header)
{
    assert(MayBeInBatch(message));
    const auto options = OptionsOf(message);
    auto* const at = batch.Append(SizeInBatch(message)).data();
    Store16(at, static_cast<std::uint16_t>(options.size()));
    std::ranges::copy(options, at + layout::batch::LENGTH_SIZE);
    auto* const data = at + MESSAGE_DATA;
    data[layout::message::TARGET_INCARNATION] = header.targetIncarnation;
    Store32(data + layout::message::EPOCH, header.epoch);
    Store32(data + layout::message::ACKNOWLEDGED, header.acknowledged);
    Store64(data + layout::message::SELECTIVE, header.selective);
}

void
EncapsulateBatch(const MessageHeader& header, const Underlay& underlay, Frame& batch)
{
    assert(header.kind == MessageKind::BATCH && !batch.Header().empty());
    auto* const option = batch.Prepend(BATCH_OVERHEAD).data() + layout::OPTIONS;
    Store16(option + geneve::OPTION_CLASS, layout::OPTION_CLASS);
    option[geneve::OPTION_TYPE] = layout::OPTION_MESSAGE;
    option[geneve::OPTION_LENGTH] = layout::MESSAGE_SIZE / geneve::WORD_SIZE;
    layout::StoreHeader(option + geneve::OPTION_HEADER_SIZE, header);
    layout::StoreOuterHeaders(batch, underlay, layout::OptionSize(layout::MESSAGE_SIZE), false);
}

DecodeVerdict
DecodeBatch(const Frame& frame, std::vector<SyncMessage>& messages)
{
    messages.clear();
    const auto* const container = frame.Header().data() + layout::MESSAGE_DATA;
    auto verdict = DecodeVerdict::OK;
    for (auto body = BodyOf(frame); !body.empty() && verdict == DecodeVerdict::OK;)
    {
        const auto first = FirstOf(body);
        verdict = first.empty() ? DecodeVerdict::TRUNCATED
                                : DecodeOne(first, container, messages.emplace_back());
        body = body.subspan(first.size());
    }
    if (verdict == DecodeVerdict::OK &&
        messages.size() != Load16(container + layout::message::ATTEMPT))
    {
        verdict = DecodeVerdict::TRUNCATED;
    }
    if (verdict != DecodeVerdict::OK)
    {
        messages.clear();
    }
    return verdict;
}

PeekedMessages::PeekedMessages(const Frame& frame)
{
    if (!PeekKind(frame, m_single.kind))
    {
        return;
    }
    const auto header = frame.Header();
    if (m_single.kind == MessageKind::BATCH)
    {
        const auto words = header[layout::GENEVE + geneve::VERSION_LENGTH] & geneve::LENGTH_MASK;
        m_rest =
            header.subspan(std::min(header.size(), layout::OPTIONS + words * geneve::WORD_SIZE));
        return;
    }
    const auto flags = header[layout::MESSAGE_DATA + layout::message::FLAGS];
    m_single.isResend = (flags & message_flag::RESEND) != 0;
    m_single.bytes = frame.Length();
    m_isSingle = true;
}

bool
PeekedMessages::Next(PeekedMessage& message)
{
    if (m_isSingle)
    {
        message = m_single;
        m_isSingle = false;
        return true;
    }
    const auto first = FirstOf(m_rest);
    if (first.empty())
    {
        return false;
    }
    const auto* const option = first.data() + layout::batch::LENGTH_SIZE;
    const auto* const data = first.data() + MESSAGE_DATA;
    const auto value = data[layout::message::KIND];
    if (Load16(option + geneve::OPTION_CLASS) != layout::OPTION_CLASS ||
        option[geneve::OPTION_TYPE] != layout::OPTION_MESSAGE || !IsMessageKind(value))
    {
        return false;
    }
    message.kind = static_cast<MessageKind>(value);
    message.isResend = (data[layout::message::FLAGS] & message_flag::RESEND) != 0;
    message.bytes = static_cast<std::uint32_t>(first.size());
    m_rest = m_rest.subspan(first.size());
    return true;
}

} // namespace flowchain
