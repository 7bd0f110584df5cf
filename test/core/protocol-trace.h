// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROTOCOL_TRACE_H
#define FLOWCHAIN_PROTOCOL_TRACE_H

#include "protocol-harness.h"

#include <map>
#include <set>
#include <string>

namespace flowchain
{

/**
 * Prints what happens in a harness, one line each, times in microseconds:
 *
 *   `10 acc0 -> man2 PACKET_IN e1 [a SYN]`          sent, and why it will not arrive as usual
 *   `30 svc1 ! CREATED svc1/1 v1.1 a as :2000`      a machine's note
 *   `60 server < a SYN as :2000`                    delivered to a host
 *   `60 svc1 x NO_BINDING [a SYN]`                  dropped
 *
 * Packets have the name of their flow; `back` is the direction of the answers, `as :2000` says that
 * the client's endpoint is translated to that external port. `e1` is an epoch, `#3` the sequence
 * number of a reliable message, `v1.2` a version (epoch, counter), `svc1/3` the third session that
 * svc1 has made. Hidden unless asked for: heartbeats, views, acknowledgements to or from the
 * controller, and notes that repeat what a message says.
 */
class ProtocolTrace : public HarnessListener
{
  public:
    /** Needed before anything happens. */
    void SetHarness(const ProtocolHarness* harness);

    /** Give a flow a name: `key` is the first packet's tuple. */
    void NameFlow(const std::string& name, const FlowKey& key);

    /** Show or hide a message kind or note by its name in the trace. @returns false if unknown */
    bool Show(const std::string& what, bool shown);
    /** Print nothing, not even drops, until the next call. */
    void SetQuiet(bool quiet);

    /** @returns the lines since the last call */
    std::string Take();

    std::string TextOf(const FlowKey& key) const;
    std::string TextOf(const SessionRecord& record) const;
    std::string SessionName(SessionId session) const;
    /** "FAN_OUT" */
    static std::string NameOf(MessageKind kind);

    /** Messages other than heartbeats, views and the acknowledgements of views. */
    Instant LastMessage() const
    {
        return m_lastMessage;
    }

    /** The tuple under which a host got the last packet of the direction of `key`'s flow. */
    const FlowKey* Received(const FlowKey& original) const;

    void OnSend(NodeId from, NodeId to, const Frame& frame, const Fate& fate, Instant now) override;
    void OnNote(NodeId node, const Note& note, Instant now) override;
    void OnDelivered(NodeId host, const Frame& frame, Instant now) override;
    void OnDropped(NodeId node, const Frame& frame, DropReason reason, Instant now) override;
    void OnDown(NodeId node, Instant now) override;
    void OnUp(NodeId node, Instant now) override;

  private:
    struct FlowName
    {
        FlowKey original;
        std::string name;
        bool back = false;
        std::uint16_t port = 0; ///< external port of a translated tuple, else 0
    };

    void Line(Instant now, const std::string& text);
    std::string TextOfPacket(const Frame& frame, std::size_t offset) const;
    std::string TextOfMessage(const SyncMessage& message, const Frame& frame) const;
    std::string TextOfBatch(const Frame& frame) const;
    std::string TextOfView(const Frame& frame) const;
    std::string TextOfEntry(const FlowEntry& entry) const;
    std::string TextOfNote(const Note& note) const;
    bool IsBackground(NodeId from, NodeId to, MessageKind kind) const;

    const ProtocolHarness* m_harness = nullptr;
    std::map<FlowKey, FlowName> m_names;
    std::map<FlowKey, FlowKey> m_received; ///< by the flow's original tuple
    std::set<std::string> m_hidden{
        "HEARTBEAT", "VIEW", "MISSED", "ASKED", "STATE_RECEIVED", "RETRANSMITTED", "VIEW_ADOPTED"};
    std::string m_text;
    Instant m_lastMessage{};
    bool m_quiet = false;
};

} // namespace flowchain

#endif
