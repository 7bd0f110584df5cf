// SPDX-License-Identifier: GPL-2.0-only
// Writes the seed inputs: `fuzz-seeds DIR` fills DIR/fuzz-packet and DIR/fuzz-sync-message.
#include "fuzz-input.h"

#include <filesystem>
#include <fstream>

namespace flowchain
{
namespace
{

void
WriteSeed(const std::filesystem::path& folder,
          std::size_t number,
          std::size_t cut,
          const Bytes& bytes)
{
    std::ofstream file(folder / std::to_string(number), std::ios::binary);
    file.put(static_cast<char>(cut / 2));
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

/** Every so many packets of the capture, and all of its few ICMP packets. */
void
WritePackets(const std::filesystem::path& folder)
{
    constexpr std::size_t STRIDE = 40;
    constexpr std::size_t PROTOCOL_OFFSET = 23;
    const auto packets = test::ReadCapture(test::CapturePath());
    for (std::size_t i = 0; i < packets.size(); ++i)
    {
        if (i % STRIDE == 0 || packets[i][PROTOCOL_OFFSET] == 1)
        {
            WriteSeed(folder, i, test::HeaderSize(packets[i]), packets[i]);
        }
    }
}

void
WriteMessages(const std::filesystem::path& folder)
{
    std::size_t number = 0;
    for (const auto kind : test::ALL_KINDS)
    {
        for (const std::uint32_t payload : {0, 11})
        {
            Frame frame;
            test::EncodeSample(kind, frame, payload);
            WriteSeed(folder, number++, frame.Header().size() + 1, test::Flatten(frame));
        }
    }
}

} // namespace
} // namespace flowchain

int
main(int argc, char** argv)
{
    if (argc != 2)
    {
        std::fputs("usage: fuzz-seeds DIR\n", stderr);
        return 2;
    }
    const std::filesystem::path folder(argv[1]);
    std::filesystem::create_directories(folder / "fuzz-packet");
    std::filesystem::create_directories(folder / "fuzz-sync-message");
    flowchain::WritePackets(folder / "fuzz-packet");
    flowchain::WriteMessages(folder / "fuzz-sync-message");
    return 0;
}
