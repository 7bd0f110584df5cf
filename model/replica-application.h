// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_REPLICA_APPLICATION_H
#define FLOWCHAIN_REPLICA_APPLICATION_H

#include "node-application.h"
#include "replica-machine.h"

#include <ns3/nstime.h>

#include <string>

namespace flowchain
{

/** A node that holds copies of session state: the attributes that all of them have. */
class ReplicaApplication : public NodeApplication
{
  public:
    static ns3::TypeId GetTypeId();

  protected:
    ReplicaConfig MakeReplicaConfig() const;

  private:
    std::string m_scheme;
    std::string m_release;
    std::uint16_t m_length = 0;
    std::uint16_t m_position = 0;
    bool m_crossGroup = false;
    std::uint32_t m_sessionsMax = 0;
    std::uint32_t m_tombstonesMax = 0;
    ns3::Time m_pendingTimeout;
};

} // namespace flowchain

#endif
