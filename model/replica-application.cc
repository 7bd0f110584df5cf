// SPDX-License-Identifier: GPL-2.0-only
#include "replica-application.h"

#include <ns3/boolean.h>
#include <ns3/fatal-error.h>
#include <ns3/string.h>
#include <ns3/uinteger.h>

namespace flowchain
{

NS_OBJECT_ENSURE_REGISTERED(ReplicaApplication);

ns3::TypeId
ReplicaApplication::GetTypeId()
{
    static ns3::TypeId tid =
        ns3::TypeId("flowchain::ReplicaApplication")
            .SetParent<NodeApplication>()
            .SetGroupName("flowchain")
            .AddAttribute("Scheme",
                          "Synchronisation scheme, one of SyncSchemes()",
                          ns3::StringValue("chain"),
                          ns3::MakeStringAccessor(&ReplicaApplication::m_scheme),
                          ns3::MakeStringChecker())
            .AddAttribute("Release",
                          "When waiting packets are released: immediate, chain, all, tail",
                          ns3::StringValue("all"),
                          ns3::MakeStringAccessor(&ReplicaApplication::m_release),
                          ns3::MakeStringChecker())
            .AddAttribute("ChainLength",
                          "Nodes in a chain, the first one included",
                          ns3::UintegerValue(3),
                          ns3::MakeUintegerAccessor(&ReplicaApplication::m_length),
                          ns3::MakeUintegerChecker<std::uint16_t>(1, 8))
            .AddAttribute(
                "Position",
                "Position of the second manager in the chain, from 1; at most ChainLength",
                ns3::UintegerValue(3),
                ns3::MakeUintegerAccessor(&ReplicaApplication::m_position),
                ns3::MakeUintegerChecker<std::uint16_t>(1, 8))
            .AddAttribute(
                "CrossGroup",
                "Scheme chain: a manager of another group gets a copy of each session, too",
                ns3::BooleanValue(false),
                ns3::MakeBooleanAccessor(&ReplicaApplication::m_crossGroup),
                ns3::MakeBooleanChecker())
            .AddAttribute("SessionsMax",
                          "Copies of sessions held, at most; a service node keeps an eighth for "
                          "those of others",
                          ns3::UintegerValue(4000000),
                          ns3::MakeUintegerAccessor(&ReplicaApplication::m_sessionsMax),
                          ns3::MakeUintegerChecker<std::uint32_t>(1))
            .AddAttribute("TombstonesMax",
                          "Names of deleted sessions that are refused, at most; the oldest one "
                          "makes way",
                          ns3::UintegerValue(65536),
                          ns3::MakeUintegerAccessor(&ReplicaApplication::m_tombstonesMax),
                          ns3::MakeUintegerChecker<std::uint32_t>(1))
            .AddAttribute(
                "PendingTimeout",
                "Time after which a session that still waits is given up, and its packets "
                "are dropped",
                ns3::TimeValue(ns3::Seconds(2)),
                ns3::MakeTimeAccessor(&ReplicaApplication::m_pendingTimeout),
                ns3::MakeTimeChecker(ns3::PicoSeconds(1)));
    return tid;
}

ReplicaConfig
ReplicaApplication::MakeReplicaConfig() const
{
    const SyncScheme* scheme = SyncSchemeByName(m_scheme);
    const auto release = ReleaseRuleByName(m_release);
    if (scheme == nullptr || !release || m_position > m_length)
    {
        NS_FATAL_ERROR("no scheme '" << m_scheme << "', or release rule '" << m_release
                                     << "', or position " << m_position << " in a chain of "
                                     << m_length);
    }
    ReplicaConfig replica;
    replica.scheme = scheme;
    replica.release = *release;
    replica.length = m_length;
    replica.position = m_position;
    replica.crossGroup = m_crossGroup;
    replica.sessionsMax = m_sessionsMax;
    replica.tombstonesMax = m_tombstonesMax;
    replica.pendingTimeout = Duration(m_pendingTimeout.GetTimeStep());
    return replica;
}

} // namespace flowchain
