// SPDX-License-Identifier: GPL-2.0-only
// Whatever decodes can be encoded again and decodes to the same.
#include "byte-order.h"
#include "fuzz-input.h"
#include "message-batch.h"

namespace flowchain
{
namespace
{

void
CheckRestamp(Frame& frame)
{
    MessageKind kind;
    FUZZ_CHECK(PeekKind(frame, kind));
    MessageHeader header = test::SampleMessage(kind).header;
    Restamp(frame, header, true);
    SyncMessage message;
    std::size_t outer = 0;
    FUZZ_CHECK(Decode(frame, message, outer) == DecodeVerdict::OK);
    FUZZ_CHECK(message.header.kind == kind);
    FUZZ_CHECK(message.header.epoch == header.epoch);
    FUZZ_CHECK(message.header.acknowledged == header.acknowledged);
    FUZZ_CHECK(message.header.selective == header.selective);
    FUZZ_CHECK(message.header.targetIncarnation == header.targetIncarnation);
    FUZZ_CHECK((message.header.flags & message_flag::RESEND) != 0);
}

void
CheckView(const Frame& frame, const MessageHeader& header)
{
    ViewBody view;
    if (DecodeView(frame, view) != DecodeVerdict::OK)
    {
        return;
    }
    Frame again;
    again.Reset();
    EncapsulateView(header, view, test::SampleUnderlay(), again);
    SyncMessage message;
    std::size_t outer = 0;
    FUZZ_CHECK(Decode(again, message, outer) == DecodeVerdict::OK);
    FUZZ_CHECK(message.header == header);
    ViewBody decoded;
    FUZZ_CHECK(DecodeView(again, decoded) == DecodeVerdict::OK);
    FUZZ_CHECK(decoded == view);
    CheckRestamp(again);
}

void
CheckBatch(const Frame& frame, const MessageHeader& header)
{
    std::vector<SyncMessage> messages;
    const auto verdict = DecodeBatch(frame, messages);
    FUZZ_CHECK(messages.empty() == (verdict != DecodeVerdict::OK));
    PeekedMessages peeked(frame);
    Frame again;
    again.Reset();
    for (const SyncMessage& message : messages)
    {
        Frame one;
        one.Reset();
        Encapsulate(message, test::SampleUnderlay(), one);
        FUZZ_CHECK(MayBeInBatch(one));
        if (SizeInBatch(one) > again.TailroomLeft())
        {
            return;
        }
        AppendToBatch(again, one, message.header);
    }
    // Messages are seen before they are checked; there can be none at all.
    for (PeekedMessage seen; peeked.Next(seen);)
    {
        FUZZ_CHECK(IsMessageKind(static_cast<std::uint8_t>(seen.kind)));
        FUZZ_CHECK(seen.bytes < frame.Length());
    }
    if (verdict != DecodeVerdict::OK)
    {
        return;
    }
    EncapsulateBatch(header, test::SampleUnderlay(), again);
    SyncMessage container;
    std::size_t outer = 0;
    FUZZ_CHECK(Decode(again, container, outer) == DecodeVerdict::OK);
    FUZZ_CHECK(container.header == header);
    std::vector<SyncMessage> decoded;
    FUZZ_CHECK(DecodeBatch(again, decoded) == DecodeVerdict::OK);
    FUZZ_CHECK(decoded.size() == messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i)
    {
        FUZZ_CHECK(decoded[i].header == messages[i].header);
        FUZZ_CHECK(decoded[i].record == messages[i].record);
        FUZZ_CHECK(decoded[i].entry == messages[i].entry);
    }
}

void
CheckMessage(Frame& frame)
{
    MessageKind peeked;
    const bool hasKind = PeekKind(frame, peeked);
    SyncMessage message;
    std::size_t outer = 0;
    const auto verdict = Decode(frame, message, outer);
    FUZZ_CHECK(verdict != DecodeVerdict::NOT_GENEVE || !hasKind);
    if (verdict != DecodeVerdict::OK)
    {
        return;
    }
    FUZZ_CHECK(message.record.original.protocol == message.record.translated.protocol ||
               (message.header.flags & message_flag::REFUSED) != 0 ||
               message.header.kind == MessageKind::FETCH); // it has one tuple only
    FUZZ_CHECK(message.entry.match.protocol == message.entry.rewrite.protocol);
    if (message.header.kind == MessageKind::VIEW)
    {
        CheckView(frame, message.header);
        return;
    }
    if (message.header.kind == MessageKind::BATCH)
    {
        CheckBatch(frame, message.header);
        return;
    }
    frame.TrimFront(outer);
    FUZZ_CHECK(message.hasInnerFrame == (frame.Length() > 0));
    const auto inner = test::Flatten(frame);
    Encapsulate(message, test::SampleUnderlay(), frame);
    SyncMessage decoded;
    FUZZ_CHECK(Decode(frame, decoded, outer) == DecodeVerdict::OK);
    FUZZ_CHECK(decoded.header == message.header);
    FUZZ_CHECK(decoded.record == message.record);
    FUZZ_CHECK(decoded.entry == message.entry);
    FUZZ_CHECK(decoded.hasInnerFrame == message.hasInnerFrame);
    CheckRestamp(frame);
    frame.TrimFront(outer);
    FUZZ_CHECK(test::Flatten(frame) == inner);
}

} // namespace
} // namespace flowchain

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace flowchain;
    constexpr std::size_t GENEVE_OFFSET = 42;
    if (size == 0)
    {
        return 0;
    }
    Bytes bytes(data + 1, data + size);
    Frame frame;
    fuzz::Fill(frame, data[0], bytes);
    CheckMessage(frame);

    // Random bytes hardly ever have the right lengths and checksums: give them those.
    if (bytes.size() >= GENEVE_OFFSET && bytes.size() < 0xffff && bytes[14] == 0x45)
    {
        bytes[23] = 17;
        test::RepairOuter(bytes);
        fuzz::Fill(frame, data[0], bytes);
        CheckMessage(frame);
    }
    return 0;
}
