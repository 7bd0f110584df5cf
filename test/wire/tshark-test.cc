// SPDX-License-Identifier: GPL-2.0-only
// tshark as the oracle: its dissectors judge checksums, the Geneve header and the inner packets.
#include "wire-samples.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <unistd.h>

namespace flowchain
{
namespace
{

using test::Flatten;
using test::SampleKey;

/** @returns the standard output of a shell command. */
std::string
Output(const std::string& command)
{
    std::string output;
    FILE* const pipe = popen(command.c_str(), "r");
    char buffer[4096];
    while (const auto size = std::fread(buffer, 1, sizeof buffer, pipe))
    {
        output.append(buffer, size);
    }
    EXPECT_EQ(pclose(pipe), 0) << command;
    return output;
}

class TsharkOracle : public ::testing::Test
{
  protected:
    void SetUp() override
    {
        if (std::system("tshark --version >/dev/null 2>&1") != 0)
        {
            GTEST_SKIP() << "tshark is not installed";
        }
        m_path = std::filesystem::temp_directory_path() /
                 ("flowchain-tshark-" + std::to_string(getpid()) + ".pcap");
    }

    void TearDown() override
    {
        std::filesystem::remove(m_path);
    }

    /** @returns for each frame the fields that tshark finds, with '|' between them. */
    std::vector<std::string> Dissect(const std::vector<Bytes>& frames, const std::string& fields)
    {
        test::WriteCapture(m_path, frames);
        std::istringstream output(Output("tshark -n -r " + m_path.string() +
                                         " -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE"
                                         " -o udp.check_checksum:TRUE -T fields -E separator='|' " +
                                         fields + " 2>/dev/null"));
        std::vector<std::string> lines;
        for (std::string line; std::getline(output, line);)
        {
            lines.push_back(line);
        }
        EXPECT_EQ(lines.size(), frames.size());
        return lines;
    }

    /** Status 1 is "good", 0 "bad", 2 "unverified"; one value for each layer, the outermost first.
     */
    static constexpr auto CHECKSUMS = "-e ip.checksum.status -e udp.checksum.status "
                                      "-e tcp.checksum.status -e icmp.checksum.status "
                                      "-e _ws.malformed";

    std::filesystem::path m_path;
};

TEST_F(TsharkOracle, SeesMessagesAsGeneveWithInnerPackets)
{
    std::vector<Bytes> frames;
    std::vector<std::string> expected;
    for (const auto kind : test::ALL_KINDS)
    {
        Frame frame;
        test::EncodeSample(kind, frame, 101);
        frames.push_back(Flatten(frame));
        // Checksums; VNI 0xabcdef and O bit; source addresses and the inner TCP port.
        expected.push_back(test::SampleMessage(kind).hasInnerFrame
                               ? "1,1|1|1|||0xabcdef|0|0x6558|192.0.2.1,10.1.2.3|443"
                               : "1|1||||0xabcdef|1|0x88b5|192.0.2.1|");
    }
    const auto lines =
        Dissect(frames,
                std::string(CHECKSUMS) + " -e geneve.vni -e geneve.flags.oam -e geneve.proto_type"
                                         " -e ip.src -e tcp.dstport");
    EXPECT_EQ(lines, expected);
}

TEST_F(TsharkOracle, FindsTheOptionsOfAMessage)
{
    Frame frame;
    test::EncodeSample(MessageKind::STATE, frame, 10);
    const auto lines = Dissect(
        {Flatten(frame)}, "-e geneve.option.class -e geneve.option.type -e geneve.option.length");
    ASSERT_EQ(lines.size(), 1u);
    // Types 1 and 2; length of all options, then of each with its header: 36 and 60 bytes.
    EXPECT_EQ(lines[0], "0xff0c,0xff0c|0x01,0x02|96,36,60");
}

TEST_F(TsharkOracle, FindsNoBadChecksumInRewrittenPackets)
{
    std::vector<Bytes> frames;
    for (const auto& bytes : test::ReadCapture(test::CapturePath()))
    {
        Frame frame;
        test::Fill(frame, bytes, test::HeaderSize(bytes));
        PacketView view;
        ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
        auto to = view.key;
        to.source.address = 0xcb007109;
        if (to.source.port != 0)
        {
            to.source.port = static_cast<std::uint16_t>(to.source.port + 4096);
        }
        RewritePacket(frame, view, to);
        frames.push_back(Flatten(frame));
    }
    std::array<std::size_t, 3> good{};
    for (const auto& line : Dissect(frames, CHECKSUMS))
    {
        good[0] += line == "1||1||" ? 1 : 0;
        good[1] += line == "1|1|||" ? 1 : 0;
        good[2] += line == "1|||1|" ? 1 : 0;
    }
    EXPECT_EQ(good, (std::array<std::size_t, 3>{1842, 675, 10}));
}

// The oracle does tell right from wrong.
TEST_F(TsharkOracle, NoticesABadChecksum)
{
    Frame frame;
    test::EncodeSample(MessageKind::CHAIN, frame);
    auto bytes = Flatten(frame);
    bytes[100] ^= 1;
    EXPECT_EQ(Dissect({bytes}, CHECKSUMS), std::vector<std::string>{"1|0|||"});
}

} // namespace
} // namespace flowchain
