// The Python module lastack._core: segments as values, checksums, and a stack under test behind the C ABI (linked in or
// loaded from a shared object). It translates between Python values and the C ABI and decides nothing: errors of a
// stack come out as status numbers and texts, the Python carriers turn them into exceptions. It must not know the
// core's protocol code.
#include <dlfcn.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conformance/sut/lastack_sut.h"
#include "stack/wire/checksum.h"
#include "stack/wire/ip.h"
#include "stack/wire/segment.h"
#include "stack/wire/text.h"

#ifdef LASTACK_LINKED_CORE
extern "C" const lastack_sut_ops* lastack_core_sut_entry(std::uint32_t abi);
#endif

namespace py = pybind11;

namespace lastack {
namespace {

constexpr std::size_t kMaxPacket = 65535;
// More packets than this from one input: the stack is in a loop, and the adapter is reported as broken.
constexpr std::size_t kMaxPacketsPerInput = 100000;

Bytes view(const py::bytes& data) {
  const std::string_view text = data;
  return as_bytes(text.data(), text.size());
}

py::bytes to_python(Bytes data) { return {reinterpret_cast<const char*>(data.data()), data.size()}; }

IpAddress address(const std::string& text) {
  if (auto parsed = IpAddress::parse(text)) return *parsed;
  throw py::value_error("not an IPv4 or IPv6 address: '" + text + "'");
}

// ---------------------------------------------------------------------------------------------------------- segments

// A TCP segment that was read from an IP packet, with copies of all that a scenario compares.
struct SegmentValue {
  std::string src, dst;
  int version = 4;
  std::uint8_t ttl = 0, traffic_class = 0;
  std::uint16_t ip_id = 0;
  bool dont_fragment = false;
  std::uint16_t src_port = 0, dst_port = 0;
  std::uint32_t seq = 0, ack = 0;
  std::uint16_t flags = 0;
  std::uint8_t reserved = 0;
  std::uint16_t window = 0, urgent = 0, checksum = 0;
  std::uint8_t header_size = 0;
  std::string option_octets, payload, text;
  bool checksum_ok = true;
};

SegmentValue to_value(const IpPacket& ip, const Segment& tcp) {
  SegmentValue v;
  v.src = ip.src.text();
  v.dst = ip.dst.text();
  v.version = static_cast<int>(ip.src.version);
  v.ttl = ip.hop_limit;
  v.traffic_class = ip.dscp_ecn;
  v.ip_id = ip.id;
  v.dont_fragment = ip.dont_fragment;
  v.src_port = tcp.src_port;
  v.dst_port = tcp.dst_port;
  v.seq = tcp.seq.raw();
  v.ack = tcp.ack.raw();
  v.flags = tcp.flags.bits;
  v.reserved = tcp.reserved;
  v.window = tcp.wnd;
  v.urgent = tcp.urg;
  v.checksum = tcp.checksum;
  v.header_size = tcp.header_size;
  const auto* octets = reinterpret_cast<const char*>(ip.payload.data());
  v.option_octets.assign(octets + kTcpHeaderSize, tcp.header_size - kTcpHeaderSize);
  v.payload.assign(reinterpret_cast<const char*>(tcp.payload.data()), tcp.payload.size());
  v.text = segment_text(tcp);
  v.checksum_ok = ip.header_checksum_ok && tcp_checksum(ip.src, ip.dst, ip.payload) == 0;
  return v;
}

// The segment, or the text of what is wrong with the packet. A wrong checksum is not an error here: `checksum_ok` says
// it.
std::variant<SegmentValue, std::string> parse(const py::bytes& packet) {
  const auto ip = parse_ip(view(packet));
  if (!ip) return to_string(ip.error());
  if (ip->is_fragment()) return std::string("an IP fragment");
  if (ip->protocol != kProtocolTcp) return "IP protocol " + std::to_string(ip->protocol) + ", not TCP";
  if (ip->truncated) return std::string("the packet is shorter than its IP header says");
  Segment tcp;
  if (const auto error = parse_tcp(ip->payload, tcp)) return to_string(*error);
  return to_value(*ip, tcp);
}

// An IP packet around a TCP header made of exactly these fields. `data_offset` (32-bit words) and `checksum` override
// the right values.
py::bytes build(const std::string& src, const std::string& dst, std::uint16_t src_port, std::uint16_t dst_port,
                std::uint32_t seq, std::uint32_t ack, std::uint16_t flags, std::uint16_t window, std::uint16_t urgent,
                const py::bytes& options, const py::bytes& payload, std::uint8_t reserved,
                std::optional<std::uint8_t> data_offset, std::optional<std::uint16_t> checksum) {
  IpHeader ip;
  ip.src = address(src);
  ip.dst = address(dst);
  if (ip.src.version != ip.dst.version) throw py::value_error("source and destination are of different IP versions");
  const Bytes option_octets = view(options);
  const Bytes data = view(payload);
  const std::size_t padded = (option_octets.size() + 3) / 4 * 4;
  if (padded > kMaxOptionOctets) throw py::value_error("more than 40 octets of TCP options");
  const std::size_t ip_size = ip_header_size(ip.src.version);
  const std::size_t tcp_size = kTcpHeaderSize + padded + data.size();
  if (ip_size + tcp_size > kMaxPacket) throw py::value_error("the packet would be longer than 65535 octets");

  std::vector<std::byte> packet(ip_size + tcp_size);
  write_ip_header(packet.data(), ip, tcp_size);
  std::byte* tcp = packet.data() + ip_size;
  store_be16(tcp, src_port);
  store_be16(tcp + 2, dst_port);
  store_be32(tcp + 4, seq);
  store_be32(tcp + 8, ack);
  const unsigned words = data_offset.value_or(static_cast<std::uint8_t>((kTcpHeaderSize + padded) / 4));
  store_be16(tcp + 12, static_cast<std::uint16_t>((words & 15U) << 12 | (reserved & 7U) << 9 | (flags & 0x1ffU)));
  store_be16(tcp + 14, window);
  store_be16(tcp + 18, urgent);
  std::memcpy(tcp + kTcpHeaderSize, option_octets.data(), option_octets.size());
  if (!data.empty()) std::memcpy(tcp + kTcpHeaderSize + padded, data.data(), data.size());
  store_be16(tcp + 16, checksum.value_or(tcp_checksum(ip.src, ip.dst, {tcp, tcp_size})));
  return to_python(packet);
}

// Adds to a 32-bit field at `at` and repairs the checksum by the difference only (RFC 1624), so that a wrong one stays
// wrong.
void add_to_field(MutableBytes tcp, std::size_t at, SeqNum shift) {
  const std::uint32_t before = load_be32(&tcp[at]);
  const std::uint32_t after = (SeqNum(before) + shift.raw()).raw();
  std::uint64_t sum = static_cast<std::uint16_t>(~load_be16(&tcp[16]));
  // A field at an odd offset contributes with its octets swapped.
  const auto add = [&sum, at](std::uint32_t value, bool complement) {
    for (std::uint16_t half : {static_cast<std::uint16_t>(value >> 16), static_cast<std::uint16_t>(value)}) {
      if (complement) half = static_cast<std::uint16_t>(~half);
      sum += at % 2 == 0 ? half : __builtin_bswap16(half);
    }
  };
  add(before, true);
  add(after, false);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  store_be32(&tcp[at], after);
  store_be16(&tcp[16], static_cast<std::uint16_t>(~sum));
}

// Calls `visit(offset of the first block, number of blocks)` for a well-formed SACK option (RFC 2018).
template <typename Visit>
void for_sack_option(Bytes tcp, std::size_t header_size, Visit visit) {
  std::size_t at = kTcpHeaderSize;
  while (at < header_size) {
    const std::uint8_t kind = load_u8(&tcp[at]);
    if (kind == 0) return;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= header_size) return;
    const std::uint8_t size = load_u8(&tcp[at + 1]);
    if (size < 2 || at + size > header_size) return;
    if (kind == static_cast<std::uint8_t>(OptionKind::sack)) visit(at + 2, (size - 2U) / 8);
    at += size;
  }
}

// The packet with other sequence numbers: `seq_shift` is added to SEQ, `ack_shift` to ACK (when the ACK bit is set) and
// to the SACK blocks. What is not a TCP packet comes back unchanged.
py::bytes rebase(const py::bytes& packet, std::uint32_t seq_shift, std::uint32_t ack_shift) {
  const Bytes octets = view(packet);
  const auto ip = parse_ip(octets);
  if (!ip || ip->is_fragment() || ip->protocol != kProtocolTcp || ip->payload.size() < kTcpHeaderSize) return packet;
  std::vector<std::byte> copy(octets.begin(), octets.end());
  const MutableBytes tcp(copy.data() + (ip->payload.data() - octets.data()), ip->payload.size());
  const std::uint16_t bits = load_be16(&tcp[12]);
  add_to_field(tcp, 4, SeqNum(seq_shift));
  if ((bits & Flags::ack_bit) != 0) add_to_field(tcp, 8, SeqNum(ack_shift));
  const std::size_t header_size = std::min<std::size_t>(bits >> 12, tcp.size() / 4) * 4;
  for_sack_option(tcp, header_size, [&](std::size_t first, std::size_t blocks) {
    for (std::size_t i = 0; i < 2 * blocks; ++i) add_to_field(tcp, first + 4 * i, SeqNum(ack_shift));
  });
  return to_python(copy);
}

// -------------------------------------------------------------------------------------------------- stack under test

struct CapName {
  std::uint64_t bit;
  const char* name;
};
constexpr std::array<CapName, 13> kCapNames = {{{LASTACK_CAP_VIRTUAL_TIME, "virtual-time"},
                                                {LASTACK_CAP_SET_ISS, "set-iss"},
                                                {LASTACK_CAP_INFO, "info"},
                                                {LASTACK_CAP_IPV6, "ipv6"},
                                                {LASTACK_CAP_TIMESTAMPS, "timestamps"},
                                                {LASTACK_CAP_SACK, "sack"},
                                                {LASTACK_CAP_WINDOW_SCALE, "window-scale"},
                                                {LASTACK_CAP_DETERMINISTIC, "deterministic"},
                                                {LASTACK_CAP_MULTI, "multi"},
                                                {LASTACK_CAP_URGENT, "urgent"},
                                                {LASTACK_CAP_SIMULTANEOUS_OPEN, "simultaneous-open"},
                                                {LASTACK_CAP_ECN, "ecn"},
                                                {LASTACK_CAP_FAST_OPEN, "fast-open"}}};

constexpr std::array<const char*, 11> kStateNames = {"CLOSED",      "LISTEN",     "SYN-SENT",   "SYN-RECEIVED",
                                                     "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                                     "CLOSING",     "LAST-ACK",   "TIME-WAIT"};
constexpr std::array<const char*, LASTACK_TIMERS> kTimerNames = {"retransmit", "persist",     "time-wait",
                                                                 "user",       "delayed-ack", "keepalive"};

const char* state_name(std::int32_t state) {
  if (state < 0 || static_cast<std::size_t>(state) >= kStateNames.size()) return nullptr;
  return kStateNames[static_cast<std::size_t>(state)];
}

lastack_sut_addr to_c(const std::string& ip, std::uint16_t port) {
  const IpAddress parsed = address(ip);
  lastack_sut_addr out{};
  out.family = static_cast<std::uint8_t>(parsed.version);
  std::memcpy(out.ip, parsed.octets.data(), parsed.size());
  out.port = port;
  return out;
}

py::object from_c(const lastack_sut_addr& addr) {
  if (addr.family != 4 && addr.family != 6) return py::none();
  const auto version = addr.family == 4 ? IpVersion::v4 : IpVersion::v6;
  return py::make_tuple(IpAddress::from_bytes(version, as_bytes(addr.ip, 16).data()).text(), addr.port);
}

// One stack behind the C ABI. At most one instance at a time; a new create() destroys the one before.
class Stack {
 public:
  explicit Stack(const lastack_sut_ops* ops, void* library = nullptr)
      : ops_(ops), library_(library), packet_(kMaxPacket) {}
  ~Stack() {
    destroy();
    if (library_ != nullptr) dlclose(library_);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  std::string name() const { return ops_->name; }
  std::string version() const { return ops_->version; }
  std::string profile() const { return ops_->profile == nullptr ? "" : ops_->profile; }
  std::vector<std::string> caps() const {
    std::vector<std::string> names;
    for (const CapName& cap : kCapNames) {
      if ((ops_->caps & cap.bit) != 0) names.emplace_back(cap.name);
    }
    return names;
  }

  // (created, text): on success the text names the wishes that the stack cannot honour, otherwise it says what is
  // wrong.
  std::pair<bool, std::string> create(std::uint64_t now_us, std::uint64_t seed, const std::string& ip4,
                                      const std::string& ip6, std::uint16_t mtu, std::uint32_t rcv_buf,
                                      std::uint32_t snd_buf, std::uint32_t msl_ms, const std::string& options) {
    destroy();
    lastack_sut_cfg cfg{};
    cfg.size = sizeof cfg;
    cfg.now_us = now_us;
    cfg.seed = seed;
    std::memcpy(cfg.ip4, address(ip4).octets.data(), sizeof cfg.ip4);
    std::memcpy(cfg.ip6, address(ip6).octets.data(), sizeof cfg.ip6);
    cfg.mtu = mtu;
    cfg.rcv_buf = rcv_buf;
    cfg.snd_buf = snd_buf;
    cfg.msl_ms = msl_ms;
    cfg.options = options.c_str();
    std::array<char, 256> text{};
    instance_ = ops_->create(&cfg, text.data(), text.size());
    text.back() = '\0';
    return {instance_ != nullptr, text.data()};
  }

  void destroy() {
    if (instance_ != nullptr) ops_->destroy(std::exchange(instance_, nullptr));
  }

  // Each input returns (status, packets, next): everything that the stack wants to send, and the time of its next timer
  // or None.
  py::tuple rx(std::uint64_t now_us, const py::bytes& packet) {
    const Bytes octets = view(packet);
    const int status = ops_->rx(alive(), now_us, reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
    return outcome(status, now_us);
  }
  py::tuple tick(std::uint64_t now_us) { return outcome(ops_->tick(alive(), now_us), now_us); }

  py::dict app(std::uint64_t now_us, int op, int conn, std::uint32_t flags, std::uint32_t backlog, std::uint64_t value,
               const std::string& name, std::uint16_t port,
               const std::optional<std::pair<std::string, std::uint16_t>>& remote, const py::bytes& data,
               std::size_t cap) {
    const Bytes octets = view(data);
    std::vector<std::uint8_t> buffer(std::min<std::size_t>(cap, 1U << 24));
    lastack_sut_call call{};
    call.size = sizeof call;
    call.now_us = now_us;
    call.op = op;
    call.conn = conn;
    call.flags = flags;
    call.backlog = backlog;
    call.value = value;
    call.name = name.c_str();
    call.local.port = port;
    if (remote) call.remote = to_c(remote->first, remote->second);
    call.data = reinterpret_cast<const std::uint8_t*>(octets.data());
    call.len = octets.size();
    call.buffer = buffer.data();
    call.cap = buffer.size();
    lastack_sut_ret ret{};
    ret.size = sizeof ret;
    ret.conn = -1;
    const int status = ops_->app(alive(), &call, &ret);
    ret.error[sizeof ret.error - 1] = '\0';
    if (ret.count > std::max(call.len, call.cap)) {
      throw std::runtime_error("app answers a count of " + std::to_string(ret.count) + ", more than it was given");
    }

    py::dict reply;
    reply["status"] = status;
    reply["conn"] = ret.conn;
    reply["flags"] = ret.flags;
    reply["count"] = ret.count;
    reply["remote"] = from_c(ret.remote);
    reply["error"] = std::string(ret.error);
    reply["data"] = op == LASTACK_APP_RECV && status == LASTACK_OK
                        ? to_python(as_bytes(buffer.data(), std::min(ret.count, buffer.size())))
                        : py::bytes();
    reply["out"] = drain(now_us);
    reply["next"] = next(now_us);
    return reply;
  }

  // The known fields, named as in the cmd: protocol; or the status number when there are none.
  std::variant<int, py::dict> info(std::uint64_t now_us, int conn) {
    if (ops_->info == nullptr) return static_cast<int>(LASTACK_UNSUPPORTED);
    lastack_sut_info i{};
    i.size = sizeof i;
    const int status = ops_->info(alive(), now_us, conn, &i);
    if (status != LASTACK_OK) return status;
    return info_fields(i);
  }

  // Only the state; None when the handle or the state is unknown. For the ladder, which asks after every event.
  std::optional<std::string> state(std::uint64_t now_us, int conn) {
    if (ops_->info == nullptr) return std::nullopt;
    lastack_sut_info i{};
    i.size = sizeof i;
    if (ops_->info(alive(), now_us, conn, &i) != LASTACK_OK || (i.valid & LASTACK_INFO_STATE) == 0) return std::nullopt;
    const char* name = state_name(i.state);
    if (name == nullptr) return std::nullopt;
    return name;
  }

  py::object next(std::uint64_t now_us) {
    const std::uint64_t at = ops_->next(alive(), now_us);
    if (at == std::numeric_limits<std::uint64_t>::max()) return py::none();
    return py::int_(at);
  }

 private:
  void* alive() const {
    if (instance_ == nullptr) throw std::runtime_error("no stack has been created");
    return instance_;
  }

  py::tuple outcome(int status, std::uint64_t now_us) { return py::make_tuple(status, drain(now_us), next(now_us)); }

  py::list drain(std::uint64_t now_us) {
    py::list packets;
    while (true) {
      const long size = ops_->tx(alive(), now_us, packet_.data(), packet_.size());
      if (size == 0) return packets;
      if (size < 0) throw std::runtime_error("tx answers " + std::to_string(size));
      if (static_cast<std::size_t>(size) > packet_.size())
        throw std::runtime_error("tx answers a size beyond its buffer");
      if (packets.size() == kMaxPacketsPerInput)
        throw std::runtime_error("tx does not come to an end: 100000 packets after one input");
      packets.append(to_python(as_bytes(packet_.data(), static_cast<std::size_t>(size))));
    }
  }

  static py::dict timers_of(const lastack_sut_info& i) {
    py::dict timers;
    for (std::size_t t = 0; t < kTimerNames.size(); ++t) {
      const bool off = i.timer_us[t] == std::numeric_limits<std::uint64_t>::max();
      timers[kTimerNames[t]] = off ? py::object(py::none()) : py::object(py::int_(i.timer_us[t]));
    }
    return timers;
  }

  static py::dict info_fields(const lastack_sut_info& i) {
    py::dict d;
    const auto has = [&i](std::uint64_t bit) { return (i.valid & bit) != 0; };
    if (has(LASTACK_INFO_STATE)) {
      const char* name = state_name(i.state);
      if (name == nullptr) throw std::runtime_error("info answers the state number " + std::to_string(i.state));
      d["state"] = name;
    }
    if (has(LASTACK_INFO_ISS)) d["iss"] = i.iss;
    if (has(LASTACK_INFO_IRS)) d["irs"] = i.irs;
    if (has(LASTACK_INFO_SND_UNA)) d["snd_una"] = i.snd_una;
    if (has(LASTACK_INFO_SND_NXT)) d["snd_nxt"] = i.snd_nxt;
    if (has(LASTACK_INFO_SND_WND)) d["snd_wnd"] = i.snd_wnd;
    if (has(LASTACK_INFO_SND_WL)) {
      d["snd_wl1"] = i.snd_wl1;
      d["snd_wl2"] = i.snd_wl2;
    }
    if (has(LASTACK_INFO_RCV_NXT)) d["rcv_nxt"] = i.rcv_nxt;
    if (has(LASTACK_INFO_RCV_WND)) d["rcv_wnd"] = i.rcv_wnd;
    if (has(LASTACK_INFO_URGENT)) {
      d["snd_up"] = i.snd_up;
      d["rcv_up"] = i.rcv_up;
    }
    if (has(LASTACK_INFO_MSS)) d["mss"] = i.mss;
    if (has(LASTACK_INFO_RTO)) {
      d["rto_us"] = i.rto_us;
      d["srtt_us"] = i.srtt_us;
    }
    if (has(LASTACK_INFO_CWND)) {
      d["cwnd"] = i.cwnd;
      d["ssthresh"] = i.ssthresh;
    }
    if (has(LASTACK_INFO_QUEUES)) {
      d["unsent"] = i.unsent;
      d["unread"] = i.unread;
    }
    if (has(LASTACK_INFO_TIMERS)) d["timers"] = timers_of(i);
    if (has(LASTACK_INFO_OPTIONS)) {
      d["snd_scale"] = i.snd_scale;
      d["rcv_scale"] = i.rcv_scale;
      d["sack"] = i.sack != 0;
      d["timestamps"] = i.timestamps != 0;
      d["ecn"] = i.ecn != 0;
    }
    return d;
  }

  const lastack_sut_ops* ops_;
  void* library_;
  void* instance_ = nullptr;
  std::vector<std::uint8_t> packet_;
};

// What is wrong with a table of operations; empty when it can be used.
std::string fault_of(const lastack_sut_ops* ops) {
  if (ops == nullptr) return "its lastack_sut_entry does not speak ABI " + std::to_string(LASTACK_SUT_ABI);
  if (ops->abi != LASTACK_SUT_ABI)
    return "it speaks ABI " + std::to_string(ops->abi) + ", this lastack ABI " + std::to_string(LASTACK_SUT_ABI);
  if (ops->size < sizeof(lastack_sut_ops)) {
    return "its table of operations has " + std::to_string(ops->size) + " octets instead of " +
           std::to_string(sizeof(lastack_sut_ops)) + ": it was compiled with another lastack_sut.h";
  }
  if (ops->name == nullptr || ops->version == nullptr) return "its name or version is NULL";
  if (ops->create == nullptr || ops->destroy == nullptr || ops->rx == nullptr || ops->tx == nullptr ||
      ops->tick == nullptr || ops->next == nullptr || ops->app == nullptr) {
    return "one of create, destroy, rx, tx, tick, next, app is NULL";
  }
  if ((ops->caps & LASTACK_CAP_INFO) != 0 && ops->info == nullptr) return "it has LASTACK_CAP_INFO and info is NULL";
  return {};
}

std::unique_ptr<Stack> linked_core() {
#ifdef LASTACK_LINKED_CORE
  const lastack_sut_ops* ops = lastack_core_sut_entry(LASTACK_SUT_ABI);
  if (const std::string fault = fault_of(ops); !fault.empty()) throw std::runtime_error("the built-in core: " + fault);
  return std::make_unique<Stack>(ops);
#else
  throw std::runtime_error("this build of lastack has no built-in core");
#endif
}

std::unique_ptr<Stack> load_shared_object(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  const auto fail = [library, &path](const std::string& why) {
    dlclose(library);
    throw std::runtime_error(path + ": " + why);
  };
  void* symbol = dlsym(library, "lastack_sut_entry");
  if (symbol == nullptr) fail("it does not export lastack_sut_entry (see conformance/sut/lastack_sut.h)");
  const auto entry = reinterpret_cast<lastack_sut_entry_fn>(symbol);
  const lastack_sut_ops* ops = entry(LASTACK_SUT_ABI);
  if (const std::string fault = fault_of(ops); !fault.empty()) fail(fault);
  return std::make_unique<Stack>(ops, library);
}

void define_segment(py::module_& m) {
  py::class_<SegmentValue>(m, "Segment")
      .def_readonly("src", &SegmentValue::src)
      .def_readonly("dst", &SegmentValue::dst)
      .def_readonly("version", &SegmentValue::version)
      .def_readonly("ttl", &SegmentValue::ttl)
      .def_readonly("traffic_class", &SegmentValue::traffic_class)
      .def_readonly("ip_id", &SegmentValue::ip_id)
      .def_readonly("dont_fragment", &SegmentValue::dont_fragment)
      .def_readonly("src_port", &SegmentValue::src_port)
      .def_readonly("dst_port", &SegmentValue::dst_port)
      .def_readonly("seq", &SegmentValue::seq)
      .def_readonly("ack", &SegmentValue::ack)
      .def_readonly("flags", &SegmentValue::flags)
      .def_readonly("reserved", &SegmentValue::reserved)
      .def_readonly("window", &SegmentValue::window)
      .def_readonly("urgent", &SegmentValue::urgent)
      .def_readonly("checksum", &SegmentValue::checksum)
      .def_readonly("header_size", &SegmentValue::header_size)
      .def_property_readonly("option_octets", [](const SegmentValue& s) { return py::bytes(s.option_octets); })
      .def_property_readonly("payload", [](const SegmentValue& s) { return py::bytes(s.payload); })
      .def_readonly("text", &SegmentValue::text)
      .def_readonly("checksum_ok", &SegmentValue::checksum_ok)
      .def("__repr__", [](const SegmentValue& s) { return "<Segment " + s.text + ">"; });
}

void define_stack(py::module_& m) {
  py::class_<Stack>(m, "Stack")
      .def_property_readonly("name", &Stack::name)
      .def_property_readonly("version", &Stack::version)
      .def_property_readonly("profile", &Stack::profile)
      .def_property_readonly("caps", &Stack::caps)
      .def("create", &Stack::create, py::kw_only(), py::arg("now_us"), py::arg("seed"), py::arg("ip4"), py::arg("ip6"),
           py::arg("mtu"), py::arg("rcv_buf"), py::arg("snd_buf"), py::arg("msl_ms"), py::arg("options"))
      .def("destroy", &Stack::destroy)
      .def("rx", &Stack::rx, py::arg("now_us"), py::arg("packet"))
      .def("tick", &Stack::tick, py::arg("now_us"))
      .def("app", &Stack::app, py::arg("now_us"), py::arg("op"), py::kw_only(), py::arg("conn") = -1,
           py::arg("flags") = 0, py::arg("backlog") = 0, py::arg("value") = 0, py::arg("name") = "",
           py::arg("port") = 0, py::arg("remote") = py::none(), py::arg("data") = py::bytes(), py::arg("cap") = 0)
      .def("info", &Stack::info, py::arg("now_us"), py::arg("conn"))
      .def("state", &Stack::state, py::arg("now_us"), py::arg("conn"))
      .def("next", &Stack::next, py::arg("now_us"));
  m.def("linked_core", &linked_core);
  m.def("load_shared_object", &load_shared_object, py::arg("path"));
}

}  // namespace
}  // namespace lastack

PYBIND11_MODULE(_core, m) {
  using namespace lastack;
  m.doc() = "Segments, checksums and stacks under test behind the C ABI. Typed in _core.pyi.";
  define_segment(m);
  define_stack(m);
  m.def("parse", &parse, py::arg("packet"));
  m.def("build", &build, py::kw_only(), py::arg("src"), py::arg("dst"), py::arg("src_port"), py::arg("dst_port"),
        py::arg("seq") = 0, py::arg("ack") = 0, py::arg("flags") = 0, py::arg("window") = 0, py::arg("urgent") = 0,
        py::arg("options") = py::bytes(), py::arg("payload") = py::bytes(), py::arg("reserved") = 0,
        py::arg("data_offset") = py::none(), py::arg("checksum") = py::none());
  m.def("rebase", &rebase, py::arg("packet"), py::arg("seq_shift"), py::arg("ack_shift"));
  m.def(
      "internet_checksum", [](const py::bytes& data) { return internet_checksum(view(data)); }, py::arg("data"));
}
