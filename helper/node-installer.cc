// SPDX-License-Identifier: GPL-2.0-only
#include "node-installer.h"

#include "accelerator-application.h"
#include "controller-application.h"
#include "edge-application.h"
#include "flow-manager-application.h"
#include "service-node-application.h"
#include "spelling.h"
#include "sync-scheme.h"

#include <ns3/boolean.h>
#include <ns3/node.h>
#include <ns3/object-factory.h>
#include <ns3/string.h>
#include <ns3/uinteger.h>

namespace flowchain
{

namespace
{

ns3::TimeValue
TimeOf(Duration duration)
{
    return ns3::TimeValue(ns3::PicoSeconds(duration.count()));
}

/** Sets the attributes of every role from the scenario. */
class Factories
{
  public:
    explicit Factories(const Scenario& scenario)
        : m_scenario(scenario)
    {
    }

    ns3::ObjectFactory Make(const Directory& directory, NodeId node) const
    {
        ns3::ObjectFactory factory;
        const ServiceSection& service = m_scenario.services[directory.nodes[node].service];
        switch (directory.nodes[node].role)
        {
        case NodeRole::CLIENT:
        case NodeRole::SERVER:
            factory.SetTypeId(EdgeApplication::GetTypeId());
            break;
        case NodeRole::ACCELERATOR:
            SetAccelerator(factory, service, node - directory.accelerators.front());
            break;
        case NodeRole::MANAGER:
            SetManager(factory, service);
            break;
        case NodeRole::SERVICE_NODE:
            SetServiceNode(factory, service);
            break;
        case NodeRole::CONTROLLER:
            SetController(factory);
            break;
        }
        SetChannel(factory);
        factory.Set("PlantedDefects", ns3::StringValue(Join(m_scenario.sim.defects, " ")));
        return factory;
    }

  private:
    void SetAccelerator(ns3::ObjectFactory& factory,
                        const ServiceSection& service,
                        std::size_t index) const
    {
        std::size_t section = 0;
        while (index >= service.accelerators[section].count)
        {
            index -= service.accelerators[section++].count;
        }
        const AcceleratorSection& accelerator = service.accelerators[section];
        factory.SetTypeId(AcceleratorApplication::GetTypeId());
        factory.Set("EntriesMax", ns3::UintegerValue(accelerator.entriesMax));
        factory.Set("TombstonesMax", ns3::UintegerValue(m_scenario.session.tombstonesMax));
        factory.Set("TcpTracking", ns3::BooleanValue(m_scenario.session.tcpTracking));
        factory.Set("RefreshInterval", TimeOf(m_scenario.session.timers.refreshInterval));
        SetProcessing(factory, accelerator.processing);
        SetHeartbeat(factory);
    }

    void SetManager(ns3::ObjectFactory& factory, const ServiceSection& service) const
    {
        const GroupSection& group = service.group;
        factory.SetTypeId(FlowManagerApplication::GetTypeId());
        SetReplica(factory, service);
        factory.Set("SessionsMax", ns3::UintegerValue(group.sessionsMax));
        factory.Set("PendingMax", ns3::UintegerValue(group.pendingMax));
        factory.Set("HeldPerSessionMax", ns3::UintegerValue(group.heldPerSessionMax));
        SetProcessing(factory, group.processing);
        SetHeartbeat(factory);
    }

    void SetServiceNode(ns3::ObjectFactory& factory, const ServiceSection& service) const
    {
        factory.SetTypeId(ServiceNodeApplication::GetTypeId());
        SetReplica(factory, service);
        factory.Set("SessionsMax", ns3::UintegerValue(service.sessionsMax));
        SetLife(factory);
        SetProcessing(factory, service.processing);
        SetHeartbeat(factory);
    }

    void SetLife(ns3::ObjectFactory& factory) const
    {
        const SessionSection& session = m_scenario.session;
        const SessionTimers& timers = session.timers;
        factory.Set("TcpEstablishedTimeout", TimeOf(timers.tcpEstablished));
        // Whose state nobody follows may be established for all that is known.
        factory.Set("TcpTransitoryTimeout",
                    TimeOf(session.tcpTracking ? timers.tcpTransitory : timers.tcpEstablished));
        factory.Set("UdpTimeout", TimeOf(timers.udp));
        factory.Set("IcmpTimeout", TimeOf(timers.icmp));
        factory.Set("CloseLinger", TimeOf(timers.closeLinger));
        factory.Set("RefreshInterval", TimeOf(timers.refreshInterval));
        factory.Set("TcpUpdates", ns3::BooleanValue(session.tcpUpdates));
        factory.Set("RemovalsMax", ns3::UintegerValue(session.removalsMax));
    }

    void SetController(ns3::ObjectFactory& factory) const
    {
        factory.SetTypeId(ControllerApplication::GetTypeId());
        factory.Set("DetectionTimeout", TimeOf(m_scenario.controller.detectionTimeout));
        factory.Set("MistakeRecurrence",
                    ns3::UintegerValue(m_scenario.controller.mistakeRecurrence));
        factory.Set("MissedMax", ns3::UintegerValue(m_scenario.controller.missedMax));
        factory.Set("LossWindow", ns3::UintegerValue(m_scenario.controller.lossWindow));
        SetHeartbeat(factory); // that it expects
        factory.Set("PublishDelay", TimeOf(m_scenario.controller.publishDelay));
        factory.Set("DrainTime", TimeOf(m_scenario.controller.drainTime));
        // Where not everybody has every session, owners give a returning node what it should have.
        const SchemePromise promise =
            SyncSchemeByName(m_scenario.chain.scheme)->Promise(SchemeConfig{});
        factory.Set("SnapshotOnJoin", ns3::BooleanValue(promise.everyServiceNode));
        factory.Set(
            "RestoreFromManagers",
            ns3::BooleanValue(promise.Restores() && m_scenario.controller.restoreFromManagers));
        SetProcessing(factory, m_scenario.controller.processing);
    }

    void SetReplica(ns3::ObjectFactory& factory, const ServiceSection& service) const
    {
        const ChainSection& chain = service.chain;
        factory.Set("Scheme", ns3::StringValue(chain.scheme));
        factory.Set("Release", ns3::StringValue(chain.release));
        factory.Set("ChainLength", ns3::UintegerValue(chain.length));
        factory.Set("Position", ns3::UintegerValue(SecondPosition(chain)));
        factory.Set("CrossGroup", ns3::BooleanValue(chain.crossGroup));
        factory.Set("PendingTimeout", TimeOf(service.group.pendingTimeout));
        factory.Set("TombstonesMax", ns3::UintegerValue(m_scenario.session.tombstonesMax));
    }

    void SetHeartbeat(ns3::ObjectFactory& factory) const
    {
        factory.Set("HeartbeatInterval", TimeOf(m_scenario.controller.heartbeatInterval));
    }

    void SetChannel(ns3::ObjectFactory& factory) const
    {
        const SyncSection& sync = m_scenario.sync;
        factory.Set("RetransmitTimeout", TimeOf(sync.retransmitTimeout));
        factory.Set("RetransmitTimeoutMax", TimeOf(sync.retransmitTimeoutMax));
        factory.Set("RetriesMax", ns3::UintegerValue(sync.retriesMax));
        factory.Set("Window", ns3::UintegerValue(sync.window));
        factory.Set("BacklogMax", ns3::UintegerValue(sync.backlogMax));
        factory.Set("BacklogHigh", ns3::UintegerValue(sync.backlogHigh));
        factory.Set("BacklogLow", ns3::UintegerValue(sync.backlogLow));
        factory.Set("AckDelay", TimeOf(sync.ackDelay));
        factory.Set("BatchCount", ns3::UintegerValue(sync.batchCount));
        factory.Set("BatchDelay", TimeOf(sync.batchDelay));
        factory.Set("BatchBytes", ns3::UintegerValue(sync.batchBytes));
    }

    static void SetProcessing(ns3::ObjectFactory& factory, const ProcessingSection& processing)
    {
        factory.Set("Cores", ns3::UintegerValue(processing.cores));
        factory.Set("QueueFrames", ns3::UintegerValue(processing.queueFrames));
        factory.Set("PacketCost", TimeOf(processing.packetCost));
        factory.Set("MessageCost", TimeOf(processing.messageCost));
        factory.Set("AckCost", TimeOf(processing.ackCost));
    }

    const Scenario& m_scenario;
};

} // namespace

std::vector<ns3::Ptr<NodeApplication>>
InstallNodes(const Scenario& scenario,
             const Directory& network,
             const Steering& steering,
             Fabric& fabric,
             NodeListener* listener)
{
    const Factories factories(scenario);
    std::vector<ns3::Ptr<NodeApplication>> applications;
    for (NodeId id = 0; id < network.nodes.size(); ++id)
    {
        const Directory::Node& node = network.nodes[id];
        const Directory& directory =
            IsOfService(node.role) ? steering.Services()[node.service] : network;
        auto application = factories.Make(directory, id).Create<NodeApplication>();
        application->Attach(id, &directory, &fabric, listener);
        if (auto* host = dynamic_cast<EdgeApplication*>(ns3::PeekPointer(application)))
        {
            host->SetSteering(&steering);
        }
        ns3::CreateObject<ns3::Node>()->AddApplication(application);
        applications.push_back(application);
    }
    return applications;
}

} // namespace flowchain
