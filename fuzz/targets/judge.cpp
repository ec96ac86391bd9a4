// Packets of any kind, in any order, for the judge at both vantages: no crash, bounded memory, findings that can be
// printed, and the same ones when every rule is asked about every segment (rules/triggers.h) and none goes the short
// way (in_order.h); for every second input the facts are compared after each segment, too.
//
// The input is a list of records: one octet of bits (direction, checksums repaired or not, time step), one octet of
// length, the packet.
#include "conformance/judge/judge.h"

#include <algorithm>
#include <array>
#include <vector>

#include "conformance/judge/in_order.h"
#include "fuzz/target.h"
#include "stack/base/check.h"
#include "stack/wire/checksum.h"
#include "stack/wire/segment.h"

namespace lastack::fuzz {
namespace {

constexpr std::size_t kMostMemory = 8'000'000;  // for inputs of at most 64 KiB

// Makes both checksums right, so that hostile segments get past the first check.
void repair(std::vector<std::byte>& packet) {
  const auto ip = parse_ip(packet);
  if (!ip.ok() || ip->protocol != kProtocolTcp || ip->payload.size() < kTcpHeaderSize) return;
  if (ip->src.version == IpVersion::v4) {
    store_be16(&packet[10], 0);
    store_be16(&packet[10], internet_checksum(Bytes(packet).first(ip->header_size)));
  }
  std::byte* tcp = &packet[ip->header_size];
  const std::size_t size = ip->payload.size();
  store_be16(tcp + 16, 0);
  store_be16(tcp + 16, tcp_checksum(ip->src, ip->dst, Bytes(tcp, size)));
}

void feed(Judge& judge, Vantage vantage, Instant now, std::uint8_t bits, Bytes packet, std::uint64_t number) {
  if (vantage == Vantage::path)
    return judge.observed(now, packet, number, packet.size() + ((bits & 4U) != 0 ? 100 : 0));
  if ((bits & 1U) != 0) return judge.sent(now, packet, number);
  judge.received(now, packet, number);
}

void run(Vantage vantage, Bytes input) {
  JudgeOptions options{.vantage = vantage, .max_connections = 64, .max_findings = 100};
  std::array<const TrackedConnection*, 2> seen{};
  const bool watched = input.size() % 2 == 1;  // which takes SYNs in order, so not always
  if (watched) options.observer = [&seen](const TrackedConnection& conn, int, const SegmentInfo&) { seen[0] = &conn; };
  Judge judge(options);
  options.ask_every_rule = true;
  if (watched) options.observer = [&seen](const TrackedConnection& conn, int, const SegmentInfo&) { seen[1] = &conn; };
  Judge thorough(options);
  Instant now{};
  std::vector<std::byte> packet;
  for (std::uint64_t number = 1; input.size() >= 2; ++number) {
    const std::uint8_t bits = load_u8(input.data());
    const std::size_t size = std::min<std::size_t>(load_u8(&input[1]), input.size() - 2);
    packet.assign(input.begin() + 2, input.begin() + 2 + static_cast<std::ptrdiff_t>(size));
    input = input.subspan(2 + size);
    if ((bits & 2U) == 0) repair(packet);
    now += std::chrono::milliseconds((bits >> 4U) * (bits >> 4U) * 100);
    seen = {};
    feed(judge, vantage, now, bits, packet, number);
    feed(thorough, vantage, now, bits, packet, number);
    LASTACK_CHECK((seen[0] == nullptr) == (seen[1] == nullptr));
    LASTACK_CHECK(seen[0] == nullptr || same_facts(*seen[0], *seen[1]));
    LASTACK_CHECK(judge.memory() < kMostMemory);
  }
  judge.finish(now);
  thorough.finish(now);
  LASTACK_CHECK(judge.findings().size() <= 100);
  LASTACK_CHECK(judge.findings().size() == thorough.findings().size());
  for (std::size_t i = 0; i < judge.findings().size(); ++i) {
    LASTACK_CHECK(to_string(judge.findings()[i]) == to_string(thorough.findings()[i]));
  }
}

}  // namespace
}  // namespace lastack::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  lastack::fuzz::run(lastack::Vantage::endpoint, lastack::as_bytes(data, size));
  lastack::fuzz::run(lastack::Vantage::path, lastack::as_bytes(data, size));
  return 0;
}
