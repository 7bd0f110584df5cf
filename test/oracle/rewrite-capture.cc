// SPDX-License-Identifier: GPL-2.0-only
// What the model's NAT44 makes of packets, one a line, for a comparison with another NAT.
//
// usage: rewrite-capture INSIDE/LENGTH EXTERNAL/LENGTH <packets >answers
//
// A line of the input is an Ethernet frame in hex; behind it may stand "ADDRESS PORT", the external
// endpoint that the session is to get if the frame opens one (else the model chooses). Its answer
// is "packet" and the frame in hex, or "drop" and the reason. Exit code 2: the input is wrong.
#include "icmp.h"
#include "ipv4.h"
#include "nat-function.h"
#include "packet-rules.h"
#include "tcp.h"
#include "udp.h"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace flowchain
{
namespace
{

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t IP_OFFSET = 14;
constexpr std::uint32_t SESSIONS_MAX = 100'000;

/** Parse all of `text` as a number from 0 to `max`. */
std::uint32_t
ParseNumber(std::string_view text, std::uint32_t max, int base = 10)
{
    std::uint32_t value = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    if (error != std::errc() || stop != end || value > max)
    {
        throw std::invalid_argument("no number up to " + std::to_string(max) + ": '" +
                                    std::string(text) + "'");
    }
    return value;
}

std::uint32_t
ParseAddress(const std::string& text)
{
    std::istringstream parts(text);
    std::string part;
    std::uint32_t address = 0;
    for (int i = 0; i < 4; ++i)
    {
        part.clear();
        std::getline(parts, part, '.');
        address = address << 8 | ParseNumber(part, 255);
    }
    return address;
}

Prefix
ParsePrefix(const std::string& text)
{
    const auto slash = std::min(text.find('/'), text.size() - 1);
    return {ParseAddress(text.substr(0, slash)),
            static_cast<std::uint8_t>(ParseNumber(text.substr(slash + 1), 32))};
}

Bytes
ParseHex(const std::string& text)
{
    Bytes bytes;
    for (std::size_t i = 0; i < text.size(); i += 2)
    {
        bytes.push_back(static_cast<std::uint8_t>(ParseNumber(text.substr(i, 2), 255, 16)));
    }
    return bytes;
}

std::string
ToHex(const Frame& frame)
{
    static const char* const digits = "0123456789abcdef";
    std::string text;
    const auto append = [&](std::span<const std::uint8_t> bytes)
    {
        for (const auto byte : bytes)
        {
            text += digits[byte >> 4];
            text += digits[byte & 15];
        }
    };
    append(frame.Header());
    append({frame.payload.bytes, frame.payload.length});
    return text;
}

/** @returns the length of Ethernet, IPv4 and transport header, as far as the bytes reach. */
std::size_t
HeaderLength(const Bytes& bytes)
{
    const auto at = [&](std::size_t offset)
    {
        return offset < bytes.size() ? bytes[offset] : 0u;
    };
    const std::size_t l4 = IP_OFFSET + (at(IP_OFFSET + ipv4::VERSION_IHL) & 0x0f) * 4;
    const bool isTcp = at(IP_OFFSET + ipv4::PROTOCOL) == static_cast<unsigned>(IpProtocol::TCP);
    static_assert(udp::HEADER_SIZE == icmp::HEADER_SIZE);
    const std::size_t size = isTcp ? (at(l4 + tcp::DATA_OFFSET) >> 4) * 4 : udp::HEADER_SIZE;
    return std::min(l4 + size, bytes.size());
}

/** Split the bytes into the frame's header and payload, as the replay of a capture does. */
void
Load(const Bytes& bytes, Frame& frame)
{
    const auto headers = HeaderLength(bytes);
    std::copy_n(bytes.begin(), headers, frame.Append(headers).begin());
    const auto rest = std::span(bytes).subspan(headers);
    frame.payload = {rest.data(), static_cast<std::uint32_t>(rest.size()), OnesComplementSum(rest)};
}

/** One service node with its sessions. */
class Translator
{
  public:
    explicit Translator(const FunctionConfig& config)
        : m_function(config, {0, 0})
        , m_store(SESSIONS_MAX)
    {
    }

    /**
     * Rewrite the frame by its session, which it may open.
     * @param external the endpoint for a session that is opened, in place of the model's choice
     * @returns NONE, or why the packet is dropped
     */
    DropReason Translate(Frame& frame, const std::optional<Endpoint>& external)
    {
        PacketView view;
        const PacketVerdict verdict = ParsePacket(frame, 0, view);
        if (verdict != PacketVerdict::OK)
        {
            return DropReasonOf(verdict);
        }
        if (view.ttl <= 1)
        {
            return DropReason::TTL_EXCEEDED;
        }
        auto match = m_store.Find(view.key);
        if (match.record == nullptr)
        {
            const DropReason reason = Open(view, external);
            if (reason != DropReason::NONE)
            {
                return reason;
            }
            match = m_store.Find(view.key);
        }
        const FlowEntry entry =
            match.reverse ? ReverseEntry(*match.record) : ForwardEntry(*match.record);
        RewritePacket(frame, view, entry.rewrite);
        return DropReason::NONE;
    }

  private:
    DropReason Open(const PacketView& view, const std::optional<Endpoint>& external)
    {
        SessionRecord record;
        const DropReason reason = m_function.Open(view, m_store, Instant{}, record.translated);
        if (reason != DropReason::NONE)
        {
            return reason;
        }
        record.id = MakeSessionId(0, ++m_serial);
        record.version = MakeSessionVersion(1, 1);
        record.original = view.key;
        record.translated.source = external.value_or(record.translated.source);
        record.state = NetworkFunction::StateOf(view);
        if (m_store.Apply(record) != SessionStore::Outcome::INSERTED)
        {
            throw std::invalid_argument("the external endpoint belongs to another session");
        }
        return DropReason::NONE;
    }

    NatFunction m_function;
    SessionStore m_store;
    std::uint64_t m_serial = 0;
};

/** @returns the answer to one line of the input. */
std::string
Answer(Translator& translator, const std::string& line)
{
    std::istringstream words(line);
    std::string hex;
    std::string address;
    std::string port;
    words >> hex >> address >> port;
    std::optional<Endpoint> external;
    if (!address.empty())
    {
        external =
            Endpoint{ParseAddress(address), static_cast<std::uint16_t>(ParseNumber(port, 0xffff))};
    }
    const Bytes bytes = ParseHex(hex);
    Frame frame;
    Load(bytes, frame);
    const DropReason reason = translator.Translate(frame, external);
    return reason == DropReason::NONE ? "packet " + ToHex(frame)
                                      : std::string("drop ") + ToString(reason);
}

} // namespace
} // namespace flowchain

int
main(int argc, char** argv)
{
    using namespace flowchain;
    try
    {
        if (argc != 3)
        {
            throw std::invalid_argument("usage: rewrite-capture INSIDE/LENGTH EXTERNAL/LENGTH");
        }
        FunctionConfig config;
        config.nodes = {0};
        config.nat.inside = ParsePrefix(argv[1]);
        config.nat.external = ParsePrefix(argv[2]);
        Translator translator(config);
        for (std::string line; std::getline(std::cin, line);)
        {
            std::cout << Answer(translator, line) << '\n';
        }
    }
    catch (const std::exception& error)
    {
        std::cerr << "rewrite-capture: " << error.what() << '\n';
        return 2;
    }
    return std::cout.flush() ? 0 : 2;
}
