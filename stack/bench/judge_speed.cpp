// What the judge costs on a capture, beside the least that any reader of the file must do: a loop around libpcap that
// counts. One pass a run; ci/bench runs the two in turn and pairs them.
//
//   lastack_bench_judge count|check FILE     {"packets":..,"seconds":..,"peak_kib":..}
#include <pcap/pcap.h>
#include <sys/resource.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <string>

#include "conformance/trace/check.h"

namespace {

// CPU time of this process: what else runs on the machine shall not count.
double seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

unsigned long count(const char* file) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_t* capture = pcap_open_offline(file, error.data());
  if (capture == nullptr) {
    std::fprintf(stderr, "%s\n", error.data());
    return 0;
  }
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  unsigned long packets = 0;
  while (pcap_next_ex(capture, &header, &data) == 1) ++packets;
  pcap_close(capture);
  return packets;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc == 3 ? argv[1] : "";
  unsigned long packets = 0;
  unsigned long violations = 0;
  const double start = seconds();
  if (verb == "count") {
    packets = count(argv[2]);
  } else if (verb == "check") {
    const auto report = lastack::check_file(argv[2], {});
    packets = report.counts.packets;
    violations = report.counts.violations;
  } else {
    std::fprintf(stderr, "usage: %s count|check FILE\n", argv[0]);
    return 4;
  }
  const double spent = seconds() - start;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("{\"packets\":%lu,\"violations\":%lu,\"seconds\":%.6f,\"peak_kib\":%ld}\n", packets, violations, spent,
              usage.ru_maxrss);
  return 0;
}
