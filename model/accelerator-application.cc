// SPDX-License-Identifier: GPL-2.0-only
#include "accelerator-application.h"

#include "accelerator-machine.h"

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
                ns3::MakeUintegerChecker<std::uint32_t>(1));
    return tid;
}

std::unique_ptr<ProtocolMachine>
AcceleratorApplication::MakeMachine(const NodeConfig& config)
{
    AcceleratorConfig accelerator;
    accelerator.entriesMax = m_entriesMax;
    return std::make_unique<AcceleratorMachine>(config, accelerator);
}

} // namespace flowchain
