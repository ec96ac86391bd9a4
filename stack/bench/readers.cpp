// What reading a capture costs with our own reader and decapsulation, and with libraries that do the same: the figures
// behind decision 41 of stack/DECISIONS.md. One pass a run; ci/bench runs them in turn. libtins (Debian: libtins-dev)
// is measured where it was there when this was built.
//
//   lastack_bench_readers NAME FILE     {"packets":..,"found":..,"seconds":..}; without a NAME, the names
#include <pcap/pcap.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>
#include <string>

#include "conformance/trace/capture_reader.h"
#include "conformance/trace/decapsulate.h"
#ifdef LASTACK_LIBTINS
#include <tins/tins.h>
#endif

namespace {

struct Count {
  unsigned long packets = 0;
  unsigned long found = 0;  // with a TCP segment; 0 where nobody looked
};

double seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Count libpcap_reads(const char* file) {
  Count count;
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_t* capture = pcap_open_offline(file, error.data());
  if (capture == nullptr) return count;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  while (pcap_next_ex(capture, &header, &data) == 1) ++count.packets;
  pcap_close(capture);
  return count;
}

template <typename Visit>
Count lastack_reads(const char* file, Visit&& visit) {
  Count count;
  std::string error;
  auto source = lastack::ByteSource::open(file, error);
  if (!source) return count;
  lastack::CaptureReader reader(std::move(*source));
  lastack::CapturedPacket packet;
  while (reader.next(packet)) {
    ++count.packets;
    count.found += visit(packet) ? 1U : 0U;
  }
  return count;
}

Count lastack_finds(const char* file) {
  lastack::Decapsulator decapsulator;
  return lastack_reads(file, [&decapsulator](const lastack::CapturedPacket& packet) {
    lastack::Decapsulated found;
    return decapsulator.find(packet, found) == lastack::Skip::none;
  });
}

#ifdef LASTACK_LIBTINS
Count libtins_finds(const char* file) {
  Count count;
  Tins::FileSniffer sniffer(file);
  for (const Tins::Packet& packet : sniffer) {
    ++count.packets;
    count.found += packet.pdu()->find_pdu<Tins::TCP>() != nullptr ? 1U : 0U;
  }
  return count;
}
#endif

std::optional<Count> run(const std::string& name, const char* file) {
  if (name == "libpcap: read") return libpcap_reads(file);
  if (name == "lastack: read") return lastack_reads(file, [](const auto&) { return false; });
  if (name == "lastack: read and find TCP") return lastack_finds(file);
#ifdef LASTACK_LIBTINS
  if (name == "libtins: read and find TCP") return libtins_finds(file);
#endif
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    std::puts("libpcap: read\nlastack: read\nlastack: read and find TCP");
#ifdef LASTACK_LIBTINS
    std::puts("libtins: read and find TCP");
#endif
    return 0;
  }
  const double start = seconds();
  const auto count = argc == 3 ? run(argv[1], argv[2]) : std::nullopt;
  if (!count) {
    std::fprintf(stderr, "usage: %s [NAME FILE]\n", argv[0]);
    return 4;
  }
  std::printf("{\"packets\":%lu,\"found\":%lu,\"seconds\":%.6f}\n", count->packets, count->found, seconds() - start);
  return 0;
}
