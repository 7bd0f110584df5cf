// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <ns3/point-to-point-net-device.h>
#include <ns3/udp-client.h>

/**
 * The layout of some classes depends on NS3_LOG_ENABLE: compiled otherwise than the library was, an
 * object overruns its memory without a word. The library tells the size that it knows.
 */
TEST(Ns3Abi, ClassesHaveTheSizesThatTheLibraryWasBuiltWith)
{
    EXPECT_EQ(ns3::UdpClient::GetTypeId().GetSize(), sizeof(ns3::UdpClient));
    EXPECT_EQ(ns3::PointToPointNetDevice::GetTypeId().GetSize(),
              sizeof(ns3::PointToPointNetDevice));
}
