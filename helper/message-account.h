// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_MESSAGE_ACCOUNT_H
#define FLOWCHAIN_MESSAGE_ACCOUNT_H

#include "metric-set.h"
#include "sync-message.h"

#include <array>
#include <cstdint>

namespace flowchain
{

/** Messages that nodes put on their uplinks, by kind, and those sent again. */
class MessageAccount
{
  public:
    /** A node sends this frame; a bare data packet counts nothing. */
    void Sent(const Frame& frame);

    /** Of all messages so far. */
    std::uint64_t Bytes() const;

    /** Set the metrics sync.messages.*, sync.bytes*, sync.retransmission*; divide by
     * `sessions`, if there are any. */
    void Report(std::uint64_t sessions, MetricSet& metrics) const;

  private:
    struct Sum
    {
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0;
    };

    std::array<Sum, static_cast<std::size_t>(LAST_MESSAGE_KIND) + 1> m_kinds{};
    Sum m_resent;
};

} // namespace flowchain

#endif
