// SPDX-License-Identifier: GPL-2.0-only
#include "packet-builder.h"
#include "pcap-reader.h"
#include "pcap-writer.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace flowchain
{
namespace
{

using Bytes = std::vector<std::uint8_t>;

/** A file in the temporary directory, deleted at the end. */
class TemporaryFile
{
  public:
    TemporaryFile()
        : m_path(std::filesystem::temp_directory_path() /
                 ("flowchain-pcap-test-" + std::to_string(getpid()) + ".pcap"))
    {
    }

    ~TemporaryFile()
    {
        std::filesystem::remove(m_path);
    }

    std::string Path() const
    {
        return m_path.string();
    }

  private:
    std::filesystem::path m_path;
};

/** Words of a capture file in the byte order asked for. */
class FileBytes
{
  public:
    explicit FileBytes(bool bigEndian = false)
        : m_bigEndian(bigEndian)
    {
    }

    FileBytes& Word(std::uint32_t value)
    {
        for (int i = 0; i < 4; ++i)
        {
            bytes.push_back(static_cast<std::uint8_t>(value >> (m_bigEndian ? 24 - 8 * i : 8 * i)));
        }
        return *this;
    }

    FileBytes& Half(std::uint16_t value)
    {
        const auto low = static_cast<std::uint8_t>(value);
        const auto high = static_cast<std::uint8_t>(value >> 8);
        bytes.insert(bytes.end(), {m_bigEndian ? high : low, m_bigEndian ? low : high});
        return *this;
    }

    FileBytes&
    Header(std::uint32_t magic, std::uint32_t snapLength = 65'535, std::uint32_t link = 1)
    {
        return Word(magic).Half(2).Half(4).Word(0).Word(0).Word(snapLength).Word(link);
    }

    FileBytes&
    Record(std::uint32_t seconds, std::uint32_t fraction, const Bytes& data, std::uint32_t original)
    {
        Word(seconds).Word(fraction).Word(static_cast<std::uint32_t>(data.size())).Word(original);
        bytes.insert(bytes.end(), data.begin(), data.end());
        return *this;
    }

    Bytes bytes;

  private:
    bool m_bigEndian;
};

constexpr std::uint32_t MICRO = 0xa1b2c3d4;
constexpr std::uint32_t NANO = 0xa1b23c4d;

std::string
ErrorOf(const Bytes& content)
{
    try
    {
        PcapFile::Parse("x.pcap", content);
    }
    catch (const PcapError& error)
    {
        return error.what();
    }
    return "none";
}

TEST(PcapReader, BothByteOrdersAndBothResolutions)
{
    for (const bool bigEndian : {false, true})
    {
        for (const std::uint32_t magic : {MICRO, NANO})
        {
            const auto file = PcapFile::Parse("x.pcap",
                                              FileBytes(bigEndian)
                                                  .Header(magic)
                                                  .Record(1'700'000'000, 999'999, {1, 2, 3}, 3)
                                                  .Record(1'700'000'001, 0, {4}, 90)
                                                  .bytes);
            ASSERT_EQ(file.Records().size(), 2U);
            const auto& first = file.Records()[0];
            EXPECT_EQ(first.timestampNs,
                      1'700'000'000'000'000'000U + (magic == MICRO ? 999'999'000U : 999'999U));
            EXPECT_EQ(Bytes(first.bytes.begin(), first.bytes.end()), (Bytes{1, 2, 3}));
            EXPECT_EQ(first.originalLength, 3U);
            EXPECT_EQ(file.Records()[1].timestampNs, 1'700'000'001'000'000'000U);
            EXPECT_EQ(file.Records()[1].bytes.size(), 1U);
            EXPECT_EQ(file.Records()[1].originalLength, 90U);
        }
    }
}

TEST(PcapReader, FileWithoutRecordsIsEmpty)
{
    EXPECT_TRUE(PcapFile::Parse("x.pcap", FileBytes().Header(MICRO).bytes).Records().empty());
}

TEST(PcapReader, RecordsStayValidWhenTheFileIsMoved)
{
    auto file = PcapFile::Parse("x.pcap", FileBytes().Header(MICRO).Record(0, 0, {7, 8}, 2).bytes);
    const auto* const before = file.Records()[0].bytes.data();
    const PcapFile moved = std::move(file);
    EXPECT_EQ(moved.Records()[0].bytes.data(), before);
    EXPECT_EQ(moved.Records()[0].bytes[1], 8);
}

TEST(PcapReader, MalformedFilesAreRefusedWithTheOffsetOfTheFault)
{
    struct Case
    {
        Bytes content;
        std::string message;
    };

    const auto good = FileBytes().Header(MICRO).Record(0, 0, {1, 2, 3, 4}, 4).bytes;
    const auto cut = [&good](std::size_t size)
    {
        return Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    };
    auto version = good;
    version[4] = 3;
    const std::vector<Case> cases = {
        {{}, "x.pcap: byte offset 0: truncated file header: 0 of 24 bytes"},
        {cut(23), "x.pcap: byte offset 23: truncated file header: 23 of 24 bytes"},
        {cut(39), "x.pcap: byte offset 24: truncated record header: 15 of 16 bytes"},
        {cut(43), "x.pcap: byte offset 40: truncated record: 3 of 4 bytes"},
        {FileBytes().Header(0xa1b2cd34).bytes,
         "x.pcap: byte offset 0: not a pcap file: magic number 0xa1b2cd34"},
        {version, "x.pcap: byte offset 4: pcap version 3.4, only 2.4 is read"},
        {FileBytes().Header(MICRO, 0).bytes, "x.pcap: byte offset 16: snapshot length 0"},
        {FileBytes().Header(MICRO, 100, 113).bytes,
         "x.pcap: byte offset 20: link type 113, only 1 (Ethernet without FCS) is read"},
        {FileBytes().Header(MICRO).Record(0, 1'000'000, {}, 0).bytes,
         "x.pcap: byte offset 28: 1000000 microseconds in a second"},
        {FileBytes().Header(NANO).Record(0, 1'000'000'000, {}, 0).bytes,
         "x.pcap: byte offset 28: 1000000000 nanoseconds in a second"},
        {FileBytes().Header(MICRO, 0xffffffff).Word(0).Word(0).Word(262'145).Word(262'145).bytes,
         "x.pcap: byte offset 32: captured length 262145 is above the limit 262144"},
        {FileBytes().Header(MICRO, 3).Record(0, 0, {1, 2, 3, 4}, 4).bytes,
         "x.pcap: byte offset 32: captured length 4 is above the snapshot length 3"},
        {FileBytes().Header(MICRO).Record(0, 0, {1, 2, 3, 4}, 3).bytes,
         "x.pcap: byte offset 32: captured length 4 is above the original length 3"},
    };
    EXPECT_EQ(ErrorOf(good), "none");
    for (const Case& bad : cases)
    {
        EXPECT_EQ(ErrorOf(bad.content), bad.message);
    }
}

TEST(PcapReader, PcapngIsRefusedWithTheCommandThatConvertsIt)
{
    const std::string message =
        ErrorOf(FileBytes().Word(0x0a0d0d0a).Word(28).Word(0x1a2b3c4d).bytes);
    EXPECT_NE(message.find("byte offset 0"), std::string::npos);
    EXPECT_NE(message.find("tshark -F nsecpcap -r x.pcap -w out.pcap"), std::string::npos);
    EXPECT_NE(message.find("editcap -F nsecpcap x.pcap out.pcap"), std::string::npos);
}

TEST(PcapReader, NoBytesAreTrustedWhateverIsCutOrChanged)
{
    // Every prefix and every changed byte is either read or refused, never a crash (sanitizers).
    const auto good =
        FileBytes().Header(NANO).Record(0, 0, {1, 2, 3, 4}, 4).Record(1, 1, {}, 9).bytes;
    for (std::size_t i = 0; i < good.size(); ++i)
    {
        ErrorOf(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i)));
        for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff})
        {
            auto changed = good;
            changed[i] = static_cast<std::uint8_t>(value);
            ErrorOf(changed);
        }
    }
}

TEST(PcapReader, MissingFileAndDirectoryAreErrors)
{
    EXPECT_THROW(PcapFile::Load("/nonexistent/x.pcap"), PcapError);
    EXPECT_THROW(PcapFile::Load("/tmp"), PcapError);
}

/** Frames with a real, a virtual and no payload, at times with picoseconds. */
void
WriteThreeFrames(const std::string& path)
{
    static const Bytes payload = {0xde, 0xad, 0xbe, 0xef};
    const FlowKey key{{0x0a000001, 1111}, {0xc6336401, 80}, IpProtocol::UDP};
    PcapWriter writer(path);
    Frame frame;
    PacketBuilder().Udp(key).PayloadBytes(payload).Build(frame);
    writer.Write(Instant{}, frame);
    PacketBuilder().Udp(key).PayloadLength(1000).Build(frame);
    writer.Write(Instant{Duration{1'999'999}}, frame);
    PacketBuilder().Tcp(key).Build(frame);
    writer.Write(Instant{Duration{3'000'000'001'500}}, frame);
    writer.Close();
}

TEST(PcapWriter, WhatIsWrittenIsReadBack)
{
    const TemporaryFile file;
    WriteThreeFrames(file.Path());
    const auto read = PcapFile::Load(file.Path());
    ASSERT_EQ(read.Records().size(), 3U);
    EXPECT_EQ(read.Records()[0].timestampNs, 0U);
    EXPECT_EQ(read.Records()[1].timestampNs, 1'999U); // rounded down
    EXPECT_EQ(read.Records()[2].timestampNs, 3'000'000'001U);
    const auto real = read.Records()[0].bytes;
    ASSERT_EQ(real.size(), 46U);
    EXPECT_EQ(Bytes(real.end() - 4, real.end()), (Bytes{0xde, 0xad, 0xbe, 0xef}));
    const auto zeros = read.Records()[1].bytes;
    ASSERT_EQ(zeros.size(), 1042U);
    EXPECT_EQ(Bytes(zeros.begin() + 42, zeros.end()), Bytes(1000, 0));
    EXPECT_EQ(read.Records()[2].originalLength, 54U);
}

TEST(PcapWriter, MoreThanABufferOfFrames)
{
    const TemporaryFile file;
    Frame frame;
    PacketBuilder().Udp({{1, 1}, {2, 2}, IpProtocol::UDP}).PayloadLength(1458).Build(frame);
    {
        PcapWriter writer(file.Path());
        for (int i = 0; i < 2000; ++i)
        {
            writer.Write(Instant{Duration{i * 1000}}, frame);
        }
    }
    const auto read = PcapFile::Load(file.Path());
    ASSERT_EQ(read.Records().size(), 2000U);
    EXPECT_EQ(read.Records().back().timestampNs, 1999U);
}

TEST(PcapWriter, FailuresAreErrors)
{
    EXPECT_THROW(PcapWriter("/nonexistent/x.pcap"), PcapError);
    if (!std::filesystem::exists("/dev/full"))
    {
        GTEST_SKIP() << "no /dev/full here to make writing fail";
    }
    PcapWriter writer("/dev/full");
    EXPECT_THROW(writer.Close(), PcapError);
}

TEST(PcapWriter, TsharkReadsIt)
{
    if (std::system("tshark --version >/dev/null 2>&1") != 0)
    {
        GTEST_SKIP() << "tshark is not installed";
    }
    const TemporaryFile file;
    WriteThreeFrames(file.Path());
    const std::string command =
        "tshark -r " + file.Path() +
        " -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -o tcp.check_checksum:TRUE"
        " -T fields -e frame.time_epoch -e frame.len -e ip.checksum.status"
        " -e udp.checksum.status -e tcp.checksum.status 2>/dev/null";
    std::FILE* pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string output;
    std::array<char, 256> line{};
    while (std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr)
    {
        output += line.data();
    }
    EXPECT_EQ(pclose(pipe), 0);
    EXPECT_EQ(output,
              "0.000000000\t46\t1\t1\t\n"
              "0.000001999\t1042\t1\t1\t\n"
              "3.000000001\t54\t1\t\t1\n");
}

} // namespace
} // namespace flowchain
