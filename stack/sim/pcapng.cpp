// Implementation of pcapng.h. All numbers are in the byte order that the section header announces: little endian here.
#include "stack/sim/pcapng.h"

#include <array>

namespace lastack {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0A0D0D0A, kInterface = 1, kEnhancedPacket = 6, kByteOrderMagic = 0x1A2B3C4D;
constexpr std::uint16_t kOptEnd = 0, kOptComment = 1, kOptFlags = 2, kOptUserApplication = 4, kOptTimeResolution = 9;
constexpr std::uint16_t kLinkTypeRaw = 101;

void put16(std::string& out, std::uint16_t v) {
  out.push_back(static_cast<char>(v & 0xFFU));
  out.push_back(static_cast<char>(v >> 8U));
}
void put32(std::string& out, std::uint32_t v) {
  put16(out, static_cast<std::uint16_t>(v & 0xFFFFU));
  put16(out, static_cast<std::uint16_t>(v >> 16U));
}
void pad(std::string& out) {
  while (out.size() % 4 != 0) out.push_back('\0');
}

void put_option(std::string& out, std::uint16_t code, std::string_view value) {
  value = value.substr(0, 0xFFFF);
  put16(out, code);
  put16(out, static_cast<std::uint16_t>(value.size()));
  out.append(value);
  pad(out);
}

void put_block(std::string& out, std::uint32_t type, const std::string& body) {
  const auto size = static_cast<std::uint32_t>(body.size() + 12);
  put32(out, type);
  put32(out, size);
  out += body;
  put32(out, size);
}

}  // namespace

PcapngWriter::PcapngWriter(std::string_view application, std::string_view comment) {
  std::string section;
  put32(section, kByteOrderMagic);
  put16(section, 1);
  put16(section, 0);
  put32(section, 0xFFFFFFFF);  // section length not given
  put32(section, 0xFFFFFFFF);
  if (!comment.empty()) put_option(section, kOptComment, comment);
  put_option(section, kOptUserApplication, application);
  put_option(section, kOptEnd, {});
  put_block(data_, kSectionHeader, section);

  std::string interface;
  put16(interface, kLinkTypeRaw);
  put16(interface, 0);
  put32(interface, 0);  // no limit on the captured length
  put_option(interface, kOptTimeResolution, std::string_view("\x09", 1));
  put_option(interface, kOptEnd, {});
  put_block(data_, kInterface, interface);
}

void PcapngWriter::packet(Instant time, Bytes packet, PacketDirection direction, std::string_view comment) {
  const auto ns = static_cast<std::uint64_t>(time.time_since_epoch().count());
  std::string body;
  put32(body, 0);
  put32(body, static_cast<std::uint32_t>(ns >> 32U));
  put32(body, static_cast<std::uint32_t>(ns & 0xFFFFFFFFU));
  put32(body, static_cast<std::uint32_t>(packet.size()));
  put32(body, static_cast<std::uint32_t>(packet.size()));
  body.append(reinterpret_cast<const char*>(packet.data()), packet.size());
  pad(body);
  if (!comment.empty()) put_option(body, kOptComment, comment);
  if (direction != PacketDirection::unknown) {
    const std::array<char, 4> flags = {static_cast<char>(direction), 0, 0, 0};
    put_option(body, kOptFlags, std::string_view(flags.data(), flags.size()));
  }
  put_option(body, kOptEnd, {});
  put_block(data_, kEnhancedPacket, body);
  ++packets_;
}

}  // namespace lastack
