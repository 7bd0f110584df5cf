// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PCAP_WRITER_H
#define FLOWCHAIN_PCAP_WRITER_H

#include "frame.h"
#include "instant.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace flowchain
{

/**
 * Writes frames to a classic pcap file: nanosecond timestamps, Ethernet, little-endian (so the
 * bytes are equal on every machine). The start of the simulation is 1970-01-01 00:00:00.
 *
 * Frames are written as they come, through a buffer of 1 MiB; a virtual payload is written as
 * zeros.
 */
class PcapWriter
{
  public:
    /** Create the file and write its header. @throws PcapError if that fails */
    explicit PcapWriter(const std::string& path);
    /** Closes; a failure, which cannot be thrown from here, is printed on stderr. */
    ~PcapWriter();
    PcapWriter(const PcapWriter&) = delete;
    PcapWriter& operator=(const PcapWriter&) = delete;

    /**
     * Append a frame.
     * @param time rounded down to a nanosecond; not negative
     * @throws PcapError on a write error
     */
    void Write(Instant time, const Frame& frame);

    /** Write out what is buffered and close the file. @throws PcapError on a write error */
    void Close();

  private:
    struct FileCloser
    {
        void operator()(std::FILE* file) const
        {
            std::fclose(file);
        }
    };

    void Append(std::span<const std::uint8_t> bytes);
    void Append16(std::uint16_t value);
    void Append32(std::uint32_t value);
    void Flush();
    [[noreturn]] void Fail(const char* what) const;

    std::string m_path;
    std::unique_ptr<std::FILE, FileCloser> m_file;
    std::vector<std::uint8_t> m_buffer; ///< not yet written; kept below the flush limit
};

} // namespace flowchain

#endif
