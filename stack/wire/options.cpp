#include "stack/wire/options.h"

#include <algorithm>

namespace lastack {

namespace {

template <typename T>
void set_once(std::optional<T>& field, T value, Options& out) {
  if (field) {
    out.duplicate = true;
  } else {
    field = value;
  }
}

void parse_sack(Bytes body, Options& out) {
  if (out.sack_count != 0) {
    out.duplicate = true;
    return;
  }
  for (std::size_t at = 0; at + 8 <= body.size() && out.sack_count < kMaxSackBlocks; at += 8) {
    out.sack[out.sack_count++] = {SeqNum(load_be32(body.data() + at)), SeqNum(load_be32(body.data() + at + 4))};
  }
}

void parse_fast_open(Bytes body, Options& out) {
  if (out.fast_open) {
    out.duplicate = true;
    return;
  }
  out.fast_open = true;
  out.fast_open_size = static_cast<std::uint8_t>(body.size());
  std::copy(body.begin(), body.end(), out.fast_open_cookie.begin());
}

// The right length of a known option; 0 for kinds without one fixed length.
std::size_t fixed_length(OptionKind kind) {
  switch (kind) {
    case OptionKind::mss: return 4;
    case OptionKind::window_scale: return 3;
    case OptionKind::sack_permitted: return 2;
    case OptionKind::timestamps: return 10;
    case OptionKind::user_timeout: return 4;
    case OptionKind::end:
    case OptionKind::nop:
    case OptionKind::sack:
    case OptionKind::fast_open:
    case OptionKind::experiment_1:
    case OptionKind::experiment_2: return 0;
  }
  return 0;
}

//= rfc7413 4.1.1
bool length_is_right(OptionKind kind, std::size_t length) {
  if (const std::size_t fixed = fixed_length(kind); fixed != 0) return length == fixed;
  if (kind == OptionKind::sack) return length >= 10 && length <= 34 && (length - 2) % 8 == 0;
  if (kind == OptionKind::fast_open) return length == 2 || (length >= 6 && length <= 18);  // RFC 7413 4.1.1
  return true;
}

//= rfc6994 3.2
void parse_one(OptionKind kind, Bytes body, Options& out) {
  switch (kind) {
    case OptionKind::mss: set_once(out.mss, load_be16(body.data()), out); return;
    case OptionKind::window_scale: set_once(out.window_scale, load_u8(body.data()), out); return;
    case OptionKind::sack_permitted:
      out.duplicate = out.duplicate || out.sack_permitted;
      out.sack_permitted = true;
      return;
    case OptionKind::sack: parse_sack(body, out); return;
    case OptionKind::timestamps:
      set_once(out.timestamps, Timestamps{load_be32(body.data()), load_be32(body.data() + 4)}, out);
      return;
    case OptionKind::user_timeout: set_once(out.user_timeout, load_be16(body.data()), out); return;
    case OptionKind::fast_open: parse_fast_open(body, out); return;
    case OptionKind::end:
    case OptionKind::nop:
    case OptionKind::experiment_1:
    case OptionKind::experiment_2: break;
  }
  out.unknown = true;
}

}  // namespace

//= rfc9293 3.2 MUST-4 MUST-5 MUST-6 MUST-7 MUST-64 MUST-68
std::optional<WireError> parse_options(Bytes area, Options& out) {
  // What nearly every segment carries: two NOPs, and timestamps on a boundary of four octets (RFC 7323 A).
  constexpr std::uint32_t kAlignedTimestamps = 0x0101080a;
  if (area.size() == 12 && load_be32(area.data()) == kAlignedTimestamps) {
    set_once(out.timestamps, Timestamps{load_be32(area.data() + 4), load_be32(area.data() + 8)}, out);
    return std::nullopt;
  }
  std::size_t at = 0;
  // A SYN begins with its MSS.
  constexpr std::uint32_t kMss = 0x0204;
  if (area.size() >= 4 && load_be16(area.data()) == kMss) {
    set_once(out.mss, load_be16(area.data() + 2), out);
    at = 4;
  }
  while (at < area.size()) {
    const auto kind = static_cast<OptionKind>(area[at]);
    if (kind == OptionKind::end) {
      out.nonzero_after_end = std::any_of(area.begin() + static_cast<std::ptrdiff_t>(at), area.end(),
                                          [](std::byte b) { return b != std::byte{0}; });
      return std::nullopt;
    }
    if (kind == OptionKind::nop) {
      ++at;
      continue;
    }
    if (at + 1 >= area.size()) return WireError{WireFault::tcp_bad_option_length, at};
    const std::size_t length = load_u8(area.data() + at + 1);
    if (length < 2 || at + length > area.size()) return WireError{WireFault::tcp_bad_option_length, at + 1};
    if (length_is_right(kind, length)) {
      parse_one(kind, area.subspan(at + 2, length - 2), out);
    } else {
      out.wrong_length = true;
    }
    at += length;
  }
  return std::nullopt;
}

namespace {

std::size_t unpadded_size(const Options& o) {
  std::size_t size = 0;
  if (o.mss) size += 4;
  if (o.sack_permitted) size += 2;
  if (o.timestamps) size += 10;
  if (o.window_scale) size += 3;
  if (o.user_timeout) size += 4;
  if (o.fast_open) size += 2U + o.fast_open_size;
  if (o.sack_count != 0) size += 2U + 8U * o.sack_count;
  return size;
}

class OptionWriter {
 public:
  explicit OptionWriter(std::byte* at) : at_(at) {}
  void u8(std::uint8_t v) { store_u8(at_++, v); }
  void u16(std::uint16_t v) {
    store_be16(at_, v);
    at_ += 2;
  }
  void u32(std::uint32_t v) {
    store_be32(at_, v);
    at_ += 4;
  }
  void head(OptionKind kind, std::size_t length) {
    u8(static_cast<std::uint8_t>(kind));
    u8(static_cast<std::uint8_t>(length));
  }
  std::byte* at() const { return at_; }

 private:
  std::byte* at_;
};

}  // namespace

namespace {
std::size_t padded(std::size_t size) { return (size + 3U) & ~std::size_t{3}; }
}  // namespace

std::size_t options_size(const Options& o) { return padded(unpadded_size(o)); }

//= rfc9293 3.1 MUST-69
std::size_t write_options(std::byte* out, const Options& o) {
  OptionWriter w(out);
  const std::size_t size = unpadded_size(o);
  // The padding is NOPs in front, so that 32-bit fields of the usual sets come to lie on 4-octet boundaries (RFC 7323
  // App. A).
  if (o.mss) {
    w.head(OptionKind::mss, 4);
    w.u16(*o.mss);
  }
  for (std::size_t pad = padded(size) - size; pad > 0; --pad) w.u8(1);
  if (o.sack_permitted) w.head(OptionKind::sack_permitted, 2);
  if (o.timestamps) {
    w.head(OptionKind::timestamps, 10);
    w.u32(o.timestamps->value);
    w.u32(o.timestamps->echo);
  }
  if (o.window_scale) {
    w.head(OptionKind::window_scale, 3);
    w.u8(*o.window_scale);
  }
  if (o.user_timeout) {
    w.head(OptionKind::user_timeout, 4);
    w.u16(*o.user_timeout);
  }
  if (o.fast_open) {
    w.head(OptionKind::fast_open, 2U + o.fast_open_size);
    for (std::size_t i = 0; i < o.fast_open_size; ++i) w.u8(load_u8(&o.fast_open_cookie[i]));
  }
  if (o.sack_count != 0) {
    w.head(OptionKind::sack, 2U + 8U * o.sack_count);
    for (std::size_t i = 0; i < o.sack_count; ++i) {
      w.u32(o.sack[i].left.raw());
      w.u32(o.sack[i].right.raw());
    }
  }
  return padded(size);
}

}  // namespace lastack
