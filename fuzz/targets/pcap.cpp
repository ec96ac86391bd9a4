// Any octets as a capture file: the check ends, with a report that can be written; an error lies inside the file.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "conformance/trace/check.h"
#include "conformance/trace/exchange.h"
#include "fuzz/target.h"
#include "stack/base/check.h"

namespace {

// A file without a name: nothing to clean up, and no file system needed.
int memory_file(const std::uint8_t* data, std::size_t size) {
  const int fd = memfd_create("capture", MFD_CLOEXEC);
  LASTACK_CHECK(fd >= 0);
  while (size != 0) {
    const ssize_t written = write(fd, data, size);
    LASTACK_CHECK(written > 0);
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return fd;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lastack;
  const int fd = memory_file(data, size);
  CheckOptions options;
  options.advisories = true;
  options.max_findings = 50;
  ExchangeRecorder recorder({.max_steps = 100, .max_payload = 16});
  options.observer = recorder.observer();
  const CheckReport report = check_file("/proc/self/fd/" + std::to_string(fd), options);
  close(fd);
  LASTACK_CHECK(!report.error || !report.error->text.empty());
  LASTACK_CHECK(!to_json(report).empty());
  return 0;
}
