// The numbers of the pcapng format that its reader and its writer share (draft-ietf-opsawg-pcapng, sections 3 and 4).
#pragma once

#include <cstdint>

namespace lastack::pcapng {

inline constexpr std::uint32_t kSectionHeader = 0x0A0D0D0A, kInterfaceDescription = 1, kObsoletePacket = 2,
                               kSimplePacket = 3, kStatistics = 5, kEnhancedPacket = 6, kByteOrderMagic = 0x1A2B3C4D;

}  // namespace lastack::pcapng
