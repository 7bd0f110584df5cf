// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_DISRUPTION_TRACKER_H
#define FLOWCHAIN_DISRUPTION_TRACKER_H

#include "instant.h"
#include "metric-set.h"

#include <cstdint>
#include <map>

namespace flowchain
{

/**
 * How long failures made the users of sessions wait. The yardstick is the slowest first packet of
 * any session that was delivered before the first failure. A session is disrupted if one of its
 * packets, delivered after that failure, took more than twice as long; its disruption is the
 * longest time that such a packet took from host to host. A session that lost packets instead is
 * broken, which is counted elsewhere: hosts never send again, so it never goes on.
 */
class DisruptionTracker
{
  public:
    /** @param firstFailure NEVER: there is none, and nothing is measured */
    explicit DisruptionTracker(Instant firstFailure);

    /** The first failure is another one. @pre both are not before now */
    void SetFirstFailure(Instant firstFailure)
    {
        m_firstFailure = firstFailure;
    }

    /** The first packet of a session has arrived. */
    void FirstDelivered(Instant injectedAt, Instant now);
    /** Any packet of a session has arrived, the first one included. */
    void Delivered(std::uint32_t session, Instant injectedAt, Instant now);

    /** Set the metrics disruption.*, if there was a failure and a yardstick. */
    void Report(MetricSet& metrics) const;

  private:
    static constexpr int FACTOR = 2; ///< above which a packet was disrupted

    Instant m_firstFailure;
    Duration m_slowest{};                        ///< first packet before the first failure
    std::map<std::uint32_t, Duration> m_longest; ///< of each disrupted session
};

} // namespace flowchain

#endif
