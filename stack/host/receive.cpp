// Packets in: which connection, listener or nobody they are for.
#include <algorithm>

#include "stack/host/host_impl.h"
#include "stack/tcb/mutation.h"
#include "stack/tcp/arrival.h"
#include "stack/tcp/control.h"
#include "stack/tcp/expected.h"
#include "stack/tcp/output.h"
#include "stack/tcp/segment_arrives.h"
#include "stack/wire/checksum.h"
#include "stack/wire/syn.h"

namespace lastack {

namespace {

// Until something better is known of it.
constexpr Disposition kNotForUs{Action::dropped, "not a good TCP segment for this host"};

//= rfc9293 3.9.2.3 MUST-57 MUST-63
bool can_be_a_peer(const IpAddress& source) {
  return !source.is_unspecified() && !source.is_multicast_or_broadcast() && !source.is_loopback();
}

void check_disposition(const Connection& connection, const Segment& segment, const Disposition& disposition) {
#if defined(LASTACK_INVARIANTS)
  const bool rejected = disposition.action != Action::accepted && disposition.action != Action::closed;
  if (rejected) check_rejected_segment(connection.tcb, connection.witness);
  check_reset_was_exact(connection.tcb, connection.witness, segment.seq, segment.flags.rst());
#else
  static_cast<void>(connection);
  static_cast<void>(segment);
  static_cast<void>(disposition);
#endif
}

}  // namespace

// For receive_packet alone, and always inlined: each packet comes this way.
template <typename Packet>
[[gnu::always_inline]] inline Connection* Host::Impl::find_awake(const Packet& packet) {
  if (recent != nullptr && !recent->buried && packet.is_between(recent->tcb.local, recent->tcb.remote)) return recent;
  incoming_sockets = pair_of(packet.destination(), packet.source());
  return look_up(incoming_sockets);
}

// As well: what has an address does not stay in registers.
[[gnu::always_inline]] inline bool Host::Impl::receive_control(Connection& connection, const CommonSegment& segment) {
  if (!is_control(connection.tcb, segment, now)) return false;
  last_disposition = take_control(connection.tcb, segment, now);
  after_control(connection);
  return true;
}

// Every packet comes here. The next one of a steady connection is not taken apart; what is not laid out as nearly all
// are goes through the whole parsers.
void Host::Impl::receive_packet(Bytes packet, TextReader* reader) {
  CommonSegment common;
  if (!config.header_prediction || !common.look_at(packet)) {
    last_disposition = kNotForUs;
    const SynSegment syn(common);
    syn.is_one() ? receive_syn(syn) : receive_other_packet(packet);
    return show_unread(reader);
  }
  Connection* const connection = find_awake(common);
  const bool next = connection != nullptr && !common.flags().fin() && steady(connection->tcb) &&
                    is_next(connection->tcb, common, now);
  const bool in_place = next && reader != nullptr && reads_in_place(*connection);
  // One pass sums the text and copies it into the queue; where it was wrong, that is free space still.
  NextText text;
  //= rfc9293 3.1 MUST-3
  if (config.checksums == Checksums::written) {
    std::byte* place = nullptr;
    const auto octets = static_cast<std::uint32_t>(common.text().size());
    if (next && !in_place && octets != 0) place = connection->tcb.receive_queue.place_for_next(octets);
    if (!common.checksums_are_right(place)) {
      last_disposition = kNotForUs;
      return;
    }
    text.copied = place != nullptr;
  }
  if (!next) {
    Connection* const woken = connection != nullptr ? connection : wake_half_open();
    const bool bare = woken != nullptr && common.text().empty();
    if (!bare || !receive_control(*woken, common)) receive_common(woken, common);
    return show_unread(reader);
  }
  if (in_place && !common.text().empty()) text.taken = show(*reader, *connection, common.text());
  take_next(connection->tcb, common, text, now);
  last_disposition = {Action::accepted, "3.10.7.4"};
  after_steady(*connection);
  if (!in_place) show_unread(reader);
}

std::uint32_t Host::Impl::show(TextReader& reader, const Connection& connection, Bytes text) {
  unsettled |= kReading;
  const std::size_t taken = reader.take(connection.id, text);
  unsettled &= ~kReading;
  LASTACK_CHECK(taken <= text.size());
  return static_cast<std::uint32_t>(taken);
}

// RECEIVE, as often as the reader takes what lies in one piece.
void Host::Impl::show_queue(TextReader& reader, Connection& connection) {
  Tcb& tcb = connection.tcb;
  if (connection.buried || tcb.reader_gone || connection.listener != ConnId::none) return;
  bool more = tcb.receive_queue.unread() != 0;
  while (more) {
    const Bytes text = tcb.receive_queue.front();
    const std::uint32_t taken = show(reader, connection, text);
    (void)consume_call(tcb, taken);
    more = taken == text.size() && tcb.receive_queue.unread() != 0;
    if (taken != 0) after_call(connection);
  }
  if (tcb.receive_queue.unread() == 0) tcb.unsignal(Signal::readable);
}

// For an ACK that nobody is awake for: usually it ends a handshake.
Connection* Host::Impl::wake_half_open() {
  if (half_open.size() == 0 || !ours(incoming_sockets.local.ip)) return nullptr;
  HalfOpen* const record = half_open.find(incoming_sockets);
  return record == nullptr ? nullptr : &wake_for_input(*record);
}

void Host::Impl::receive_common(Connection* connection, CommonSegment common) {
  Segment& segment = incoming_common;
  common.fill(segment);
  last_disposition = kNotForUs;
  if (connection == nullptr || !is_expected(connection->tcb, segment, now))
    return receive_segment(connection, common, segment);
  last_disposition = take_expected(connection->tcb, segment, now);
  check_disposition(*connection, segment, last_disposition);
  after_input(*connection);
}

void Host::Impl::receive_syn(SynSegment syn) {
  //= rfc9293 3.1 MUST-3
  if (config.checksums == Checksums::written && !syn.checksums_are_right()) return;
  syn.fill(incoming_syn);
  receive_segment(find_awake(syn), syn, incoming_syn);
}

void Host::Impl::receive_other_packet(Bytes packet) {
  PlainPacket& plain = incoming;
  if (!config.header_prediction || !parse_plain(packet, plain)) return receive_any_packet(packet);
  //= rfc9293 3.1 MUST-3
  if (config.checksums == Checksums::written && !plain.checksums_are_right()) return;
  receive_segment(find_awake(plain), plain, plain.segment);
}

// `connection`: the one that is awake for it.
template <typename Packet>
void Host::Impl::receive_segment(Connection* connection, const Packet& packet, const Segment& segment) {
  if (connection != nullptr) {
    // Its peer was looked at when it was first heard of.
    if (connection->tcb.state() == State::syn_sent && !can_be_a_peer(connection->tcb.remote.ip)) return;
    if (!config.header_prediction || !is_expected_syn_ack(connection->tcb, segment))
      return segment_for_connection(*connection, segment, packet.ecn());
    last_disposition = take_expected_syn_ack(connection->tcb, segment, now);
    check_disposition(*connection, segment, last_disposition);
    return after_control(*connection);
  }
  if (ours(incoming_sockets.local.ip) && can_be_a_peer(incoming_sockets.remote.ip))
    segment_for_others(incoming_sockets, segment, packet.ecn());
}

void Host::Impl::receive_any_packet(Bytes packet) {
  IpPacket ip;
  if (parse_ip(packet, ip) || ip.truncated || ip.is_fragment() || !ours(ip.dst)) return;
  const bool verify = config.checksums == Checksums::written;
  if (verify && !ip.header_checksum_ok) return;
  if (ip.protocol == kProtocolIcmp || ip.protocol == kProtocolIcmp6) return icmp_arrives(ip);
  if (ip.protocol != kProtocolTcp || !can_be_a_peer(ip.src)) return;
  //= rfc9293 3.1 MUST-3
  if (verify && tcp_checksum(ip.src, ip.dst, ip.payload) != 0) return;
  Segment segment;
  if (parse_tcp(ip.payload, segment)) return;
  const SocketPair sockets = pair_of({ip.dst, segment.dst_port}, {ip.src, segment.src_port});
  if (Connection* const connection = look_up(sockets)) return segment_for_connection(*connection, segment, ip.ecn());
  segment_for_others(sockets, segment, ip.ecn());
}

void Host::Impl::segment_for_connection(Connection& connection, const Segment& segment, std::uint8_t ecn) {
  if (reopens_from_time_wait(connection, segment)) return;
  Tcb& tcb = connection.tcb;
  Effects effects;
  const bool opening = tcb.fast_open && tcb.state() == State::syn_sent;
  last_disposition = segment_arrives(tcb, segment, now, effects, ecn);
  if (opening) client_hears_of_fast_open(connection, segment);
  check_disposition(connection, segment, last_disposition);
  reply(tcb.local, tcb.remote, effects);
  const bool kills_listener = kMut == 9 && last_disposition.action == Action::closed && segment.flags.rst() &&
                              connection.listener != ConnId::none;
  const std::uint16_t port = tcb.local.port;
  after_input(connection);
  if (kills_listener) erase_listener(port);
}

void Host::Impl::segment_for_others(const SocketPair& sockets, const Segment& segment, std::uint8_t ecn) {
  if (Connection* const connection = find_record(sockets)) return segment_for_connection(*connection, segment, ecn);
  if (Listener* const listener = listener_on(sockets.local.port))
    return segment_for_listener(*listener, sockets, segment, nullptr);
  cover(State::closed, segment_event(segment_class(segment.flags), Placement::in_window));
  Effects effects;
  last_disposition = closed_segment_arrives(segment, effects);
  reply(sockets.local, sockets.remote, effects);
}

//= rfc7413 4.1.3 RFC7413-4.1.3.1-a
void Host::Impl::client_hears_of_fast_open(Connection& connection, const Segment& segment) {
  Tcb& tcb = connection.tcb;
  if (!tcb.syn_acknowledged()) return;
  const bool taken = !tcb.fast_open->text_sent || tcb.flight() == 0;
  fast_open_cache.learn(now, tcb.config().fast_open_retry, tcb.remote, *tcb.fast_open, segment.options, taken);
  tcb.fast_open.reset();
}

bool Host::Impl::reopens_from_time_wait(Connection& connection, const Segment& segment) {
  if (!time_wait_accepts_syn(connection.tcb, segment)) return false;
  Listener* const listener = listener_on(segment.dst_port);
  if (listener == nullptr) return false;
  const SocketPair sockets = connection.sockets();
  become_closed(connection.tcb, Cause::syn);
  after_input(connection);
  segment_for_listener(*listener, sockets, segment, &connection.tcb);
  return true;
}

//= rfc9293 3.9.2.2 MUST-54 MUST-56 SHLD-25 SHLD-26
void Host::Impl::icmp_arrives(const IpPacket& packet) {
  last_disposition = {Action::dropped, "3.9.2.2: no ICMP error for a connection here"};
  const auto error = parse_icmp_error(packet);
  if (!error) return;
  Connection* const connection = find(pair_of(error->local, error->remote));
  if (connection == nullptr) return;
  Tcb& tcb = connection->tcb;
  //= rfc5927 4.1
  const bool in_flight = at_or_before(tcb.snd.una, error->seq) && before(error->seq, tcb.snd.nxt);
  if (tcb.config().icmp_checks_sequence && !in_flight) {
    last_disposition = {Action::dropped, "RFC 5927 4.1: not about a segment in flight"};
    return;
  }
  last_disposition = {Action::accepted, "3.9.2.2"};
  connection->icmp = error->detail;
  icmp_error(tcb, error->kind, error->mtu, error->seq, now);
  after_input(*connection);
}

}  // namespace lastack
