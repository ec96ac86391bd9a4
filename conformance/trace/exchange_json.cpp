// The JSON form of recorded exchanges. Everything in it is about one capture, packet numbers are the file's.
#include <nlohmann/json.hpp>

#include "conformance/trace/exchange.h"
#include "stack/wire/text.h"

namespace lastack {

namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json json_of(const std::optional<SeqNum>& number) { return number ? Json(number->raw()) : Json(nullptr); }

std::string hex(const std::vector<std::byte>& octets) {
  static constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte b : octets) {
    text += kDigits[load_u8(&b) >> 4U];
    text += kDigits[load_u8(&b) & 15U];
  }
  return text;
}

const char* checksum_text(const SegmentInfo& info) {
  switch (info.checksum) {
    case ChecksumState::unknown: return "unknown";
    case ChecksumState::right: return "right";
    case ChecksumState::wrong: return "wrong";
    case ChecksumState::offloaded: return "offloaded";
  }
  return "unknown";
}

Json json_of(const EndView& end) {
  return {{"state", end.if_arrived},
          {"possible", end.possible},
          {"snd_una", json_or_null(end.snd_una)},
          {"snd_nxt", json_or_null(end.snd_nxt)},
          {"rcv_nxt", json_or_null(end.rcv_nxt)},
          {"may_send", json_or_null(end.may_send)}};
}

Json json_of(const ExchangeStep& step) {
  const Segment& tcp = step.segment.tcp;
  Json json = {{"packet", step.packet},
               {"time", std::chrono::duration<double>(step.time.time_since_epoch()).count()},
               {"from", step.sender},
               {"text", info_text(step.segment)},
               {"flags", flags_text(tcp.flags)},
               {"bits", tcp.flags.bits},
               {"seq", tcp.seq.raw()},
               {"ack", tcp.flags.ack() ? Json(tcp.ack.raw()) : Json(nullptr)},
               {"window", tcp.wnd},
               {"urgent", tcp.urg},
               {"len", step.segment.payload_size},
               {"seg_len", step.segment.len()},
               {"options", hex(step.options)},
               {"payload", hex(step.payload)},
               {"checksum", checksum_text(step.segment)},
               {"malformed", step.segment.malformed.has_value()},
               {"skipped", step.skipped}};
  json["ends"] = {json_of(step.ends[0]), json_of(step.ends[1])};
  return json;
}

}  // namespace

std::string exchange_to_json(const std::string& path, CheckOptions check, const ExchangeOptions& options) {
  ExchangeRecorder recorder(options);
  check.observer = recorder.observer();
  const auto ask = check.progress;
  check.progress = [&](std::uint64_t done, std::uint64_t total) {
    return !recorder.complete() && (!ask || ask(done, total));
  };
  Json json = {{"schema", 1}, {"report", Json::parse(to_json(check_file(path, check)))}};
  Json exchanges = Json::array();
  for (const Exchange& e : recorder.exchanges()) {
    Json steps = Json::array();
    for (const ExchangeStep& step : e.steps) steps.push_back(json_of(step));
    exchanges.push_back({{"connection", e.connection},
                         {"endpoints", {e.endpoints[0].text(), e.endpoints[1].text()}},
                         {"isn", {json_of(e.isn[0]), json_of(e.isn[1])}},
                         {"steps", std::move(steps)},
                         {"omitted", e.omitted}});
  }
  json["exchanges"] = std::move(exchanges);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lastack
