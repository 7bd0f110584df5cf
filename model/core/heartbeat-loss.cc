// SPDX-License-Identifier: GPL-2.0-only
#include "heartbeat-loss.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace flowchain
{

namespace
{

constexpr int FRACTION = 16; ///< bits of a logarithm behind the point

/** log2(value) in units of 2^-FRACTION, at most two units too small. @pre value > 0 */
std::uint64_t
Log2(std::uint64_t value)
{
    const int whole = std::bit_width(value) - 1;
    // The mantissa, in 1..2, with 31 bits behind the point. Squaring it doubles its logarithm.
    std::uint64_t mantissa = whole > 31 ? value >> (whole - 31) : value << (31 - whole);
    std::uint64_t result = whole;
    for (int bit = 0; bit < FRACTION; ++bit)
    {
        mantissa = mantissa * mantissa >> 31;
        const std::uint64_t carry = mantissa >> 32;
        mantissa >>= carry;
        result = result << 1 | carry;
    }
    return result;
}

constexpr std::uint64_t LOG_ERROR = 2; ///< of Log2()

} // namespace

HeartbeatLoss::HeartbeatLoss(std::size_t nodes, std::uint32_t window, std::uint16_t gapMax)
    : m_window(window)
    , m_gapMax(gapMax)
    , m_sources(nodes)
{
    assert(window >= 1);
}

void
HeartbeatLoss::Expect(NodeId node, std::uint8_t incarnation)
{
    m_sources[node] = {true, incarnation, 0};
}

void
HeartbeatLoss::Heard(NodeId node, std::uint8_t incarnation, std::uint32_t number)
{
    Source& source = m_sources[node];
    if (!source.known || source.incarnation != incarnation)
    {
        source = {true, incarnation, number};
        return;
    }
    // Numbers may wrap around; those of a copy or of one that is late are not ahead.
    const std::uint32_t ahead = number - source.number;
    if (ahead == 0 || ahead > ~std::uint32_t{0} / 2)
    {
        return;
    }
    source.number = number;
    const auto gap = static_cast<std::uint16_t>(std::min<std::uint32_t>(ahead - 1, m_gapMax));
    m_lost += gap;
    if (m_gaps.size() < m_window)
    {
        m_gaps.push_back(gap);
        return;
    }
    m_lost -= m_gaps[m_next];
    m_gaps[m_next] = gap;
    m_next = (m_next + 1) % m_window;
}

std::uint32_t
MissesTolerated(std::uint64_t lost, std::uint64_t sent, std::uint64_t recurrence, std::uint32_t max)
{
    assert(lost <= sent && sent >> 32 == 0 && recurrence >= 1);
    if (lost == 0)
    {
        return 0;
    }
    // n = log(recurrence) / log(1 / p); what is rounded makes n greater.
    const std::uint64_t wanted = recurrence == 1 ? 0 : Log2(recurrence) + LOG_ERROR;
    const std::uint64_t high = Log2(sent + 2);
    const std::uint64_t low = Log2(lost + 1) + LOG_ERROR;
    if (high <= low)
    {
        return recurrence == 1 ? 0 : max;
    }
    const std::uint64_t each = high - low;
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>((wanted + each - 1) / each, std::uint64_t{max}));
}

} // namespace flowchain
