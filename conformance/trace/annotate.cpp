#include "conformance/trace/annotate.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "conformance/trace/capture_reader.h"
#include "conformance/trace/pcapng_format.h"

namespace lastack {

namespace {

constexpr std::uint16_t kOptEnd = 0, kOptComment = 1, kOptUserApplication = 4, kOptTimeResolution = 9;

// One pcapng block, little endian.
class Block {
 public:
  explicit Block(std::uint32_t type) : type_(type) {}

  void u16(std::uint16_t v) {
    body_.push_back(static_cast<char>(v & 0xFFU));
    body_.push_back(static_cast<char>(v >> 8U));
  }
  void u32(std::uint32_t v) {
    u16(static_cast<std::uint16_t>(v & 0xFFFFU));
    u16(static_cast<std::uint16_t>(v >> 16U));
  }
  void octets(Bytes bytes) {
    body_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (body_.size() % 4 != 0) body_.push_back('\0');
  }
  void option(std::uint16_t code, std::string_view value) {
    value = value.substr(0, 0xFFFF);
    u16(code);
    u16(static_cast<std::uint16_t>(value.size()));
    octets(as_bytes(value.data(), value.size()));
  }
  bool write(std::FILE* file) const {
    Block head(type_);
    const auto size = static_cast<std::uint32_t>(body_.size() + 12);
    head.u32(type_);
    head.u32(size);
    head.body_ += body_;
    head.u32(size);
    return std::fwrite(head.body_.data(), 1, head.body_.size(), file) == head.body_.size();
  }

 private:
  std::uint32_t type_;
  std::string body_;
};

bool write_section(std::FILE* file) {
  Block section(pcapng::kSectionHeader);
  section.u32(pcapng::kByteOrderMagic);
  section.u16(1);
  section.u16(0);
  section.u32(0xFFFFFFFF);  // section length not given
  section.u32(0xFFFFFFFF);
  section.option(kOptUserApplication, "lastack check");
  section.option(kOptEnd, {});
  return section.write(file);
}

bool write_interface(std::FILE* file, std::uint32_t link_type) {
  Block interface(pcapng::kInterfaceDescription);
  interface.u16(static_cast<std::uint16_t>(link_type));
  interface.u16(0);
  interface.u32(0);  // no limit on the captured length
  interface.option(kOptTimeResolution, std::string_view("\x09", 1));
  interface.option(kOptEnd, {});
  return interface.write(file);
}

bool write_packet(std::FILE* file, std::uint32_t interface, const CapturedPacket& packet,
                  const std::vector<std::string>* comments) {
  const auto ns = static_cast<std::uint64_t>(packet.time.time_since_epoch().count());
  Block block(pcapng::kEnhancedPacket);
  block.u32(interface);
  block.u32(static_cast<std::uint32_t>(ns >> 32U));
  block.u32(static_cast<std::uint32_t>(ns & 0xFFFFFFFFU));
  block.u32(static_cast<std::uint32_t>(packet.bytes.size()));
  block.u32(static_cast<std::uint32_t>(packet.wire_size));
  block.octets(packet.bytes);
  if (comments != nullptr) {
    for (const std::string& comment : *comments) block.option(kOptComment, comment);
    block.option(kOptEnd, {});
  }
  return block.write(file);
}

}  // namespace

Annotated annotate_capture(const std::string& path, const std::string& out, const PacketComments& comments) {
  Annotated done;
  auto source = ByteSource::open(path, done.error);
  if (!source) return done;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(out.c_str(), "wb"), std::fclose);
  if (!file) {
    done.error = std::strerror(errno);
    return done;
  }
  CaptureReader reader(std::move(*source));
  std::map<std::uint32_t, std::uint32_t> interfaces;  // by link type
  bool written = write_section(file.get());
  CapturedPacket packet;
  while (written && reader.next(packet)) {
    const auto [at, is_new] = interfaces.try_emplace(packet.link_type, static_cast<std::uint32_t>(interfaces.size()));
    if (is_new) written = write_interface(file.get(), packet.link_type);
    const auto found = comments.find(packet.number);
    written =
        written && write_packet(file.get(), at->second, packet, found == comments.end() ? nullptr : &found->second);
    if (written) ++done.packets;
  }
  if (!written || std::fflush(file.get()) != 0) done.error = std::strerror(errno);
  return done;
}

}  // namespace lastack
