// A TCP host without IO: demultiplexing, listeners, ISN selection, resets without a TCB, ICMP. The outer face of the
// core: the SUT adapter, the simulator and the fuzz targets see nothing else of it.
//
// Contract. In: on_packet, on_timeout, user calls, each with `now`. Out: poll_transmit, poll_event, next_timeout.
//  - After any input, call poll_transmit until it returns 0, or has_output() says no; then next_timeout. Their answers
//  change only through an input.
//  - A spurious on_timeout is harmless. Same inputs, same outputs, byte for byte.
//  - `now` never goes backwards (a smaller value is taken as the last one).
//  - What tcb() and config() point to is good until the next call of the host.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "stack/base/bytes.h"
#include "stack/base/result.h"
#include "stack/base/time.h"
#include "stack/tcb/config.h"
#include "stack/tcb/state.h"
#include "stack/tcb/tcb.h"
#include "stack/tcp/call_error.h"
#include "stack/tcp/disposition.h"
#include "stack/tcp/user_calls.h"
#include "stack/wire/ip.h"
#include "stack/wire/ip_address.h"

namespace lastack {

struct HostConfig {
  IpAddress ip4;
  IpAddress ip6;
  std::uint16_t mtu = 1500;
  std::uint64_t seed = 0;  // the key of the RFC 6528 ISN hash and the ephemeral ports
  // offloaded: the link makes and verifies every checksum, so the host does neither (MUST-2 and MUST-3 are then the
  // link's).
  Checksums checksums = Checksums::written;
  // Segments that could be foretold take a short way with the same result; off for tests that compare the two.
  bool header_prediction = true;
  Config tcp;  // defaults of every connection
};

// A handle of a connection or listener. Handles are never reused within one Host.
enum class ConnId : std::int32_t { none = -1 };

struct Event {
  enum class Kind : std::uint8_t {
    connected,
    acceptable,
    readable,
    writable,
    peer_closed,
    urgent,
    soft_error,
    reset,
    refused,
    timed_out,
    closed
  };
  ConnId conn = ConnId::none;
  Kind kind = Kind::connected;
  std::uint32_t detail = 0;  // soft_error: the ICMP type and code
};

// An application that takes text where it lies in the packet, before it is copied into the receive queue.
class TextReader {
 public:
  // The next text of `conn`, in order; the span is good until this returns. Returns how many of its octets are done
  // with, from its beginning on; the others wait in the receive queue, as they would without a reader. No input of the
  // host may be called from here (a check in Host stops that): what there is to answer is sent when on_packet is over.
  virtual std::size_t take(ConnId conn, Bytes text) noexcept = 0;

 protected:
  TextReader() = default;
  TextReader(const TextReader&) = default;
  TextReader& operator=(const TextReader&) = default;
  ~TextReader() = default;
};

class Host {
 public:
  Host(const HostConfig& config, Instant now);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void on_packet(Instant now, Bytes packet);
  // The same, and RECEIVE at once: what text the packet made readable is shown to `reader`, and so is what was left
  // unread before it. Event::readable is told of what is unread afterwards, and of nothing else. A connection that
  // waits for accept(), or has ended, is read by the calls below.
  void on_packet(Instant now, Bytes packet, TextReader& reader);
  void on_timeout(Instant now);
  // Writes the next packet into `out` (at least the MTU) and returns its size; 0 when there is none.
  std::size_t poll_transmit(Instant now, MutableBytes out);
  // Whether poll_transmit has something to look for; where not, it would return 0.
  bool has_output(Instant now) const;
  std::optional<Event> poll_event();
  std::optional<Instant> next_timeout() const;

  // User calls, RFC 9293 3.10.1 to 3.10.6.
  Result<ConnId, CallError> listen(Instant now, std::uint16_t port, std::uint32_t backlog);
  // `first`: text to send, as by send(); with Config::fast_open and a cookie of this server it leaves with the SYN.
  Result<ConnId, CallError> connect(Instant now, std::uint16_t local_port, const SocketAddress& remote,
                                    Bytes first = {});
  Result<ConnId, CallError> accept(ConnId listener);  // CallError::would_block when none is ready
  Result<std::size_t, CallError> send(Instant now, ConnId conn, Bytes data, SendFlags flags = {});
  // How much of it send() would take now; 0 also when it would refuse.
  std::size_t send_room(ConnId conn) const;
  Result<ReceiveResult, CallError> receive(Instant now, ConnId conn, MutableBytes buffer);
  // RECEIVE without a copy: the text at the front of the queue, as far as it lies in one piece, good until the next
  // input; consume() then takes octets of it, as receive() would.
  Bytes peek(ConnId conn) const;
  Result<ReceiveResult, CallError> consume(Instant now, ConnId conn, std::size_t octets);
  Status<CallError> shutdown(Instant now, ConnId conn);  // 3.10.4 CLOSE: no more data to send
  Status<CallError> close(Instant now, ConnId conn);     // the user is gone: 3.6.1 half-duplex close
  Status<CallError> abort(Instant now, ConnId conn);     // 3.10.5

  void set_next_iss(SeqNum iss);  // queued: one per connection to come, before the RFC 6528 generator is asked
  std::optional<ConnId> find(std::uint16_t local_port, const SocketAddress& remote) const;
  SocketAddress remote(ConnId conn) const;
  // STATUS (3.10.6): the state and, where one exists, the TCB. A connection that is gone is CLOSED with its last
  // variables.
  State state(ConnId conn) const;
  const Tcb* tcb(ConnId conn) const;
  // A per-connection choice after it was opened (nodelay, keepalive ...).
  Config* config(ConnId conn);
  // To be called after such a choice was changed: the timers that depend on it are set anew.
  void config_changed(Instant now, ConnId conn);
  // The choices of all connections without choices of their own.
  Config& defaults();

  // What became of the last packet given to on_packet.
  const Disposition& last_disposition() const;

  // Connections at rest become small records by and by (Config::rest_after); this folds all of them at once. Nothing
  // else changes. Returns how many.
  std::size_t compact(Instant now);
  // How much memory the host holds for connections and queues, octets; for the bounds in tests and fuzzing.
  std::size_t memory() const;
  std::size_t connections() const;
  // Those of them that are whole TCBs at present, not records.
  std::size_t tcbs() const;
  // Whether this handle was ever handed out: one that was given back stays CLOSED.
  bool issued(ConnId conn) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastack
