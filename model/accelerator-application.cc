// SPDX-License-Identifier: GPL-2.0-only
#include "accelerator-application.h"

#include "accelerator-machine.h"

#include <ns3/boolean.h>
#include <ns3/uinteger.h>

namespace flowchain
{

NS_OBJECT_ENSURE_REGISTERED(AcceleratorApplication);

ns3::TypeId
AcceleratorApplication::GetTypeId()
{
    static ns3::TypeId tid =
        ns3::TypeId("flowchain::AcceleratorApplication")
            .SetParent<NodeApplication>()
            .SetGroupName("flowchain")
            .AddConstructor<AcceleratorApplication>()
            .AddAttribute(
                "EntriesMax",
                "Flow entries that the table holds, at most; further flows stay on the slow path",
                ns3::UintegerValue(8000000),
                ns3::MakeUintegerAccessor(&AcceleratorApplication::m_entriesMax),
                ns3::MakeUintegerChecker<std::uint32_t>(1))
            .AddAttribute("TombstonesMax",
                          "Names of deleted sessions whose entries are refused, at most; the "
                          "oldest one makes way",
                          ns3::UintegerValue(65536),
                          ns3::MakeUintegerAccessor(&AcceleratorApplication::m_tombstonesMax),
                          ns3::MakeUintegerChecker<std::uint32_t>(1))
            .AddAttribute("TcpTracking",
                          "Tell the owners of TCP sessions of ACK, FIN and RST",
                          ns3::BooleanValue(false),
                          ns3::MakeBooleanAccessor(&AcceleratorApplication::m_tcpTracking),
                          ns3::MakeBooleanChecker())
            .AddAttribute("RefreshInterval",
                          "Time between two reports of which sessions have had packets",
                          ns3::TimeValue(ns3::Seconds(30)),
                          ns3::MakeTimeAccessor(&AcceleratorApplication::m_refreshInterval),
                          ns3::MakeTimeChecker(ns3::PicoSeconds(1)));
    return tid;
}

std::unique_ptr<ProtocolMachine>
AcceleratorApplication::MakeMachine(const NodeConfig& config)
{
    AcceleratorConfig accelerator;
    accelerator.entriesMax = m_entriesMax;
    accelerator.tombstonesMax = m_tombstonesMax;
    accelerator.observe = m_tcpTracking;
    accelerator.refreshInterval = Duration(m_refreshInterval.GetTimeStep());
    return std::make_unique<AcceleratorMachine>(config, accelerator);
}

} // namespace flowchain
