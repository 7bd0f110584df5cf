// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SELECTION_FLOWS_H
#define FLOWCHAIN_SELECTION_FLOWS_H

#include "flow-key.h"

#include <boost/math/distributions/chi_squared.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>

namespace flowchain
{

constexpr std::uint32_t FLOWS = 60'000;

/** Flows as a client pool makes them: few addresses, ascending ports. */
inline FlowKey
Flow(std::uint32_t i)
{
    return {{0x0a000000 + i % 250, static_cast<std::uint16_t>(1024 + i / 250)},
            {0xc6336401, 443},
            IpProtocol::TCP};
}

/** Whether a chi-square test against equal shares has a P value above 1e-4. A Maglev table is not
 * perfectly equal: its shares differ by one slot in 200, which 60000 flows do not show. */
template <typename Key>
testing::AssertionResult
AreEqualShares(const std::map<Key, std::uint32_t>& counts, std::size_t cells)
{
    double total = 0;
    for (const auto& [key, count] : counts)
    {
        total += count;
    }
    const double expected = total / static_cast<double>(cells);
    double chiSquare = static_cast<double>(cells - counts.size()) * expected;
    for (const auto& [key, count] : counts)
    {
        chiSquare += (count - expected) * (count - expected) / expected;
    }
    const boost::math::chi_squared distribution(static_cast<double>(cells - 1));
    const double limit = boost::math::quantile(distribution, 0.9999);
    return (chiSquare < limit ? testing::AssertionSuccess() : testing::AssertionFailure())
           << "chi-square " << chiSquare << ", limit " << limit;
}

} // namespace flowchain

#endif
