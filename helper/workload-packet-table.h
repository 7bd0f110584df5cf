// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_WORKLOAD_PACKET_TABLE_H
#define FLOWCHAIN_WORKLOAD_PACKET_TABLE_H

#include "instant.h"

#include <array>
#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace flowchain
{

/** What a workload remembers of a packet while it is in flight. */
struct PacketNote
{
    Instant injectedAt{};
    std::uint32_t session = 0; ///< index within the workload
    std::uint32_t packet = 0;  ///< the workload's own numbering
    std::uint32_t detail = 0;  ///< the workload's own; needed to know the packet's bytes again
};

/**
 * The packets in flight, by packet id. Ids come in increasing order and packets live a short time,
 * so the table is an array in blocks, and a block is given back when its last packet has ended.
 */
class PacketTable
{
  public:
    /** @pre packetId is larger than in every call before */
    void Add(std::uint32_t packetId, const PacketNote& note)
    {
        const std::size_t index = packetId / BLOCK_SIZE;
        if (index >= m_blocks.size())
        {
            CloseLast();
            m_blocks.resize(index + 1);
            m_blocks.back() = std::make_unique<Block>();
        }
        assert(index + 1 == m_blocks.size() && m_blocks.back());
        Block& block = *m_blocks.back();
        block.notes[packetId % BLOCK_SIZE] = note;
        block.open[packetId % BLOCK_SIZE] = true;
        ++block.openCount;
    }

    /** Forget the packet. @returns what was remembered; nothing if it has ended already. */
    std::optional<PacketNote> Take(std::uint32_t packetId)
    {
        const std::size_t index = packetId / BLOCK_SIZE;
        if (index >= m_blocks.size() || !m_blocks[index] ||
            !m_blocks[index]->open[packetId % BLOCK_SIZE])
        {
            return std::nullopt;
        }
        Block& block = *m_blocks[index];
        const PacketNote note = block.notes[packetId % BLOCK_SIZE];
        block.open[packetId % BLOCK_SIZE] = false;
        if (--block.openCount == 0 && index + 1 < m_blocks.size())
        {
            m_blocks[index].reset();
        }
        return note;
    }

  private:
    static constexpr std::size_t BLOCK_SIZE = 4096;

    struct Block
    {
        std::array<PacketNote, BLOCK_SIZE> notes;
        std::array<bool, BLOCK_SIZE> open{};
        std::uint32_t openCount = 0;
    };

    /** The last block stays while ids may still come into it; from now on none can. */
    void CloseLast()
    {
        if (!m_blocks.empty() && m_blocks.back() && m_blocks.back()->openCount == 0)
        {
            m_blocks.back().reset();
        }
    }

    std::vector<std::unique_ptr<Block>> m_blocks; ///< index: packet id / BLOCK_SIZE
};

} // namespace flowchain

#endif
