// SPDX-License-Identifier: GPL-2.0-only
#include "pcap-reader.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <utility>

namespace flowchain
{

namespace
{

constexpr std::size_t FILE_HEADER_BYTES = 24;
constexpr std::size_t RECORD_HEADER_BYTES = 16;
constexpr std::uint32_t MAGIC_MICROSECONDS = 0xa1b2c3d4;
constexpr std::uint32_t MAGIC_NANOSECONDS = 0xa1b23c4d;
constexpr std::uint32_t MAGIC_PCAPNG = 0x0a0d0d0a; ///< a palindrome: equal in both byte orders
constexpr std::uint32_t LINK_TYPE_ETHERNET = 1;

} // namespace

PcapFile::PcapFile(std::string name, std::vector<std::uint8_t> content)
    : m_name(std::move(name))
    , m_content(std::move(content))
{
}

PcapFile
PcapFile::Load(const std::string& path)
{
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error); // refuses what is no regular file
    if (error)
    {
        throw PcapError(fmt::format("{}: cannot open: {}", path, error.message()));
    }
    std::vector<std::uint8_t> content(size);
    std::ifstream stream(path, std::ios::binary);
    if (!stream.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(size)))
    {
        throw PcapError(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
    }
    return Parse(path, std::move(content));
}

PcapFile
PcapFile::Parse(std::string name, std::vector<std::uint8_t> content)
{
    PcapFile file(std::move(name), std::move(content));
    file.ReadHeader();
    std::size_t offset = FILE_HEADER_BYTES;
    while (offset < file.m_content.size())
    {
        offset = file.ReadRecord(offset);
    }
    return file;
}

void
PcapFile::Fail(std::size_t offset, const std::string& what) const
{
    throw PcapError(fmt::format("{}: byte offset {}: {}", m_name, offset, what));
}

std::uint32_t
PcapFile::Read32(std::size_t offset) const
{
    const std::uint8_t* b = m_content.data() + offset;
    const auto read = [b](int i0, int i1, int i2, int i3)
    {
        return (std::uint32_t{b[i0]} << 24) | (std::uint32_t{b[i1]} << 16) |
               (std::uint32_t{b[i2]} << 8) | std::uint32_t{b[i3]};
    };
    return m_bigEndian ? read(0, 1, 2, 3) : read(3, 2, 1, 0);
}

std::uint16_t
PcapFile::Read16(std::size_t offset) const
{
    const unsigned first = m_content[offset];
    const unsigned second = m_content[offset + 1];
    return static_cast<std::uint16_t>(m_bigEndian ? first << 8 | second : second << 8 | first);
}

void
PcapFile::ReadHeader()
{
    if (m_content.size() >= 4 && Read32(0) == MAGIC_PCAPNG)
    {
        Fail(0,
             fmt::format("this is a pcapng file, only classic pcap is read; convert it with "
                         "`tshark -F nsecpcap -r {} -w out.pcap` or "
                         "`editcap -F nsecpcap {} out.pcap`",
                         m_name,
                         m_name));
    }
    if (m_content.size() < FILE_HEADER_BYTES)
    {
        Fail(m_content.size(),
             fmt::format(
                 "truncated file header: {} of {} bytes", m_content.size(), FILE_HEADER_BYTES));
    }
    m_bigEndian = m_content[0] == 0xa1;
    const std::uint32_t magic = Read32(0);
    if (magic != MAGIC_MICROSECONDS && magic != MAGIC_NANOSECONDS)
    {
        Fail(0, fmt::format("not a pcap file: magic number {:#010x}", magic));
    }
    m_nanoseconds = magic == MAGIC_NANOSECONDS;
    if (Read16(4) != 2 || Read16(6) != 4)
    {
        Fail(4, fmt::format("pcap version {}.{}, only 2.4 is read", Read16(4), Read16(6)));
    }
    m_snapLength = Read32(16);
    if (m_snapLength == 0)
    {
        Fail(16, "snapshot length 0");
    }
    if (Read32(20) != LINK_TYPE_ETHERNET)
    {
        Fail(20,
             fmt::format("link type {}, only {} (Ethernet without FCS) is read",
                         Read32(20),
                         LINK_TYPE_ETHERNET));
    }
}

std::size_t
PcapFile::ReadRecord(std::size_t offset)
{
    const std::size_t left = m_content.size() - offset;
    if (left < RECORD_HEADER_BYTES)
    {
        Fail(offset,
             fmt::format("truncated record header: {} of {} bytes", left, RECORD_HEADER_BYTES));
    }
    const std::uint32_t seconds = Read32(offset);
    const std::uint32_t fraction = Read32(offset + 4);
    const std::uint32_t captured = Read32(offset + 8);
    const std::uint32_t original = Read32(offset + 12);
    const std::uint32_t perSecond = m_nanoseconds ? 1'000'000'000 : 1'000'000;
    if (fraction >= perSecond)
    {
        Fail(offset + 4,
             fmt::format(
                 "{} {} in a second", fraction, m_nanoseconds ? "nanoseconds" : "microseconds"));
    }
    if (captured > FRAME_BYTES_MAX)
    {
        Fail(offset + 8,
             fmt::format("captured length {} is above the limit {}", captured, FRAME_BYTES_MAX));
    }
    if (captured > m_snapLength)
    {
        Fail(offset + 8,
             fmt::format(
                 "captured length {} is above the snapshot length {}", captured, m_snapLength));
    }
    if (captured > original)
    {
        Fail(offset + 8,
             fmt::format("captured length {} is above the original length {}", captured, original));
    }
    if (captured > left - RECORD_HEADER_BYTES)
    {
        Fail(offset + RECORD_HEADER_BYTES,
             fmt::format("truncated record: {} of {} bytes", left - RECORD_HEADER_BYTES, captured));
    }
    const std::uint64_t nanoseconds = std::uint64_t{fraction} * (m_nanoseconds ? 1 : 1'000);
    const std::size_t begin = offset + RECORD_HEADER_BYTES;
    m_records.push_back({std::uint64_t{seconds} * 1'000'000'000 + nanoseconds,
                         {m_content.data() + begin, captured},
                         original});
    return begin + captured;
}

} // namespace flowchain
