#include "stack/wire/wire_error.h"

namespace lastack {

const char* to_string(WireFault fault) {
  switch (fault) {
    case WireFault::ip_too_short: return "IP header too short";
    case WireFault::ip_bad_version: return "unknown IP version";
    case WireFault::ip_bad_header_length: return "IP header length wrong";
    case WireFault::ip_bad_length: return "IP total length wrong";
    case WireFault::not_tcp: return "not TCP";
    case WireFault::fragment: return "IP fragment";
    case WireFault::tcp_too_short: return "TCP header too short";
    case WireFault::tcp_bad_data_offset: return "TCP data offset wrong";
    case WireFault::tcp_bad_option_length: return "TCP option length wrong";
    case WireFault::tcp_bad_checksum: return "TCP checksum wrong";
    case WireFault::truncated: return "header cut by the capture";
  }
  return "unknown fault";
}

std::string to_string(const WireError& error) {
  return std::string(to_string(error.fault)) + " at octet " + std::to_string(error.offset);
}

}  // namespace lastack
