// SPDX-License-Identifier: GPL-2.0-only
// The pure core without a simulator: a client's packet is translated and a server's reply is
// translated back, with checksums that stay right.

#include "nat44.h"
#include "packet-builder.h"
#include "packet-view.h"
#include "session-record.h"

#include <fmt/format.h>

#include <cstdlib>

namespace
{

using namespace flowchain;

void
Print(const char* what, const Frame& frame)
{
    PacketView view;
    const PacketVerdict verdict = ParsePacket(frame, 0, view); // checks every length and checksum
    const auto text = [](const Endpoint& e)
    {
        const std::uint32_t a = e.address;
        return fmt::format(
            "{}.{}.{}.{}:{}", a >> 24, (a >> 16) & 255, (a >> 8) & 255, a & 255, e.port);
    };
    fmt::print("{:<22}{:>20} -> {:<20} TTL {}, {}\n",
               what,
               text(view.key.source),
               text(view.key.destination),
               view.ttl,
               ToString(verdict));
    if (verdict != PacketVerdict::OK)
    {
        std::exit(1);
    }
}

void
Translate(Frame& frame, const FlowEntry& entry)
{
    PacketView view;
    if (ParsePacket(frame, 0, view) != PacketVerdict::OK || view.key != entry.match)
    {
        std::exit(1);
    }
    RewritePacket(frame, view, entry.rewrite);
}

} // namespace

int
main()
{
    // A service group of four nodes; this is the second one, with a quarter of the ports.
    Nat44Config config;
    config.inside = {0x0a000000, 8};    // 10.0.0.0/8
    config.external = {0xcb007100, 24}; // 203.0.113.0/24
    config.blocks = 4;
    config.block = 1;
    Nat44 nat(config);

    SessionRecord session;
    session.original = {{0x0a010001, 40000}, {0xc6336401, 443}, IpProtocol::TCP};
    session.translated = session.original;
    session.translated.source = *nat.Allocate(IpProtocol::TCP);

    Frame request;
    PacketBuilder().Tcp(session.original).Flags(tcp_flag::SYN).Sequence(1).Build(request);
    Print("the client sends", request);
    Translate(request, ForwardEntry(session));
    Print("the server gets", request);

    Frame reply;
    PacketBuilder()
        .Tcp(session.translated.Reversed())
        .Flags(tcp_flag::SYN | tcp_flag::ACK)
        .Sequence(100, 2)
        .Build(reply);
    Print("the server answers", reply);
    Translate(reply, ReverseEntry(session));
    Print("the client gets", reply);
}
