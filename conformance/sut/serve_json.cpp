// See serve_json.h.
#include "conformance/sut/serve_json.h"

#include <arpa/inet.h>

#include <cstring>

namespace lastack::sut {
namespace {

const Json* field_of(const Json& request, const char* field) {
  const auto found = request.find(field);
  return found == request.end() || found->is_null() ? nullptr : &*found;
}

const Json& required(const Json& request, const char* field) {
  const Json* value = field_of(request, field);
  if (value == nullptr) throw BadRequest(std::string("field '") + field + "' is missing");
  return *value;
}

[[noreturn]] void wrong(const char* field, const std::string& wanted) {
  throw BadRequest(std::string("field '") + field + "' is not " + wanted);
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr const char* kCapNames[] = {"virtual-time", "set-iss",       "info",  "ipv6",   "timestamps",        "sack",
                                     "window-scale", "deterministic", "multi", "urgent", "simultaneous-open", "ecn",
                                     "fast-open"};
constexpr const char* kEventNames[] = {"connected", "readable", "eof",    "reset",     "refused",
                                       "timeout",   "closed",   "urgent", "soft_error"};
constexpr const char* kStateNames[] = {"CLOSED",      "LISTEN",     "SYN-SENT",   "SYN-RECEIVED",
                                       "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                       "CLOSING",     "LAST-ACK",   "TIME-WAIT"};
constexpr const char* kTimerNames[] = {"retransmit", "persist", "time-wait", "user", "delayed-ack", "keepalive"};

template <std::size_t N>
Json names_of_bits(std::uint64_t bits, const char* const (&names)[N]) {
  Json list = Json::array();
  for (std::size_t i = 0; i < N; ++i) {
    if ((bits >> i & 1) != 0) list.push_back(names[i]);
  }
  return list;
}

}  // namespace

std::uint64_t number(const Json& request, const char* field, std::uint64_t max) {
  const Json& value = required(request, field);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > max)
    wrong(field, "an integer from 0 to " + std::to_string(max));
  return value.get<std::uint64_t>();
}

std::uint64_t number_or(const Json& request, const char* field, std::uint64_t max, std::uint64_t otherwise) {
  return field_of(request, field) == nullptr ? otherwise : number(request, field, max);
}

std::int32_t handle(const Json& request) {
  const Json& value = required(request, "conn");
  if (!value.is_number_integer()) wrong("conn", "an integer");
  const bool large = value.is_number_unsigned() && value.get<std::uint64_t>() > INT32_MAX;
  if (large || value.get<std::int64_t>() < -1) wrong("conn", "a handle");
  return static_cast<std::int32_t>(value.get<std::int64_t>());
}

bool boolean_or(const Json& request, const char* field, bool otherwise) {
  const Json* value = field_of(request, field);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) wrong(field, "true or false");
  return value->get<bool>();
}

std::string text(const Json& request, const char* field) {
  const Json& value = required(request, field);
  if (!value.is_string()) wrong(field, "a string");
  return value.get<std::string>();
}

std::string text_or(const Json& request, const char* field, const std::string& otherwise) {
  return field_of(request, field) == nullptr ? otherwise : text(request, field);
}

std::vector<std::uint8_t> octets(const Json& request, const char* field) {
  const Json& value = required(request, field);
  if (!value.is_string()) wrong(field, "a string of hex digits");
  const std::string& digits = value.get_ref<const std::string&>();
  if (digits.size() % 2 != 0) wrong(field, "hex: it has an odd number of digits");
  std::vector<std::uint8_t> bytes(digits.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit(digits[2 * i]);
    const int low = digit(digits[2 * i + 1]);
    if (high < 0 || low < 0) wrong(field, "hex: no digit at position " + std::to_string(high < 0 ? 2 * i : 2 * i + 1));
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return bytes;
}

void address(const std::string& words, std::uint8_t* ip4, std::uint8_t* ip6, const char* field) {
  if (ip4 != nullptr && inet_pton(AF_INET, words.c_str(), ip4) == 1) return;
  if (ip6 != nullptr && inet_pton(AF_INET6, words.c_str(), ip6) == 1) return;
  wrong(field, "an IP address of the right family");
}

lastack_sut_addr remote(const Json& request) {
  const Json& value = required(request, "remote");
  if (!value.is_object()) wrong("remote", R"(an object {"ip":..., "port":...})");
  lastack_sut_addr to = {};
  const std::string ip = text(value, "ip");
  to.family = ip.find(':') == std::string::npos ? 4 : 6;
  address(ip, to.family == 4 ? to.ip : nullptr, to.family == 6 ? to.ip : nullptr, "ip");
  to.port = static_cast<std::uint16_t>(number(value, "port", UINT16_MAX));
  return to;
}

std::string hex(const std::uint8_t* data, std::size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string digits(size * 2, '0');
  for (std::size_t i = 0; i < size; ++i) {
    digits[2 * i] = kDigits[data[i] >> 4];
    digits[2 * i + 1] = kDigits[data[i] & 15];
  }
  return digits;
}

Json remote_to_json(const lastack_sut_addr& from) {
  char words[INET6_ADDRSTRLEN] = "";
  inet_ntop(from.family == 6 ? AF_INET6 : AF_INET, from.ip, words, sizeof words);
  return {{"ip", words}, {"port", from.port}};
}

Json info_to_json(const lastack_sut_info& info) {
  Json out = Json::object();
  const auto has = [&info](std::uint64_t bit) { return (info.valid & bit) != 0; };
  if (has(LASTACK_INFO_STATE)) {
    if (info.state < 0 || info.state > LASTACK_TIME_WAIT)
      throw BadRequest("the stack reports a state that does not exist");
    out["state"] = kStateNames[info.state];
  }
  if (has(LASTACK_INFO_ISS)) out["iss"] = info.iss;
  if (has(LASTACK_INFO_IRS)) out["irs"] = info.irs;
  if (has(LASTACK_INFO_SND_UNA)) out["snd_una"] = info.snd_una;
  if (has(LASTACK_INFO_SND_NXT)) out["snd_nxt"] = info.snd_nxt;
  if (has(LASTACK_INFO_SND_WND)) out["snd_wnd"] = info.snd_wnd;
  if (has(LASTACK_INFO_SND_WL)) out.update({{"snd_wl1", info.snd_wl1}, {"snd_wl2", info.snd_wl2}});
  if (has(LASTACK_INFO_RCV_NXT)) out["rcv_nxt"] = info.rcv_nxt;
  if (has(LASTACK_INFO_RCV_WND)) out["rcv_wnd"] = info.rcv_wnd;
  if (has(LASTACK_INFO_URGENT)) out.update({{"snd_up", info.snd_up}, {"rcv_up", info.rcv_up}});
  if (has(LASTACK_INFO_MSS)) out["mss"] = info.mss;
  if (has(LASTACK_INFO_RTO)) out.update({{"rto_us", info.rto_us}, {"srtt_us", info.srtt_us}});
  if (has(LASTACK_INFO_CWND)) out.update({{"cwnd", info.cwnd}, {"ssthresh", info.ssthresh}});
  if (has(LASTACK_INFO_QUEUES)) out.update({{"unsent", info.unsent}, {"unread", info.unread}});
  if (has(LASTACK_INFO_TIMERS)) {
    Json& timers = out["timers"] = Json::object();
    for (std::size_t i = 0; i < LASTACK_TIMERS; ++i) {
      timers[kTimerNames[i]] = info.timer_us[i] == UINT64_MAX ? Json(nullptr) : Json(info.timer_us[i]);
    }
  }
  if (has(LASTACK_INFO_OPTIONS)) {
    out.update({{"snd_scale", info.snd_scale}, {"rcv_scale", info.rcv_scale}});
    out.update({{"sack", info.sack != 0}, {"timestamps", info.timestamps != 0}, {"ecn", info.ecn != 0}});
  }
  return out;
}

Json events_to_json(std::uint32_t events) { return names_of_bits(events, kEventNames); }

Json caps_to_json(std::uint64_t caps) { return names_of_bits(caps, kCapNames); }

}  // namespace lastack::sut
