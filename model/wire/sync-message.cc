// SPDX-License-Identifier: GPL-2.0-only
#include "sync-message.h"

#include "byte-order.h"
#include "checksum.h"
#include "message-layout.h"
#include "packet-view.h"

#include <algorithm>

namespace flowchain
{

namespace
{

constexpr std::uint8_t OUTER_TTL = 64;

enum class InnerFrame : std::uint8_t
{
    NEVER,
    ALWAYS,
    OPTIONAL,
};

/** What a message carries beside its header. */
struct Shape
{
    bool record = false;
    bool entry = false;
    bool body = false; ///< bytes behind the options that are no frame
    InnerFrame inner = InnerFrame::NEVER;
};

Shape
ShapeOf(MessageKind kind, std::uint8_t flags)
{
    switch (kind)
    {
    case MessageKind::PACKET_IN:
        return {.entry = (flags & message_flag::EXISTING) != 0, .inner = InnerFrame::ALWAYS};
    case MessageKind::PROCESS:
        return {.inner = InnerFrame::ALWAYS};
    case MessageKind::STATE:
        return {.record = true,
                .inner = (flags & (message_flag::REFUSED | message_flag::RELEASED)) != 0
                             ? InnerFrame::NEVER
                             : InnerFrame::ALWAYS};
    case MessageKind::CHAIN:
    case MessageKind::CHAIN_DONE:
        return {.record = true, .inner = InnerFrame::OPTIONAL};
    case MessageKind::FAN_OUT:
    case MessageKind::FAN_OUT_DONE:
    case MessageKind::SNAPSHOT:
    case MessageKind::FETCH:
    case MessageKind::FETCHED:
    case MessageKind::REMOVE:
        return {.record = true};
    case MessageKind::REVERSE_ENTRY:
    case MessageKind::OBSERVED:
    case MessageKind::REFRESH:
        return {.entry = true};
    case MessageKind::ENTRY:
        return {.entry = true, .inner = InnerFrame::OPTIONAL};
    case MessageKind::VIEW:
    case MessageKind::BATCH:
        return {.body = true};
    case MessageKind::ACK:
    case MessageKind::HEARTBEAT:
    case MessageKind::SNAPSHOT_END:
    case MessageKind::REFUSAL:
        break;
    }
    return {};
}

bool
AllowsInnerFrame(const Shape& shape, bool present)
{
    return shape.inner == InnerFrame::OPTIONAL || (shape.inner == InnerFrame::ALWAYS) == present;
}

/** Write an option header to `to`. @returns where the option's data begins */
std::uint8_t*
StoreOptionHeader(std::uint8_t* to, std::uint8_t type, std::size_t dataSize)
{
    Store16(to + geneve::OPTION_CLASS, layout::OPTION_CLASS);
    to[geneve::OPTION_TYPE] = type;
    to[geneve::OPTION_LENGTH] = static_cast<std::uint8_t>(dataSize / geneve::WORD_SIZE);
    return to + geneve::OPTION_HEADER_SIZE;
}

/** @returns whether the frame is whole plain IPv4/UDP to the Geneve port. @pre at least up to
 * Geneve */
bool
IsGeneve(const std::uint8_t* at)
{
    const auto* const ip = at + layout::IP;
    return Load16(at + ethernet::TYPE) == ethernet::TYPE_IPV4 &&
           ip[ipv4::VERSION_IHL] == ipv4::VERSION_IHL_PLAIN &&
           ip[ipv4::PROTOCOL] == static_cast<std::uint8_t>(IpProtocol::UDP) &&
           (Load16(ip + ipv4::FRAGMENT) & ipv4::FRAGMENT_MASK) == 0 &&
           Load16(at + layout::UDP + udp::DESTINATION_PORT) == geneve::UDP_PORT;
}

/** Check all that lies in front of the options, so that `optionSize` bytes of them are there. */
DecodeVerdict
CheckOuterHeaders(const Frame& frame, std::size_t& optionSize)
{
    const auto header = frame.Header();
    const auto* const at = header.data();
    if (header.size() < layout::GENEVE)
    {
        return DecodeVerdict::TRUNCATED;
    }
    if (!IsGeneve(at))
    {
        return DecodeVerdict::NOT_GENEVE;
    }
    const std::size_t length = Load16(at + layout::UDP + udp::LENGTH);
    if (header.size() < layout::OPTIONS ||
        frame.Length() != layout::IP + Load16(at + layout::IP + ipv4::TOTAL_LENGTH) ||
        frame.Length() != layout::UDP + length)
    {
        return DecodeVerdict::TRUNCATED;
    }
    assert(frame.payload.length == 0 || header.size() % 2 == 0);
    const auto pseudo = ipv4::PseudoHeaderSum(at + layout::IP, static_cast<std::uint16_t>(length));
    const auto sum =
        FoldSum(OnesComplementSum(header.subspan(layout::UDP)) + frame.payload.sum + pseudo);
    if (OnesComplementSum(header.subspan(layout::IP, ipv4::HEADER_SIZE)) != 0xffff ||
        sum != 0xffff || Load16(at + layout::UDP + udp::CHECKSUM) == 0)
    {
        return DecodeVerdict::BAD_CHECKSUM;
    }
    const auto* const gnv = at + layout::GENEVE;
    if (gnv[geneve::VERSION_LENGTH] >> geneve::VERSION_SHIFT != 0)
    {
        return DecodeVerdict::BAD_VERSION;
    }
    optionSize = (gnv[geneve::VERSION_LENGTH] & geneve::LENGTH_MASK) * geneve::WORD_SIZE;
    return header.size() < layout::OPTIONS + optionSize ? DecodeVerdict::TRUNCATED
                                                        : DecodeVerdict::OK;
}

/** Where the data of each known option lies; null: the option is absent. */
struct OptionData
{
    const std::uint8_t* message = nullptr;
    const std::uint8_t* record = nullptr;
    const std::uint8_t* entry = nullptr;
};

DecodeVerdict
FindOptions(std::span<const std::uint8_t> options, OptionData& found)
{
    while (!options.empty())
    {
        // The option length is in whole words, so an option header is never cut.
        const auto* const at = options.data();
        const std::size_t dataSize =
            (at[geneve::OPTION_LENGTH] & geneve::OPTION_LENGTH_MASK) * geneve::WORD_SIZE;
        const auto size = layout::OptionSize(dataSize);
        if (size > options.size())
        {
            return DecodeVerdict::BAD_OPTION;
        }
        options = options.subspan(size);

        const bool ours = Load16(at + geneve::OPTION_CLASS) == layout::OPTION_CLASS;
        const std::uint8_t type = at[geneve::OPTION_TYPE];
        const std::uint8_t** slot = nullptr;
        std::size_t wanted = 0;
        if (ours && type == layout::OPTION_MESSAGE)
        {
            slot = &found.message;
            wanted = layout::MESSAGE_SIZE;
        }
        else if (ours && type == layout::OPTION_RECORD)
        {
            slot = &found.record;
            wanted = layout::RECORD_SIZE;
        }
        else if (ours && type == layout::OPTION_ENTRY)
        {
            slot = &found.entry;
            wanted = layout::ENTRY_SIZE;
        }
        else if ((type & geneve::OPTION_TYPE_CRITICAL) != 0)
        {
            return DecodeVerdict::BAD_OPTION;
        }
        else
        {
            continue;
        }
        if (*slot != nullptr || dataSize != wanted)
        {
            return DecodeVerdict::BAD_OPTION;
        }
        *slot = at + geneve::OPTION_HEADER_SIZE;
    }
    return found.message == nullptr ? DecodeVerdict::BAD_OPTION : DecodeVerdict::OK;
}

/** Check what follows the options against the kind. `size`: its header bytes */
DecodeVerdict
CheckContent(const Frame& frame, const Shape& shape, std::size_t size, bool& innerFrame)
{
    const auto* const gnv = frame.Header().data() + layout::GENEVE;
    const auto type = Load16(gnv + geneve::PROTOCOL_TYPE);
    const bool control = (gnv[geneve::FLAGS] & geneve::FLAG_CONTROL) != 0;
    innerFrame = type == ethernet::TYPE_TRANSPARENT_BRIDGING;
    if (control == innerFrame || (control && type != ethernet::TYPE_LOCAL_EXPERIMENTAL) ||
        !AllowsInnerFrame(shape, innerFrame))
    {
        return DecodeVerdict::BAD_BODY;
    }
    if (innerFrame)
    {
        return size < ethernet::HEADER_SIZE ? DecodeVerdict::BAD_BODY : DecodeVerdict::OK;
    }
    return frame.payload.length > 0 || (size > 0) != shape.body ? DecodeVerdict::BAD_BODY
                                                                : DecodeVerdict::OK;
}

} // namespace

void
layout::StoreOuterHeaders(Frame& frame,
                          const Underlay& underlay,
                          std::size_t optionSize,
                          bool innerFrame)
{
    const auto header = frame.Header();
    auto* const at = header.data();
    SetMacAddresses(frame, 0, underlay.sourceMac, underlay.destinationMac);
    Store16(at + ethernet::TYPE, ethernet::TYPE_IPV4);

    const auto total = frame.Length() - layout::IP;
    assert(total <= ipv4::MAX_TOTAL_LENGTH);
    ipv4::Write(at + layout::IP,
                {.source = underlay.sourceAddress,
                 .destination = underlay.destinationAddress,
                 .protocol = IpProtocol::UDP,
                 .ttl = OUTER_TTL,
                 .identification = 0,
                 .totalLength = static_cast<std::uint16_t>(total)});

    auto* const gnv = at + layout::GENEVE;
    assert(underlay.vni <= geneve::MAX_VNI);
    gnv[geneve::VERSION_LENGTH] = static_cast<std::uint8_t>(optionSize / geneve::WORD_SIZE);
    gnv[geneve::FLAGS] = innerFrame ? 0 : geneve::FLAG_CONTROL;
    Store16(gnv + geneve::PROTOCOL_TYPE,
            innerFrame ? ethernet::TYPE_TRANSPARENT_BRIDGING : ethernet::TYPE_LOCAL_EXPERIMENTAL);
    Store32(gnv + geneve::VNI, underlay.vni << 8);

    auto* const udp = at + layout::UDP;
    const auto length = static_cast<std::uint16_t>(total - ipv4::HEADER_SIZE);
    Store16(udp + udp::SOURCE_PORT, underlay.sourcePort);
    Store16(udp + udp::DESTINATION_PORT, geneve::UDP_PORT);
    Store16(udp + udp::LENGTH, length);
    Store16(udp + udp::CHECKSUM, 0);
    assert(frame.payload.length == 0 || header.size() % 2 == 0);
    const auto sum = FoldSum(OnesComplementSum(header.subspan(layout::UDP)) + frame.payload.sum +
                             ipv4::PseudoHeaderSum(at + layout::IP, length));
    Store16(udp + udp::CHECKSUM, UdpChecksumToSend(static_cast<std::uint16_t>(~sum)));
}

DecodeVerdict
layout::DecodeOptions(std::span<const std::uint8_t> options, SyncMessage& message)
{
    OptionData data;
    if (const auto verdict = FindOptions(options, data); verdict != DecodeVerdict::OK)
    {
        return verdict;
    }
    // A constant, since g++ 12 fills a temporary with a slow string instruction.
    static constexpr SyncMessage EMPTY{};
    message = EMPTY;
    if (!layout::LoadHeader(data.message, message.header))
    {
        return DecodeVerdict::BAD_KIND;
    }
    const auto shape = ShapeOf(message.header.kind, message.header.flags);
    if (shape.record != (data.record != nullptr) || shape.entry != (data.entry != nullptr))
    {
        return DecodeVerdict::BAD_BODY;
    }
    const bool refused = (message.header.flags & message_flag::REFUSED) != 0;
    const MessageKind kind = message.header.kind;
    const bool complete = kind == MessageKind::STATE || kind == MessageKind::FETCHED
                              ? !refused
                              : kind != MessageKind::FETCH;
    const bool sound =
        (!shape.record || layout::LoadRecord(data.record, complete, message.record)) &&
        (!shape.entry || layout::LoadEntry(data.entry, message.entry));
    return sound ? DecodeVerdict::OK : DecodeVerdict::BAD_BODY;
}

bool
layout::MayBeOptionsAlone(const MessageHeader& header)
{
    const auto shape = ShapeOf(header.kind, header.flags);
    return !shape.body && AllowsInnerFrame(shape, false);
}

void
Encapsulate(const SyncMessage& message, const Underlay& underlay, Frame& frame)
{
    const auto shape = ShapeOf(message.header.kind, message.header.flags);
    assert(!shape.body && AllowsInnerFrame(shape, message.hasInnerFrame));
    assert(message.hasInnerFrame == (frame.Length() > 0));
    std::size_t optionSize = layout::OptionSize(layout::MESSAGE_SIZE);
    if (shape.record)
    {
        optionSize += layout::OptionSize(layout::RECORD_SIZE);
    }
    if (shape.entry)
    {
        optionSize += layout::OptionSize(layout::ENTRY_SIZE);
    }
    auto* at = frame.Prepend(layout::OPTIONS + optionSize).data() + layout::OPTIONS;
    at = StoreOptionHeader(at, layout::OPTION_MESSAGE, layout::MESSAGE_SIZE);
    layout::StoreHeader(at, message.header);
    at += layout::MESSAGE_SIZE;
    if (shape.record)
    {
        layout::StoreRecord(StoreOptionHeader(at, layout::OPTION_RECORD, layout::RECORD_SIZE),
                            message.record);
    }
    if (shape.entry)
    {
        layout::StoreEntry(StoreOptionHeader(at, layout::OPTION_ENTRY, layout::ENTRY_SIZE),
                           message.entry);
    }
    layout::StoreOuterHeaders(frame, underlay, optionSize, message.hasInnerFrame);
}

void
EncapsulateView(const MessageHeader& header,
                const ViewBody& view,
                const Underlay& underlay,
                Frame& frame)
{
    assert(header.kind == MessageKind::VIEW && frame.Length() == 0);
    assert(view.count <= MAX_NODES);
    constexpr auto OPTION_SIZE = layout::OptionSize(layout::MESSAGE_SIZE);
    constexpr auto OUTER_SIZE = layout::OPTIONS + OPTION_SIZE;
    // A large view needs the headroom too.
    const std::size_t bodySize = layout::view::MEMBERS + view.count;
    const auto behind = std::min(bodySize, frame.TailroomLeft());
    frame.Append(behind);
    auto* const at = frame.Prepend(OUTER_SIZE + bodySize - behind).data();

    layout::StoreHeader(
        StoreOptionHeader(at + layout::OPTIONS, layout::OPTION_MESSAGE, layout::MESSAGE_SIZE),
        header);
    auto* const body = at + OUTER_SIZE;
    Store32(body + layout::view::EPOCH, view.epoch);
    Store16(body + layout::view::COUNT, view.count);
    for (std::size_t i = 0; i < view.count; ++i)
    {
        const auto status = static_cast<unsigned>(view.members[i].status);
        body[layout::view::MEMBERS + i] = static_cast<std::uint8_t>(
            (status << layout::view::STATUS_SHIFT) |
            (view.members[i].incarnation & layout::view::INCARNATION_MASK));
    }
    layout::StoreOuterHeaders(frame, underlay, OPTION_SIZE, false);
}

DecodeVerdict
Decode(const Frame& frame, SyncMessage& message, std::size_t& outerLength)
{
    std::size_t optionSize = 0;
    if (const auto verdict = CheckOuterHeaders(frame, optionSize); verdict != DecodeVerdict::OK)
    {
        return verdict;
    }
    const auto header = frame.Header();
    if (const auto verdict =
            layout::DecodeOptions(header.subspan(layout::OPTIONS, optionSize), message);
        verdict != DecodeVerdict::OK)
    {
        return verdict;
    }
    const auto shape = ShapeOf(message.header.kind, message.header.flags);
    outerLength = layout::OPTIONS + optionSize;
    return CheckContent(frame, shape, header.size() - outerLength, message.hasInnerFrame);
}

std::uint32_t
VniOf(const Frame& frame)
{
    return Load32(frame.Header().data() + layout::GENEVE + geneve::VNI) >> 8;
}

DecodeVerdict
DecodeView(const Frame& frame, ViewBody& view)
{
    const auto header = frame.Header();
    const auto lengthField = header[layout::GENEVE + geneve::VERSION_LENGTH];
    const auto body =
        header.subspan(layout::OPTIONS + (lengthField & geneve::LENGTH_MASK) * geneve::WORD_SIZE);
    if (body.size() < layout::view::MEMBERS)
    {
        return DecodeVerdict::TRUNCATED;
    }
    view = {};
    view.epoch = Load32(body.data() + layout::view::EPOCH);
    view.count = Load16(body.data() + layout::view::COUNT);
    if (view.count > MAX_NODES)
    {
        return DecodeVerdict::BAD_BODY;
    }
    if (body.size() != layout::view::MEMBERS + view.count)
    {
        return DecodeVerdict::TRUNCATED;
    }
    for (std::size_t i = 0; i < view.count; ++i)
    {
        const auto byte = body[layout::view::MEMBERS + i];
        view.members[i] = {static_cast<MemberStatus>(byte >> layout::view::STATUS_SHIFT),
                           static_cast<std::uint8_t>(byte & layout::view::INCARNATION_MASK)};
    }
    return DecodeVerdict::OK;
}

bool
PeekKind(const Frame& frame, MessageKind& kind)
{
    const auto header = frame.Header();
    if (header.size() < layout::MESSAGE_DATA + layout::MESSAGE_SIZE || !IsGeneve(header.data()))
    {
        return false;
    }
    const auto* const option = header.data() + layout::OPTIONS;
    const auto value = header[layout::MESSAGE_DATA + layout::message::KIND];
    if (Load16(option + geneve::OPTION_CLASS) != layout::OPTION_CLASS ||
        option[geneve::OPTION_TYPE] != layout::OPTION_MESSAGE || !IsMessageKind(value))
    {
        return false;
    }
    kind = static_cast<MessageKind>(value);
    return true;
}

void
Restamp(Frame& frame, const MessageHeader& header, bool isResend)
{
    MessageKind kind;
    [[maybe_unused]] const bool isMessage = PeekKind(frame, kind);
    assert(isMessage);
    auto* const udp = frame.Header().data() + layout::UDP;
    auto* const data = frame.Header().data() + layout::MESSAGE_DATA;
    auto* const field = udp + udp::CHECKSUM;
    ChecksumUpdate update(Load16(field));
    const auto replace16 = [data, &update](std::size_t offset, std::uint16_t value)
    {
        update.Replace16(Load16(data + offset), value);
        Store16(data + offset, value);
    };
    const auto replace32 = [data, &update](std::size_t offset, std::uint32_t value)
    {
        update.Replace32(Load32(data + offset), value);
        Store32(data + offset, value);
    };
    if (isResend)
    {
        replace16(layout::message::KIND,
                  static_cast<std::uint16_t>(Load16(data + layout::message::KIND) |
                                             message_flag::RESEND));
    }
    replace16(layout::message::SOURCE_INCARNATION,
              static_cast<std::uint16_t>(data[layout::message::SOURCE_INCARNATION] << 8 |
                                         header.targetIncarnation));
    replace32(layout::message::EPOCH, header.epoch);
    replace32(layout::message::ACKNOWLEDGED, header.acknowledged);
    replace32(layout::message::SELECTIVE, static_cast<std::uint32_t>(header.selective >> 32));
    replace32(layout::message::SELECTIVE + 4, static_cast<std::uint32_t>(header.selective));
    Store16(field, UdpChecksumToSend(update.Checksum()));
}

} // namespace flowchain
