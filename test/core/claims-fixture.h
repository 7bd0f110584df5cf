// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CLAIMS_FIXTURE_H
#define FLOWCHAIN_CLAIMS_FIXTURE_H

#include "packet-view.h"
#include "protocol-harness.h"
#include "sync-message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <vector>

namespace flowchain
{

/** A message on its way. */
struct SentMessage
{
    NodeId from;
    NodeId to;
    SyncMessage message;
    std::uint32_t packetId;
    std::size_t order; ///< among all messages, packets and notes
};

struct NotedEvent
{
    NodeId node;
    Note note;
    std::size_t order;
};

/** A data packet that nothing encapsulates. */
struct DeliveredPacket
{
    NodeId from; ///< last node that has sent it
    NodeId host;
    FlowKey key;
};

/** All that happens around one session; what keeps the nodes in touch is left out. */
class SessionStory : public HarnessListener
{
  public:
    void OnSend(NodeId from, NodeId to, const Frame& frame, const Fate&, Instant) override
    {
        SyncMessage message;
        std::size_t outerLength = 0;
        if (Decode(frame, message, outerLength) == DecodeVerdict::OK)
        {
            sent.push_back({from, to, message, frame.packetId, m_order++});
        }
        else
        {
            m_lastHop = from;
        }
    }

    void OnNote(NodeId node, const Note& note, Instant) override
    {
        notes.push_back({node, note, m_order++});
    }

    void OnDelivered(NodeId host, const Frame& frame, Instant) override
    {
        PacketView view;
        ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
        delivered.push_back({m_lastHop, host, view.key});
    }

    void Clear()
    {
        sent.clear();
        notes.clear();
        delivered.clear();
    }

    std::vector<SentMessage> Of(MessageKind kind) const
    {
        std::vector<SentMessage> found;
        std::copy_if(sent.begin(),
                     sent.end(),
                     std::back_inserter(found),
                     [kind](const SentMessage& one)
                     {
            return one.message.header.kind == kind;
        });
        return found;
    }

    std::vector<NotedEvent> Of(NoteKind kind) const
    {
        std::vector<NotedEvent> found;
        std::copy_if(notes.begin(),
                     notes.end(),
                     std::back_inserter(found),
                     [kind](const NotedEvent& one)
                     {
            return one.note.kind == kind;
        });
        return found;
    }

    /** When the node has stored the session. */
    std::size_t StoredAt(NodeId node) const
    {
        for (const NotedEvent& one : Of(NoteKind::COPY_STORED))
        {
            if (one.node == node)
            {
                return one.order;
            }
        }
        ADD_FAILURE() << "node " << node << " has not stored the session";
        return 0;
    }

    std::vector<SentMessage> sent;
    std::vector<NotedEvent> notes;
    std::vector<DeliveredPacket> delivered;

  private:
    std::size_t m_order = 0;
    NodeId m_lastHop = NO_NODE;
};

/** Numbers that the source leaves open. */
struct ClaimedShape
{
    int groups = 1;
    int managers = 3;
    std::uint16_t length = 3;
    std::uint16_t position = 3;

    friend std::ostream& operator<<(std::ostream& out, const ClaimedShape& shape)
    {
        return out << shape.groups << " groups of " << shape.managers << ", length " << shape.length
                   << ", position " << shape.position;
    }
};

/** Every length and position in one to three groups of one to four managers, and the longest. */
inline std::vector<ClaimedShape>
AllShapes()
{
    std::vector<ClaimedShape> shapes = {{2, 8, 8, 8}, {2, 8, 8, 5}};
    for (int groups = 1; groups <= 3; ++groups)
    {
        for (int managers = 1; managers <= 4; ++managers)
        {
            for (std::uint16_t length = 1; length <= managers; ++length)
            {
                for (std::uint16_t position = 1; position <= length; ++position)
                {
                    shapes.push_back({groups, managers, length, position});
                }
            }
        }
    }
    return shapes;
}

inline HarnessConfig
ConfigOf(const ClaimedShape& shape)
{
    HarnessConfig config;
    config.accelerators = 2;
    config.services = 2 + shape.groups;
    config.groups = shape.groups;
    config.managers = shape.managers;
    config.manager.length = shape.length;
    config.manager.position = shape.position;
    return config;
}

/** A system of the shape, with two service nodes and one for each group, in which one session after
 * the other is opened. */
class ClaimedSystem
{
  public:
    explicit ClaimedSystem(const ClaimedShape& claimed)
        : shape(claimed)
        , m_harness(ConfigOf(claimed), &story)
    {
    }

    const Directory& Nodes() const
    {
        return m_harness.Nodes();
    }

    bool Is(NodeId node, NodeRole role) const
    {
        return Nodes().nodes[node].role == role;
    }

    /** Open a session; `story` is that of the session then. */
    void Open(std::uint16_t port)
    {
        story.Clear();
        key = {{0x0a010001, port}, {0xc6336401, 443}, IpProtocol::TCP};
        Send("client", key, tcp_flag::SYN);
        ASSERT_EQ(story.Of(NoteKind::CREATED).size(), 1U);
        ASSERT_EQ(story.delivered.size(), 1U);
        record = story.Of(NoteKind::CREATED)[0].note.record;
        owner = story.Of(NoteKind::CREATED)[0].node;
        first = story.Of(MessageKind::PACKET_IN).at(0).to;
    }

    /** Let a host send a packet, and all happen that follows. */
    void Send(const char* host, const FlowKey& packet, std::uint8_t flags)
    {
        m_harness.Inject(m_harness.NodeNamed(host), {packet, flags});
        Run(Duration{1000 * MICROSECOND});
    }

    void Run(Duration time)
    {
        m_harness.RunUntil(m_harness.Now() + time);
    }

    /** The server answers as what it has received asks for. */
    void Answer()
    {
        story.Clear();
        Send("server", record.translated.Reversed(), tcp_flag::SYN | tcp_flag::ACK);
    }

    /** The chain that claim 4 describes, by counting round the group from the first manager. */
    std::vector<NodeId> Chain() const
    {
        const auto& group = Nodes().groups[Nodes().nodes[first].group];
        const std::size_t start = std::find(group.begin(), group.end(), first) - group.begin();
        std::vector<NodeId> chain;
        for (std::size_t i = 0; i < shape.length; ++i)
        {
            chain.push_back(group[(start + i) % group.size()]);
        }
        return chain;
    }

    NodeId Second() const
    {
        return Chain()[shape.position - 1U];
    }

    /** Service nodes but the first. */
    std::set<NodeId> Others() const
    {
        std::set<NodeId> others(Nodes().serviceNodes.begin(), Nodes().serviceNodes.end());
        others.erase(owner);
        return others;
    }

    ProtocolHarness& Harness()
    {
        return m_harness;
    }

    const ClaimedShape shape;
    SessionStory story;
    FlowKey key;          ///< of the session's first packet, as it was sent
    SessionRecord record; ///< as the first service node has made it
    NodeId owner = NO_NODE;
    NodeId first = NO_NODE;

  private:
    ProtocolHarness m_harness;
};

} // namespace flowchain

#endif
