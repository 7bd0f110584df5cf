// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CHECKSUM_H
#define FLOWCHAIN_CHECKSUM_H

#include <cstdint>
#include <span>

namespace flowchain
{

/**
 * Fold a sum of 16-bit words to 16 bits with end-around carry (RFC 1071, section 1). A sum that is
 * not 0 never becomes 0: the zero of a non-empty sum is 0xffff.
 */
constexpr std::uint16_t
FoldSum(std::uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

/**
 * @returns the folded one's-complement sum of the bytes, taken as big-endian 16-bit words, a last
 * odd byte padded with zero (RFC 1071). The checksum is the complement of it. Sums of parts that
 * start at even offsets add up: FoldSum(a + b).
 */
std::uint16_t OnesComplementSum(std::span<const std::uint8_t> bytes);

/** The unfolded sum of the 16-bit halves of a 32-bit word, such as an IPv4 address. */
constexpr std::uint32_t
WordSum(std::uint32_t word)
{
    return (word >> 16) + (word & 0xffff);
}

/**
 * Repair of a checksum after some of the words that it covers have changed:
 * HC' = ~(~HC + ~m + m') (RFC 1624, eqn. 3).
 */
class ChecksumUpdate
{
  public:
    /** @param checksum the field as it was, right for the old words */
    explicit constexpr ChecksumUpdate(std::uint16_t checksum)
        : m_sum(static_cast<std::uint16_t>(~checksum))
    {
    }

    constexpr ChecksumUpdate& Replace16(std::uint16_t from, std::uint16_t to)
    {
        m_sum += static_cast<std::uint16_t>(~from);
        m_sum += to;
        return *this;
    }

    constexpr ChecksumUpdate& Replace32(std::uint32_t from, std::uint32_t to)
    {
        m_sum += WordSum(~from);
        m_sum += WordSum(to);
        return *this;
    }

    /** @returns the new checksum field. */
    constexpr std::uint16_t Checksum() const
    {
        return static_cast<std::uint16_t>(~FoldSum(m_sum));
    }

  private:
    std::uint64_t m_sum;
};

/** @returns a UDP checksum as it is sent: 0 would mean "none", so 0xffff stands for it (RFC 768).
 */
constexpr std::uint16_t
UdpChecksumToSend(std::uint16_t checksum)
{
    return checksum == 0 ? 0xffff : checksum;
}

} // namespace flowchain

#endif
