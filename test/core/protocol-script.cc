// SPDX-License-Identifier: GPL-2.0-only
#include "protocol-script.h"

#include <algorithm>
#include <sstream>

namespace flowchain
{

namespace
{

constexpr std::uint32_t CLIENT_ADDRESS = 0x0a000001; // 10.0.0.1
constexpr std::uint32_t SERVER_ADDRESS = 0xc6336401; // 198.51.100.1, RFC 5737
constexpr std::uint32_t EXTERNAL_ADDRESS = 0xcb007101;
constexpr std::uint16_t CLIENT_PORT = 50000;
constexpr std::uint16_t SERVER_PORT = 80;

IpProtocol
ProtocolOf(const std::string& kind)
{
    return kind == "udp" ? IpProtocol::UDP : kind == "icmp" ? IpProtocol::ICMP : IpProtocol::TCP;
}

std::uint8_t
FlagsOf(const std::string& kind)
{
    const auto has = [&kind](const char* name)
    {
        return kind.find(name) != std::string::npos;
    };
    return static_cast<std::uint8_t>(
        (has("syn") ? tcp_flag::SYN : 0) | (has("ack") ? tcp_flag::ACK : 0) |
        (has("fin") ? tcp_flag::FIN : 0) | (has("rst") ? tcp_flag::RST : 0));
}

} // namespace

std::string
ProtocolScript::Command::Word(std::size_t i, const std::string& otherwise) const
{
    return i < words.size() ? words[i] : otherwise;
}

std::string
ProtocolScript::Command::Text(const std::string& option, const std::string& otherwise) const
{
    const auto found = options.find(option);
    return found == options.end() ? otherwise : found->second;
}

int
ProtocolScript::Command::Number(const std::string& option, int otherwise) const
{
    return std::stoi(Text(option, std::to_string(otherwise)));
}

ProtocolScript::Command
ProtocolScript::Parse(const std::string& line)
{
    Command command;
    std::istringstream stream(line);
    stream >> command.name;
    for (std::string word; stream >> word;)
    {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos)
        {
            command.words.push_back(word);
        }
        else
        {
            command.options[word.substr(0, equals)] = word.substr(equals + 1);
        }
    }
    return command;
}

std::string
ProtocolScript::Execute(const std::string& line)
{
    const Command command = Parse(line);
    if (m_harness == nullptr && command.name != "network")
    {
        Fail("there is no network");
    }
    else
    {
        Dispatch(command);
    }
    return m_trace.Take() + std::exchange(m_output, {});
}

void
ProtocolScript::Fail(const std::string& what)
{
    m_output += "error: " + what + "\n";
}

void
ProtocolScript::Dispatch(const Command& command)
{
    const auto node = [&](void (ProtocolHarness::*action)(NodeId), bool down)
    {
        const NodeId id = m_harness->NodeNamed(command.Word(0));
        if (id == NO_NODE || m_harness->IsDown(id) != down)
        {
            Fail("no such node, or it is in this state already");
            return;
        }
        (m_harness.get()->*action)(id);
    };
    const std::map<std::string, std::function<void()>> commands =
        {
            {"network",
             [&]
             {
        BuildNetwork(command);
             }},
            {"send",
             [&]
             {
        Send(command);
             }},
                                                       {"answer",
                                                        [&]
                                                        {
        Answer(command);
                                                        }},
        {"probe",
         [&]
         {
        Probe(command);
         }},
        {"run",
         [&]
         {
        Run(command);
         }},
        {"lose",
         [&]
         {
        AddRule(command);
         }},
        {"twice",
         [&]
         {
        AddRule(command);
         }},
        {"hold",
         [&]
         {
        AddRule(command);
         }},
        {"late",
         [&]
         {
        AddRule(command);
         }},
        {"free",
         [&]
         {
        m_harness->FreeHeld(NodeOrAny(command.Word(0, "*")));
         }},
        {"crash",
         [&]
         {
        node(&ProtocolHarness::Crash, false);
         }},
        {"recover",
         [&]
         {
        node(&ProtocolHarness::Recover, true);
         }},
        {"drain",
         [&]
         {
        Request(OperatorRequest::DRAIN, command);
         }},
        {"suspect",
         [&]
         {
        Request(OperatorRequest::SUSPECT, command);
         }},
        {"show",
         [&]
         {
        Show(command);
         }},
        {"trace",
         [&]
         {
        SetTrace(command);
         }},
        };
    const auto found = commands.find(command.name);
    if (found == commands.end())
    {
        Fail("no such command: " + command.name);
        return;
    }
    found->second();
}

void
ProtocolScript::Request(OperatorRequest request, const Command& command)
{
    const NodeId subject = m_harness->NodeNamed(command.Word(0));
    if (subject == NO_NODE)
    {
        Fail("no such node");
        return;
    }
    m_harness->Request(request, subject);
}

void
ProtocolScript::BuildNetwork(const Command& command)
{
    HarnessConfig config;
    config.managers = command.Number("managers", 3);
    config.groups = command.Number("groups", 1);
    config.services = command.Number("services", 4);
    config.accelerators = command.Number("accelerators", 1);
    config.portsEach = static_cast<std::uint16_t>(command.Number("ports", 1000));
    config.sessionsMax = static_cast<std::uint32_t>(command.Number("sessions", 1000));
    config.accelerator.entriesMax = static_cast<std::uint32_t>(command.Number("entries", 1000));
    config.function.tcpStrict = command.Number("strict", 1) != 0;
    config.channel.retriesMax = static_cast<std::uint16_t>(command.Number("retries", 12));
    config.channel.backlogMax = static_cast<std::uint32_t>(command.Number("backlog", 1024));
    config.channel.window = static_cast<std::uint16_t>(command.Number("window", 64));
    config.channel.backlogHigh = static_cast<std::uint32_t>(command.Number("high", 0));
    config.channel.backlogLow = static_cast<std::uint32_t>(command.Number("low", 0));
    config.channel.batchCount = static_cast<std::uint16_t>(command.Number("batch", 1));
    config.channel.batchDelay = command.Number("batchdelay", 0) * MICROSECOND;
    config.channel.ackDelay = command.Number("ackdelay", 0) * MICROSECOND;
    config.selection.serviceNode = command.Text("service_node", "hash") == "least-loaded"
                                       ? ServiceNodeRule::LEAST_LOADED
                                       : ServiceNodeRule::HASH;
    config.service.timers.udp = command.Number("udp_timeout", 300'000'000) * MICROSECOND;
    config.service.timers.refreshInterval = command.Number("refresh", 30'000'000) * MICROSECOND;
    config.accelerator.refreshInterval = config.service.timers.refreshInterval;
    config.publishDelay = command.Number("publish_delay", 0) * MICROSECOND;
    config.drainTime = command.Number("drain_time", 100) * MICROSECOND;
    std::istringstream absent(command.Text("absent", ""));
    for (std::string name; std::getline(absent, name, ',');)
    {
        config.absent.push_back(name);
    }
    FlowManagerConfig& manager = config.manager;
    manager.length = static_cast<std::uint16_t>(command.Number("length", 3));
    manager.position = static_cast<std::uint16_t>(command.Number("position", manager.length));
    manager.heldPerSessionMax = static_cast<std::uint32_t>(command.Number("held", 256));
    manager.pendingMax = static_cast<std::uint32_t>(command.Number("pending", 65536));
    manager.sessionsMax = static_cast<std::uint32_t>(command.Number("copies", 4'000'000));
    manager.pendingTimeout = command.Number("patience", 50'000) * MICROSECOND;
    const SyncScheme* scheme = SyncSchemeByName(command.Text("scheme", "chain"));
    const auto release = ReleaseRuleByName(command.Text("release", "all"));
    if (scheme == nullptr || !release)
    {
        Fail("no such scheme or release rule");
        return;
    }
    manager.scheme = scheme;
    manager.release = *release;
    m_rules.clear();
    m_flows.clear();
    m_harness.reset();
    m_harness = std::make_unique<ProtocolHarness>(config, nullptr);
    m_trace.SetHarness(m_harness.get());
    m_harness->SetListener(&m_trace);
    m_harness->SetFate(
        [this](NodeId from, NodeId to, const Frame& frame, Instant)
        {
        return Decide(from, to, frame);
    });
}

void
ProtocolScript::Send(const Command& command)
{
    const std::string name = command.Word(0);
    const std::string kind = command.Word(1);
    if (!m_flows.contains(name))
    {
        FlowKey key;
        key.protocol = ProtocolOf(kind);
        const int port = command.Number("port", CLIENT_PORT + static_cast<int>(m_flows.size()));
        key.source = {CLIENT_ADDRESS, static_cast<std::uint16_t>(port)};
        key.destination = {SERVER_ADDRESS, SERVER_PORT};
        if (key.protocol == IpProtocol::ICMP)
        {
            key.destination.port = 0;
        }
        m_flows[name] = key;
        m_trace.NameFlow(name, key);
    }
    const auto ttl = static_cast<std::uint8_t>(command.Number("ttl", 64));
    Inject(m_harness->Nodes().clients.front(), {m_flows[name], FlagsOf(kind), ttl}, command);
}

void
ProtocolScript::Answer(const Command& command)
{
    const auto flow = m_flows.find(command.Word(0));
    const FlowKey* received = flow == m_flows.end() ? nullptr : m_trace.Received(flow->second);
    if (received == nullptr)
    {
        Fail("the server has received nothing of this flow");
        return;
    }
    Inject(m_harness->Nodes().servers.front(),
           {received->Reversed(), FlagsOf(command.Word(1)), 64},
           command);
}

void
ProtocolScript::Probe(const Command& command)
{
    FlowKey key;
    key.protocol = ProtocolOf(command.Word(1));
    key.source = {SERVER_ADDRESS, SERVER_PORT};
    key.destination = {EXTERNAL_ADDRESS, static_cast<std::uint16_t>(std::stoi(command.Word(0)))};
    Inject(m_harness->Nodes().servers.front(), {key, FlagsOf(command.Word(1)), 64}, command);
}

void
ProtocolScript::Inject(NodeId host, const PacketSpec& packet, const Command& command)
{
    const NodeId via = NodeOrAny(command.Text("via", "*"));
    if (via == NO_NODE)
    {
        m_harness->Inject(host, packet);
    }
    else
    {
        m_harness->InjectAt(host, via, packet);
    }
}

void
ProtocolScript::Run(const Command& command)
{
    if (!command.words.empty())
    {
        m_harness->RunUntil(m_harness->Now() + std::stoi(command.Word(0)) * MICROSECOND);
        return;
    }
    const Duration silence = 3 * m_harness->Config().channel.retransmitTimeout;
    const Instant start = m_harness->Now();
    while (m_harness->RunOne(std::max(m_trace.LastMessage(), start) + silence))
    {
    }
    m_harness->RunUntil(std::max(m_trace.LastMessage(), start) + silence);
}

void
ProtocolScript::AddRule(const Command& command)
{
    Rule rule;
    rule.verb = command.name;
    rule.kind = command.Word(0);
    rule.from = NodeOrAny(command.Word(1, "*"));
    rule.to = NodeOrAny(command.Word(2, "*"));
    rule.skip = command.Number("n", 1) - 1;
    rule.times = command.Number("times", 1);
    rule.by = command.Number("by", 50) * MICROSECOND;
    m_rules.push_back(rule);
}

NodeId
ProtocolScript::NodeOrAny(const std::string& name)
{
    const NodeId node = m_harness->NodeNamed(name);
    if (node == NO_NODE && name != "*")
    {
        Fail("no such node: " + name);
    }
    return node;
}

Fate
ProtocolScript::Decide(NodeId from, NodeId to, const Frame& frame)
{
    MessageKind peeked;
    const std::string kind = PeekKind(frame, peeked) ? ProtocolTrace::NameOf(peeked) : "packet";
    Fate fate;
    for (Rule& rule : m_rules)
    {
        if (rule.kind != kind || (rule.from != NO_NODE && rule.from != from) ||
            (rule.to != NO_NODE && rule.to != to) || rule.times == 0)
        {
            continue;
        }
        if (rule.skip > 0)
        {
            --rule.skip;
            continue;
        }
        --rule.times;
        fate.lost = rule.verb == "lose";
        fate.held = rule.verb == "hold";
        fate.twice = rule.verb == "twice";
        fate.late = rule.verb == "late" ? rule.by : Duration::zero();
        break;
    }
    return fate;
}

void
ProtocolScript::SetTrace(const Command& command)
{
    const std::string what = command.Word(0);
    if (what == "on" || what == "off")
    {
        m_trace.SetQuiet(what == "off");
    }
    else if (!m_trace.Show(command.Word(1), what == "show"))
    {
        Fail("the trace has no " + command.Word(1));
    }
}

void
ProtocolScript::Show(const Command& command)
{
    const std::string what = command.Word(0);
    if (what == "copies")
    {
        ShowCopies();
    }
    else if (what == "packets")
    {
        ShowPackets();
    }
    else if (what == "tables")
    {
        ShowTables();
    }
    else if (what == "pending")
    {
        ShowPending();
    }
    else
    {
        Fail("cannot show " + what);
    }
}

/** One line for each version of each session: who holds it. */
void
ProtocolScript::ShowCopies()
{
    std::map<std::string, std::string> holders;
    for (NodeId node = 0; node < m_harness->Nodes().nodes.size(); ++node)
    {
        const SessionStore* store = m_harness->IsDown(node) ? nullptr : m_harness->StoreOf(node);
        for (std::size_t slot = 0; store != nullptr && slot < store->Slots(); ++slot)
        {
            const SessionRecord& record = store->At(slot);
            if (record.id == 0)
            {
                continue; // superseded
            }
            std::string& nodes =
                holders[m_trace.TextOf(record) + " " + m_trace.TextOf(record.original) +
                        " as :" + std::to_string(record.translated.source.port)];
            nodes += " ";
            nodes += m_harness->NameOf(node);
        }
    }
    for (const auto& [session, nodes] : holders)
    {
        m_output += session + " at" + nodes + "\n";
    }
    m_output += holders.empty() ? "no session\n" : "";
}

/** The packet ledger, and the frames that machines keep. */
void
ProtocolScript::ShowPackets()
{
    const PacketLedger& ledger = m_harness->Ledger();
    const PacketLedger::Tally tally = ledger.Count();
    m_output += std::to_string(ledger.Injected()) + " sent, " + std::to_string(tally.delivered) +
                " delivered, " + std::to_string(tally.inFlight) + " under way";
    for (std::size_t reason = 0; reason < DROP_REASON_COUNT; ++reason)
    {
        if (tally.dropped[reason] != 0)
        {
            m_output += ", " + std::to_string(tally.dropped[reason]) + " " +
                        ToString(static_cast<DropReason>(reason));
        }
    }
    m_output += "; " + std::to_string(m_harness->LiveFrames() - m_harness->FramesInFlight()) +
                " frames kept\n";
    for (const PacketLedger::Violation& violation : ledger.Violations())
    {
        m_output += "packet " + std::to_string(violation.packetId) + ": " + violation.what + "\n";
    }
}

/** Entries of all tables of every node that is up. */
void
ProtocolScript::ShowTables()
{
    for (NodeId node = 0; node < m_harness->Nodes().nodes.size(); ++node)
    {
        if (!m_harness->IsDown(node) && m_harness->Machine(node).TableLimit() != 0)
        {
            m_output += m_harness->NameOf(node) + " " +
                        std::to_string(m_harness->Machine(node).TableEntries()) + "\n";
        }
    }
}

/** Sessions and fan-outs that managers wait for. */
void
ProtocolScript::ShowPending()
{
    for (const auto& group : m_harness->Nodes().groups)
    {
        for (const NodeId node : group)
        {
            const FlowManagerMachine* manager = m_harness->ManagerAt(node);
            if (manager != nullptr && manager->PendingCount() != 0)
            {
                m_output += m_harness->NameOf(node) + " waits for " +
                            std::to_string(manager->PendingCount()) + "\n";
            }
        }
    }
}

} // namespace flowchain
