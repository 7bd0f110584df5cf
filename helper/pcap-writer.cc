// SPDX-License-Identifier: GPL-2.0-only
#include "pcap-writer.h"

#include "pcap-reader.h"

#include <cassert>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace flowchain
{

namespace
{

constexpr std::size_t FLUSH_BYTES = std::size_t{1} << 20;
constexpr std::uint32_t MAGIC_NANOSECONDS = 0xa1b23c4d;
constexpr std::uint32_t LINK_TYPE_ETHERNET = 1;

} // namespace

PcapWriter::PcapWriter(const std::string& path)
    : m_path(path)
    , m_file(std::fopen(path.c_str(), "wb"))
{
    if (!m_file)
    {
        Fail("cannot create");
    }
    std::setvbuf(m_file.get(), nullptr, _IONBF, 0); // m_buffer is the only buffer
    m_buffer.reserve(FLUSH_BYTES + PcapFile::FRAME_BYTES_MAX);
    Append32(MAGIC_NANOSECONDS);
    Append16(2);
    Append16(4);
    Append32(0); // reserved
    Append32(0); // reserved
    Append32(PcapFile::FRAME_BYTES_MAX);
    Append32(LINK_TYPE_ETHERNET);
}

PcapWriter::~PcapWriter()
{
    try
    {
        Close();
    }
    catch (const PcapError& error)
    {
        fmt::print(stderr, "{}\n", error.what());
    }
}

void
PcapWriter::Write(Instant time, const Frame& frame)
{
    assert(m_file && time >= Instant{});
    const std::uint32_t length = frame.Length();
    assert(length <= PcapFile::FRAME_BYTES_MAX);
    const std::int64_t nanoseconds = time.time_since_epoch().count() / 1'000;
    Append32(static_cast<std::uint32_t>(nanoseconds / 1'000'000'000));
    Append32(static_cast<std::uint32_t>(nanoseconds % 1'000'000'000));
    Append32(length);
    Append32(length);
    Append(frame.Header());
    if (frame.payload.bytes == nullptr)
    {
        m_buffer.resize(m_buffer.size() + frame.payload.length);
    }
    else
    {
        Append({frame.payload.bytes, frame.payload.length});
    }
    if (m_buffer.size() >= FLUSH_BYTES)
    {
        Flush();
    }
}

void
PcapWriter::Close()
{
    if (!m_file)
    {
        return;
    }
    Flush();
    if (std::fclose(m_file.release()) != 0)
    {
        Fail("cannot close");
    }
}

void
PcapWriter::Append(std::span<const std::uint8_t> bytes)
{
    m_buffer.insert(m_buffer.end(), bytes.begin(), bytes.end());
}

void
PcapWriter::Append16(std::uint16_t value)
{
    m_buffer.push_back(static_cast<std::uint8_t>(value));
    m_buffer.push_back(static_cast<std::uint8_t>(value >> 8));
}

void
PcapWriter::Append32(std::uint32_t value)
{
    Append16(static_cast<std::uint16_t>(value));
    Append16(static_cast<std::uint16_t>(value >> 16));
}

void
PcapWriter::Flush()
{
    const std::size_t written = std::fwrite(m_buffer.data(), 1, m_buffer.size(), m_file.get());
    if (written != m_buffer.size())
    {
        const int error = errno;
        m_file.reset(); // a broken file is not written again
        errno = error;
        Fail("cannot write");
    }
    m_buffer.clear();
}

void
PcapWriter::Fail(const char* what) const
{
    throw PcapError(fmt::format("{}: {}: {}", m_path, what, std::strerror(errno)));
}

} // namespace flowchain
