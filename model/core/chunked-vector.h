// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CHUNKED_VECTOR_H
#define FLOWCHAIN_CHUNKED_VECTOR_H

#include <cassert>
#include <cstddef>
#include <vector>

namespace flowchain
{

/**
 * A vector that grows by chunks of equal size: growing copies nothing, leaves at most one chunk
 * unused, and elements never move.
 */
template <typename T>
class ChunkedVector
{
  public:
    static constexpr std::size_t CHUNK_ELEMENTS = 4096;

    T& operator[](std::size_t i)
    {
        assert(i < m_size);
        return m_chunks[i / CHUNK_ELEMENTS][i % CHUNK_ELEMENTS];
    }

    const T& operator[](std::size_t i) const
    {
        assert(i < m_size);
        return m_chunks[i / CHUNK_ELEMENTS][i % CHUNK_ELEMENTS];
    }

    void PushBack(const T& value)
    {
        if (m_size % CHUNK_ELEMENTS == 0)
        {
            m_chunks.emplace_back().reserve(CHUNK_ELEMENTS);
        }
        m_chunks.back().push_back(value);
        ++m_size;
    }

    std::size_t Size() const
    {
        return m_size;
    }

    /** Memory held, in bytes. */
    std::size_t Bytes() const
    {
        const std::size_t chunk = m_chunks.empty() ? 0 : m_chunks.front().capacity() * sizeof(T);
        return m_chunks.size() * chunk + m_chunks.capacity() * sizeof(std::vector<T>);
    }

  private:
    std::vector<std::vector<T>> m_chunks; ///< all full but the last
    std::size_t m_size = 0;
};

} // namespace flowchain

#endif
