// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROTOCOL_SCRIPT_H
#define FLOWCHAIN_PROTOCOL_SCRIPT_H

#include "protocol-trace.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace flowchain
{

/**
 * Interpreter of the text scripts in test/golden, in the style of etcd/raft's testdata: lines of
 * commands, `----`, the expected trace, an empty line. Times are in microseconds.
 *
 *   network [managers=3] [groups=1] [services=4] [accelerators=1] [length=3] [position=LENGTH]
 *           [release=all] [scheme=chain] [ports=1000] [retries=12] [backlog=1024] [window=64]
 *           [held=256] [pending=65536] [patience=50000] [copies=4000000] [sessions=1000]
 *           [entries=1000] [strict=1] [high=0] [low=0] [batch=1] [batchdelay=0] [ackdelay=0]
 *           [publish_delay=0] [drain_time=100] [absent=NODE,NODE]
 *           [service_node=hash|least-loaded] [udp_timeout=300000000] [refresh=30000000]
 *                              forgets flows and rules, but not what the trace shows
 *   send FLOW syn|ack|fin|rst|udp|icmp [via=NODE] [ttl=64] [port=PORT]
 *                              by the client; the first one makes the flow, from the client's
 *                              port 50000 plus the number of flows before
 *   answer FLOW syn+ack|ack|udp|... [via=NODE]
 *                              by the server, to where the flow last reached it from
 *   probe PORT syn|ack|udp|... [via=NODE]
 *                              by the server, to an external port
 *   run [TIME]                 without TIME: until no message has been sent for a while
 *   lose|twice|hold|late KIND [FROM|*] [TO|*] [n=1] [times=1] [by=50]
 *                              what becomes of the n-th message of the kind from now on;
 *                              `packet` is a bare data packet
 *   free [TO]                  let held messages go
 *   crash NODE, recover NODE
 *   drain NODE, suspect NODE   what an operator asks the controller for
 *   show copies|packets|tables|pending
 *   trace show|hide NAME, trace on|off
 */
class ProtocolScript
{
  public:
    /** Execute one command. @returns its output, lines that end in newline */
    std::string Execute(const std::string& line);

  private:
    struct Command
    {
        std::string name;
        std::vector<std::string> words; ///< positional arguments
        std::map<std::string, std::string> options;

        std::string Word(std::size_t i, const std::string& otherwise = "") const;
        std::string Text(const std::string& option, const std::string& otherwise) const;
        int Number(const std::string& option, int otherwise) const;
    };

    struct Rule
    {
        std::string verb;
        std::string kind; ///< as in the trace, or "packet"
        NodeId from = NO_NODE;
        NodeId to = NO_NODE; ///< NO_NODE: any
        int skip = 0;
        int times = 0;
        Duration by{0};
    };

    static Command Parse(const std::string& line);
    void Dispatch(const Command& command);
    void BuildNetwork(const Command& command);
    void Send(const Command& command);
    void Answer(const Command& command);
    void Probe(const Command& command);
    void Inject(NodeId host, const PacketSpec& packet, const Command& command);
    void Run(const Command& command);
    void Request(OperatorRequest request, const Command& command);
    void AddRule(const Command& command);
    void Show(const Command& command);
    void ShowCopies();
    void ShowPackets();
    void ShowTables();
    void ShowPending();
    void SetTrace(const Command& command);
    Fate Decide(NodeId from, NodeId to, const Frame& frame);
    NodeId NodeOrAny(const std::string& name);
    void Fail(const std::string& what);

    ProtocolTrace m_trace;
    std::unique_ptr<ProtocolHarness> m_harness; ///< is destroyed before the trace that it uses
    std::vector<Rule> m_rules;
    std::map<std::string, FlowKey> m_flows;
    std::string m_output; ///< of commands that print something themselves
};

} // namespace flowchain

#endif
