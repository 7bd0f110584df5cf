// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FRAME_H
#define FLOWCHAIN_FRAME_H

#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <span>

namespace flowchain
{

/**
 * Bytes that follow the headers of a frame and that no node rewrites.
 *
 * `bytes` points to memory that outlives the simulation (a loaded capture), or is null, which
 * stands for `length` zero bytes. `sum` is the folded one's-complement sum of the bytes (RFC 1071),
 * so that a checksum over the whole packet never reads them; it is 0 for zero bytes. The payload
 * always starts at an even offset of its transport segment.
 */
struct Payload
{
    const std::uint8_t* bytes = nullptr;
    std::uint32_t length = 0;
    std::uint16_t sum = 0;
};

/**
 * An Ethernet frame without its FCS: real header bytes, then a payload that may be virtual.
 *
 * Header bytes lie in one buffer with headroom in front, so that encapsulation prepends without a
 * copy: outer Ethernet 14 + IPv4 20 + UDP 8 + Geneve 8 + options of at most 100 fit before an inner
 * frame that starts at HEADROOM, and an inner frame's headers (Ethernet 14, IPv4 60, TCP 60)
 * behind.
 * The rest of the buffer is for the body of a batch of messages; only bytes in use are copied.
 */
class Frame
{
  public:
    static constexpr std::size_t CAPACITY = 1600;
    static constexpr std::size_t HEADROOM = 176;

    Frame() = default;
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

    /** Empty the frame: no header byte, no payload, full headroom, packetId 0. */
    void Reset()
    {
        m_begin = HEADROOM;
        m_end = HEADROOM;
        payload = {};
        packetId = 0;
    }

    std::span<std::uint8_t> Header()
    {
        return {m_bytes.data() + m_begin, static_cast<std::size_t>(m_end - m_begin)};
    }

    std::span<const std::uint8_t> Header() const
    {
        return {m_bytes.data() + m_begin, static_cast<std::size_t>(m_end - m_begin)};
    }

    /** @returns header bytes and payload together, in bytes; the length on the wire without FCS. */
    std::uint32_t Length() const
    {
        return static_cast<std::uint32_t>(m_end - m_begin) + payload.length;
    }

    std::size_t HeadroomLeft() const
    {
        return m_begin;
    }

    std::size_t TailroomLeft() const
    {
        return CAPACITY - m_end;
    }

    /** Add `size` uninitialised bytes in front of the headers. @pre size <= HeadroomLeft() */
    std::span<std::uint8_t> Prepend(std::size_t size)
    {
        assert(size <= HeadroomLeft());
        m_begin = static_cast<std::uint16_t>(m_begin - size);
        return {m_bytes.data() + m_begin, size};
    }

    /** Add `size` uninitialised bytes behind the headers. @pre size <= TailroomLeft() */
    std::span<std::uint8_t> Append(std::size_t size)
    {
        assert(size <= TailroomLeft());
        const auto old = m_end;
        m_end = static_cast<std::uint16_t>(m_end + size);
        return {m_bytes.data() + old, size};
    }

    /** Remove the first `size` header bytes. @pre size <= Header().size() */
    void TrimFront(std::size_t size)
    {
        assert(size <= Header().size());
        m_begin = static_cast<std::uint16_t>(m_begin + size);
    }

    /** Become a copy of the other's header bytes (at the same offset), payload and packetId. */
    void CopyFrom(const Frame& other)
    {
        m_begin = other.m_begin;
        m_end = other.m_end;
        std::memcpy(m_bytes.data() + m_begin, other.m_bytes.data() + m_begin, m_end - m_begin);
        payload = other.payload;
        packetId = other.packetId;
    }

    Payload payload;

    /** The injected data packet that this frame carries, bare or encapsulated; 0: none. Not on the
     * wire: the packet ledger counts by it. */
    std::uint32_t packetId = 0;

  private:
    std::uint16_t m_begin = HEADROOM;
    std::uint16_t m_end = HEADROOM;
    std::array<std::uint8_t, CAPACITY> m_bytes;
};

} // namespace flowchain

#endif
