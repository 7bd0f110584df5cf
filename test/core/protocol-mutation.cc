// SPDX-License-Identifier: GPL-2.0-only
#include "protocol-mutation.h"

#include "sync-message.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

Underlay
UnderlayOf(NodeId from, NodeId to)
{
    Underlay underlay;
    underlay.sourceMac = MacOf(from);
    underlay.destinationMac = MacOf(to);
    underlay.sourceAddress = UnderlayAddressOf(from);
    underlay.destinationAddress = UnderlayAddressOf(to);
    return underlay;
}

NodeId
DestinationOf(const Frame& frame)
{
    return static_cast<NodeId>(frame.Header()[4] << 8 | frame.Header()[5]);
}

/** Decode a message of this kind. @returns false: it is another one */
bool
IsKind(const Frame& frame, MessageKind wanted, SyncMessage& message)
{
    MessageKind kind;
    std::size_t outerLength = 0;
    return PeekKind(frame, kind) && kind == wanted &&
           Decode(frame, message, outerLength) == DecodeVerdict::OK;
}

/** Change the header or record of a message that is on its own, but not of a VIEW. */
template <typename Change>
void
Rewrite(Frame& frame, Change&& change)
{
    SyncMessage message;
    std::size_t outerLength = 0;
    if (Decode(frame, message, outerLength) != DecodeVerdict::OK ||
        message.header.kind == MessageKind::VIEW || message.header.kind == MessageKind::BATCH)
    {
        return;
    }
    const NodeId to = DestinationOf(frame);
    change(message);
    frame.TrimFront(outerLength);
    Encapsulate(message, UnderlayOf(message.header.source, to), frame);
}

/** The acknowledgement of a message that its receiver has not got yet. */
FramePtr
ForgeAck(FramePool& pool, const MessageHeader& message, NodeId receiver)
{
    SyncMessage ack;
    ack.header.kind = MessageKind::ACK;
    ack.header.source = receiver;
    ack.header.sourceIncarnation = message.targetIncarnation;
    ack.header.targetIncarnation = message.sourceIncarnation;
    ack.header.epoch = message.epoch;
    ack.header.acknowledged = message.sequence;
    FramePtr frame = pool.Acquire();
    Encapsulate(ack, UnderlayOf(receiver, message.source), *frame);
    return frame;
}

/** For each message of the kind that is sent, forge its acknowledgement; `lost`: and lose it. */
void
AcknowledgeEarly(
    MessageKind kind, NodeId onlyTo, bool lost, FramePool& pool, std::vector<FramePtr>& sends)
{
    for (std::size_t i = 0, count = sends.size(); i < count; ++i)
    {
        SyncMessage message;
        if (!IsKind(*sends[i], kind, message))
        {
            continue;
        }
        const NodeId to = DestinationOf(*sends[i]);
        if (onlyTo == NO_NODE || onlyTo == to)
        {
            FramePtr ack = ForgeAck(pool, message.header, to);
            if (lost)
            {
                pool.Discard(std::move(sends[i]), DropReason::LINK_LOSS);
                sends[i] = std::move(ack);
            }
            else
            {
                sends.push_back(std::move(ack));
            }
        }
    }
}

void
AckBeforeStore(const Directory&, FramePool& pool, std::vector<FramePtr>& sends)
{
    AcknowledgeEarly(MessageKind::FAN_OUT, NO_NODE, false, pool, sends);
}

void
ForgetOneNode(const Directory& nodes, FramePool& pool, std::vector<FramePtr>& sends)
{
    AcknowledgeEarly(MessageKind::FAN_OUT, nodes.serviceNodes.back(), true, pool, sends);
}

/** Who sends FAN_OUT claims at once that it is done; who sends CHAIN claims what the tail would. */
void
ReportEarly(MessageKind sent, FramePool& pool, std::vector<FramePtr>& sends)
{
    for (std::size_t i = 0, count = sends.size(); i < count; ++i)
    {
        SyncMessage message;
        if (!IsKind(*sends[i], sent, message) || message.header.first == NO_NODE)
        {
            continue;
        }
        const NodeId from = DestinationOf(*sends[i]);
        SyncMessage done;
        done.header.kind = MessageKind::FAN_OUT_DONE;
        done.header.source = from;
        done.header.sourceIncarnation = message.header.targetIncarnation;
        done.header.epoch = message.header.epoch;
        done.header.first = message.header.first;
        done.header.attempt = message.header.attempt;
        done.record = message.record;
        if (from != message.header.first && message.header.source == message.header.first)
        {
            done.header.targetIncarnation = message.header.sourceIncarnation;
            FramePtr frame = pool.Acquire();
            Encapsulate(done, UnderlayOf(from, message.header.first), *frame);
            sends.push_back(std::move(frame));
        }
    }
}

void
ReleaseBeforeFanOut(const Directory&, FramePool& pool, std::vector<FramePtr>& sends)
{
    ReportEarly(MessageKind::CHAIN, pool, sends);
}

void
AdoptForOneself(const Directory&, FramePool&, std::vector<FramePtr>& sends)
{
    for (FramePtr& frame : sends)
    {
        SyncMessage message;
        if (IsKind(*frame, MessageKind::STATE, message) &&
            (message.header.flags & message_flag::ADOPTED) != 0)
        {
            Rewrite(*frame,
                    [](SyncMessage& changed)
                    {
                changed.record.owner = changed.header.source;
            });
        }
    }
}

void
SkipEpochFence(const MembershipView& view, NodeId, std::uint8_t, Frame& frame)
{
    if (view.Epoch() != 0)
    {
        Rewrite(frame,
                [&view](SyncMessage& message)
                {
            message.header.epoch = view.Epoch();
        });
    }
}

void
AcceptStaleEpochs(const MembershipView& view, NodeId self, std::uint8_t incarnation, Frame& frame)
{
    SyncMessage message;
    std::size_t outerLength = 0;
    if (Decode(frame, message, outerLength) == DecodeVerdict::OK &&
        message.header.epoch < view.Epoch())
    {
        SkipEpochFence(view, self, incarnation, frame);
    }
}

void
SkipIncarnationCheck(const MembershipView& view, NodeId, std::uint8_t incarnation, Frame& frame)
{
    Rewrite(frame,
            [&](SyncMessage& message)
            {
        message.header.targetIncarnation = incarnation;
        if (view.Epoch() != 0 && message.header.kind != MessageKind::HEARTBEAT &&
            message.header.kind != MessageKind::PACKET_IN)
        {
            message.header.sourceIncarnation = view.Incarnation(message.header.source);
        }
    });
}

/** Every copy claims to be the newest, so that an old one replaces what is there. */
void
SkipVersionCheck(const MembershipView& view, NodeId, std::uint8_t, Frame& frame)
{
    MessageKind kind;
    if (PeekKind(frame, kind) && (kind == MessageKind::FAN_OUT || kind == MessageKind::SNAPSHOT))
    {
        Rewrite(frame,
                [&view](SyncMessage& message)
                {
            message.record.version = MakeSessionVersion(view.Epoch() + 1, 1);
        });
    }
}

} // namespace

const std::vector<ProtocolMutation>&
ProtocolMutations()
{
    static const std::vector<ProtocolMutation> MUTATIONS = {
        {"AckBeforeStore", AckBeforeStore, nullptr},
        {"ForgetOneNode", ForgetOneNode, nullptr},
        {"ReleaseBeforeFanOut", ReleaseBeforeFanOut, nullptr},
        {"AdoptForOneself", AdoptForOneself, nullptr},
        {"SkipEpochFence", nullptr, SkipEpochFence},
        {"AcceptStaleEpochs", nullptr, AcceptStaleEpochs},
        {"SkipIncarnationCheck", nullptr, SkipIncarnationCheck},
        {"SkipVersionCheck", nullptr, SkipVersionCheck},
    };
    return MUTATIONS;
}

const ProtocolMutation&
MutationByName(const std::string& name)
{
    const auto& all = ProtocolMutations();
    const auto found = std::find_if(all.begin(),
                                    all.end(),
                                    [&name](const ProtocolMutation& mutation)
                                    {
        return mutation.name == name;
    });
    assert(found != all.end());
    return *found;
}

} // namespace flowchain
