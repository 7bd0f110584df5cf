// SPDX-License-Identifier: GPL-2.0-only
#include "chunked-vector.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

TEST(ChunkedVector, ElementsKeepValueAndAddressAcrossChunks)
{
    constexpr std::size_t CHUNK = ChunkedVector<int>::CHUNK_ELEMENTS;
    ChunkedVector<int> vector;
    EXPECT_EQ(vector.Bytes(), 0U);
    std::vector<const int*> addresses;
    for (std::size_t i = 0; i < 5 * CHUNK + 1; ++i)
    {
        vector.PushBack(static_cast<int>(i * 3));
        addresses.push_back(&vector[i]);
    }
    ASSERT_EQ(vector.Size(), 5 * CHUNK + 1);
    for (std::size_t i = 0; i < vector.Size(); ++i)
    {
        ASSERT_EQ(vector[i], static_cast<int>(i * 3));
        ASSERT_EQ(&vector[i], addresses[i]);
    }
}

TEST(ChunkedVector, AtMostOneChunkIsUnused)
{
    constexpr std::size_t CHUNK = ChunkedVector<std::uint64_t>::CHUNK_ELEMENTS;
    ChunkedVector<std::uint64_t> vector;
    for (std::size_t i = 0; i < 10 * CHUNK; ++i)
    {
        vector.PushBack(i);
        const std::size_t unused = vector.Bytes() - vector.Size() * sizeof(std::uint64_t);
        ASSERT_LE(unused, CHUNK * sizeof(std::uint64_t) + 1024);
    }
}

TEST(ChunkedVectorDeathTest, AnIndexBehindTheEndIsABrokenInvariant)
{
    ChunkedVector<int> vector;
    vector.PushBack(1);
    EXPECT_DEATH(vector[1], "");
}

} // namespace
} // namespace flowchain
