// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PCAP_READER_H
#define FLOWCHAIN_PCAP_READER_H

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace flowchain
{

/** A capture file that cannot be read or written; what() names the file and the byte offset. */
class PcapError : public std::runtime_error
{
  public:
    using std::runtime_error::runtime_error;
};

/** One captured frame. */
struct PcapRecord
{
    std::uint64_t timestampNs = 0;       ///< since 1970-01-01, ns
    std::span<const std::uint8_t> bytes; ///< what was captured, inside the PcapFile's memory
    std::uint32_t originalLength = 0;    ///< bytes on the wire, without FCS; bytes.size() or more
};

/**
 * A classic pcap file (draft-ietf-opsawg-pcap) with Ethernet frames, read completely: timestamps in
 * microseconds or nanoseconds, either byte order, version 2.4. Anything else is an error, pcapng
 * included.
 *
 * The records point into memory of this object, which moves do not change.
 */
class PcapFile
{
  public:
    /** Largest frame that is accepted, the limit of libpcap (MAXIMUM_SNAPLEN). */
    static constexpr std::uint32_t FRAME_BYTES_MAX = 262'144;

    /** Read and check the file. @throws PcapError "file: byte offset N: what is wrong" */
    static PcapFile Load(const std::string& path);
    /** As Load(), for content that is in memory; `name` stands for the file in messages. */
    static PcapFile Parse(std::string name, std::vector<std::uint8_t> content);

    PcapFile(PcapFile&&) = default;
    PcapFile& operator=(PcapFile&&) = default;

    const std::vector<PcapRecord>& Records() const
    {
        return m_records;
    }

    const std::string& Name() const
    {
        return m_name;
    }

  private:
    PcapFile(std::string name, std::vector<std::uint8_t> content);
    [[noreturn]] void Fail(std::size_t offset, const std::string& what) const;
    std::uint32_t Read32(std::size_t offset) const;
    std::uint16_t Read16(std::size_t offset) const;
    void ReadHeader();
    std::size_t ReadRecord(std::size_t offset);

    std::string m_name;
    std::vector<std::uint8_t> m_content;
    std::vector<PcapRecord> m_records;
    std::uint32_t m_snapLength = 0;
    bool m_bigEndian = false;
    bool m_nanoseconds = false;
};

} // namespace flowchain

#endif
