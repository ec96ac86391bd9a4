// Every rule of the judge has a conversation that it fires on and one, close to it, in which the judge finds nothing at
// all. A rule without both fails the last test of this file.
#include <gtest/gtest.h>

#include <map>

#include "conformance/test/cpp/judge_talk.h"
#include "stack/wire/checksum.h"

namespace lastack::test {

void fix_checksum(std::vector<std::byte>& packet) {
  std::byte* tcp = packet.data() + kIpv4HeaderSize;
  store_be16(tcp + 16, 0);
  store_be16(tcp + 16, tcp_checksum(IpAddress::from_bytes(IpVersion::v4, packet.data() + 12),
                                    IpAddress::from_bytes(IpVersion::v4, packet.data() + 16),
                                    {tcp, packet.size() - kIpv4HeaderSize}));
}

namespace {

struct Case {
  std::string rule;
  std::function<void(Talk&)> fires;
  std::function<void(Talk&)> silent;
  Vantage vantage = Vantage::path;
};

constexpr auto kEndpoint = Vantage::endpoint;

void with_ecn(Segment& s) { s.flags = s.flags | kEce | (s.flags.ack() ? Flags{} : kCwr); }
void with_scale(Segment& s) { s.options.window_scale = 7; }

std::function<void(Segment&)> sack_block(std::uint32_t left, std::uint32_t right) {
  return [=](Segment& s) {
    s.options.sack_count = 1;
    s.options.sack[0] = {SeqNum(left), SeqNum(right)};
  };
}

std::function<void(Segment&)> sack_blocks(std::uint32_t left, std::uint32_t right, std::uint32_t left_2,
                                          std::uint32_t right_2) {
  return [=](Segment& s) {
    s.options.sack_count = 2;
    s.options.sack[0] = {SeqNum(left), SeqNum(right)};
    s.options.sack[1] = {SeqNum(left_2), SeqNum(right_2)};
  };
}

// Sets octet `at` of the TCP header and mends the checksum.
std::function<void(std::vector<std::byte>&)> octet(std::size_t at, unsigned value) {
  return [=](std::vector<std::byte>& p) {
    p[kIpv4HeaderSize + at] = static_cast<std::byte>(value);
    fix_checksum(p);
  };
}

Talk& ts_open(Talk& t) {
  t.timestamps = true;
  return t.open();
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"data-offset", [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .raw = octet(12, 0x40)}); },
       [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .raw = octet(12, 0x50)}); }},
      {"reserved-bits", [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .raw = octet(12, 0x52)}); },
       [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .raw = octet(12, 0x51)}); }},  // AE is defined
      {"checksum",
       [](Talk& t) {
         t.open().a({.flags = "PA", .seq = 101, .ack = 301, .len = 5, .raw = [](auto& p) { p[42] ^= std::byte{1}; }});
       },
       [](Talk& t) {  // left to the network card: the field holds the sum of the pseudo-header
         t.open().a({.flags = "PA", .seq = 101, .ack = 301, .len = 5, .raw = [](auto& p) {
                       ChecksumAccumulator sum;
                       add_pseudo_header(sum, *IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.2"),
                                         kProtocolTcp, 25);
                       store_be16(p.data() + kIpv4HeaderSize + 16, static_cast<std::uint16_t>(~sum.finish() & 0xffffU));
                     }});
       }},
      {"ack-bit-missing", [](Talk& t) { t.open().a({.flags = "P", .seq = 101, .len = 5}); },
       [](Talk& t) { t.open().a({.flags = "R", .seq = 101}); }},
      {"syn-with-fin", [](Talk& t) { t.a({.flags = "SF", .seq = 100}); },
       [](Talk& t) { t.a({.flags = "S", .seq = 100}); }},
      {"syn-with-rst", [](Talk& t) { t.a({.flags = "SR", .seq = 100}); },
       [](Talk& t) { t.a({.flags = "S", .seq = 100}).b({.flags = "RA", .seq = 0, .ack = 101}); }},
      {"option-length", [](Talk& t) { ts_open(t).a({.seq = 101, .ack = 301, .raw = octet(23, 0)}); },
       [](Talk& t) { ts_open(t).a({.seq = 101, .ack = 301}); }},
      {"option-padding", [](Talk& t) { ts_open(t).a({.seq = 101, .ack = 301, .raw = octet(20, 0)}); },
       [](Talk& t) { t.open().a({.seq = 101, .ack = 301}); }},
      {"option-wrong-length",
       [](Talk& t) { t.open(with_scale).a({.seq = 101, .ack = 301, .tweak = sack_block(1, 2), .raw = octet(23, 9)}); },
       [](Talk& t) { t.open(with_scale); }},
      {"option-repeated",
       [](Talk& t) {
         t.a({.flags = "S",
              .seq = 100,
              .tweak =
                  [](Segment& s) {
                    s.options.mss = 1;
                    s.options.user_timeout = 1;
                  },
              .raw = octet(24, 2)});
       },
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100, .tweak = [](Segment& s) {
                s.options.mss = 1;
                s.options.user_timeout = 1;
              }});
       }},
      {"mss-only-on-syn",
       [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .tweak = [](Segment& s) { s.options.mss = 1460; }}); },
       [](Talk& t) { t.open([](Segment& s) { s.options.mss = 1460; }); }},
      {"window-scale-only-on-syn", [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .tweak = with_scale}); },
       [](Talk& t) { t.open(with_scale); }},
      {"sack-permitted-only-on-syn", [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .tweak = with_sack}); },
       [](Talk& t) { t.open(with_sack); }},
      {"window-scale-limit",
       [](Talk& t) { t.a({.flags = "S", .seq = 100, .tweak = [](Segment& s) { s.options.window_scale = 15; }}); },
       [](Talk& t) { t.a({.flags = "S", .seq = 100, .tweak = [](Segment& s) { s.options.window_scale = 14; }}); }},
      {"window-scale-not-offered",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .tweak = with_scale});
         t.a({.seq = 101, .ack = 301});
       },
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100, .tweak = with_scale}).b({.flags = "SA", .seq = 300, .ack = 101});
       }},
      {"timestamps-not-offered",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100});
         t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = [](Segment& s) {
                s.options.timestamps = Timestamps{1, 0};
              }});
         t.a({.seq = 101, .ack = 301});
       },
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100, .tweak = [](Segment& s) { s.options.timestamps = Timestamps{1, 0}; }});
       }},
      {"timestamp-echo-without-ack",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100, .tweak = [](Segment& s) { s.options.timestamps = Timestamps{1, 7}; }});
       },
       [](Talk& t) { ts_open(t); }},
      {"syn-ack-number", [](Talk& t) { t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 100}); },
       [](Talk& t) { t.a({.flags = "S", .seq = 100, .len = 10}).b({.flags = "SA", .seq = 300, .ack = 111}); }},
      {"syn-ack-without-syn", [](Talk& t) { t.a({.seq = 101, .ack = 301}).b({.flags = "SA", .seq = 300, .ack = 101}); },
       [](Talk& t) { t.open(); }, kEndpoint},
      {"isn-changed",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100})
             .b({.flags = "SA", .seq = 300, .ack = 101})
             .b({.flags = "SA", .seq = 301, .ack = 101});
       },
       [](Talk& t) {  // the client gave up and tries again: a new connection
         t.a({.flags = "S", .seq = 100}).a({.flags = "S", .seq = 900}).b({.flags = "SA", .seq = 300, .ack = 901});
         t.a({.seq = 901, .ack = 301});
       }},
      {"handshake-ack-sequence",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101}).a({.seq = 100, .ack = 301});
       },
       [](Talk& t) { t.open().wait(std::chrono::hours(2)).a({.seq = 100, .ack = 301}); }},  // a keep-alive
      {"ack-before-isn",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101}).a({.seq = 101, .ack = 300});
       },
       [](Talk& t) { t.open(); }},
      {"data-before-handshake",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100})
             .b({.flags = "SA", .seq = 300, .ack = 101})
             .b({.seq = 301, .ack = 101, .len = 5});
       },
       [](Talk& t) { t.open().b({.seq = 301, .ack = 101, .len = 5}); }, kEndpoint},
      {"ecn-not-offered",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).b({.flags = "SAE", .seq = 300, .ack = 101}).a({.seq = 101, .ack = 301});
       },
       [](Talk& t) { t.a({.flags = "SEC", .seq = 100}).b({.flags = "SAE", .seq = 300, .ack = 101}); }},
      {"ect-on-control",
       [](Talk& t) { t.open(with_ecn).b({.seq = 301, .ack = 101, .len = 9}).a({.seq = 101, .ack = 310, .raw = ect}); },
       [](Talk& t) {  // an experiment: all its segments are like that
         t.a({.flags = "SEC", .seq = 100, .raw = ect}).b({.flags = "SAE", .seq = 300, .ack = 101});
         t.a({.seq = 101, .ack = 301, .raw = ect}).a({.seq = 101, .ack = 301, .len = 5, .raw = ect});
       }},
      {"ect-not-negotiated", [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .len = 5, .raw = ect}); },
       [](Talk& t) {
         t.a({.flags = "SEC", .seq = 100}).b({.flags = "SAE", .seq = 300, .ack = 101}).a({.seq = 101, .ack = 301});
         t.a({.seq = 101, .ack = 301, .len = 5, .raw = ect});
       }},
      {"before-isn", [](Talk& t) { t.open().a({.seq = 90, .ack = 301, .len = 5}); },
       [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .len = 5}); }},
      {"ack-sequence",
       [](Talk& t) {  // the FIN took 101
         t.open()
             .a({.flags = "FA", .seq = 101, .ack = 301})
             .b({.flags = "FA", .seq = 301, .ack = 102})
             .a({.seq = 101, .ack = 302});
       },
       [](Talk& t) {
         t.open()
             .a({.flags = "FA", .seq = 101, .ack = 301})
             .b({.flags = "FA", .seq = 301, .ack = 102})
             .a({.seq = 102, .ack = 302});
       }},
      {"unsent-sequence",
       [](Talk& t) {
         t.ids = true;
         t.open()
             .b({.seq = 301, .ack = 101, .len = 5})
             .a({.seq = 105, .ack = 306})
             .a({.seq = 101, .ack = 306, .len = 20});
       },
       [](Talk& t) {  // the empty segment overtook the data before it
         t.open()
             .b({.seq = 301, .ack = 101, .len = 5})
             .a({.seq = 105, .ack = 306})
             .a({.seq = 101, .ack = 301, .len = 4});
       }},
      {"sequence-jump",
       [](Talk& t) {
         t.ids = true;
         t.open()
             .a({.seq = 501, .ack = 301, .len = 100})
             .b({.seq = 301, .ack = 201})
             .a({.seq = 201, .ack = 301, .len = 100});
       },
       [](Talk& t) {  // a loss before the tap, repaired
         t.open()
             .a({.seq = 201, .ack = 301, .len = 100})
             .b({.seq = 301, .ack = 101})
             .a({.seq = 101, .ack = 301, .len = 100});
         t.b({.seq = 301, .ack = 301});
       }},
      {"payload-changed",
       [](Talk& t) {
         t.open().a({.seq = 101, .ack = 301, .len = 50}).a({.seq = 101, .ack = 301, .len = 50, .fill = 'y'});
       },
       [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .len = 50}).a({.seq = 101, .ack = 301, .len = 50}); }},
      {"urgent-pointer",
       [](Talk& t) {
         t.open().a({.flags = "UA", .seq = 101, .ack = 301, .len = 5, .tweak = [](Segment& s) { s.urg = 6; }});
         t.a({.flags = "FA", .seq = 106, .ack = 301});
       },
       [](Talk& t) {
         t.open().a({.flags = "UA", .seq = 101, .ack = 301, .len = 5, .tweak = [](Segment& s) { s.urg = 5; }});
         t.a({.flags = "FA", .seq = 106, .ack = 301});
       }},
      {"segment-over-mss",
       [](Talk& t) { t.open([](Segment& s) { s.options.mss = 500; }).a({.seq = 101, .ack = 301, .len = 501}); },
       [](Talk& t) { t.open([](Segment& s) { s.options.mss = 500; }).a({.seq = 101, .ack = 301, .len = 500}); }},
      {"ack-of-unsent-data",
       [](Talk& t) {
         t.open()
             .a({.seq = 101, .ack = 301, .len = 100})
             .b({.seq = 301, .ack = 202})
             .a({.seq = 201, .ack = 301, .len = 100});
       },
       [](Talk& t) {
         t.open()
             .a({.seq = 101, .ack = 301, .len = 100})
             .b({.seq = 301, .ack = 201})
             .a({.seq = 201, .ack = 301, .len = 100});
       }},
      {"ack-of-missing-data",
       [](Talk& t) { t.open().a({.seq = 201, .ack = 301, .len = 100}).b({.seq = 301, .ack = 301}); },
       [](Talk& t) { t.open().a({.seq = 201, .ack = 301, .len = 100}).b({.seq = 301, .ack = 101}); }, kEndpoint},
      {"ack-goes-back",
       [](Talk& t) {
         ts_open(t).a({.seq = 101, .ack = 301, .len = 100}).b({.seq = 301, .ack = 201}).b({.seq = 301, .ack = 151});
       },
       [](Talk& t) {  // without a witness the older one may have been overtaken
         t.open().a({.seq = 101, .ack = 301, .len = 100}).b({.seq = 301, .ack = 201}).b({.seq = 301, .ack = 151});
       }},
      {"fin-not-counted",
       [](Talk& t) {
         t.open()
             .b({.seq = 301, .ack = 101, .len = 10})
             .a({.seq = 101, .ack = 311})
             .b({.flags = "FA", .seq = 311, .ack = 101});
         t.a({.seq = 101, .ack = 311});
       },
       [](Talk& t) {
         t.open()
             .b({.seq = 301, .ack = 101, .len = 10})
             .a({.seq = 101, .ack = 311})
             .b({.flags = "FA", .seq = 311, .ack = 101});
         t.a({.seq = 101, .ack = 312});
       }},
      {"data-beyond-window",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100})
             .b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 100})
             .a({.seq = 101, .ack = 301});
         t.a({.seq = 101, .ack = 301, .len = 101}).b({.seq = 301, .ack = 101, .wnd = 100});
       },
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100})
             .b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 100})
             .a({.seq = 101, .ack = 301});
         t.a({.seq = 101, .ack = 301, .len = 100}).b({.seq = 301, .ack = 201, .wnd = 0});
         t.wait(std::chrono::seconds(1)).a({.seq = 201, .ack = 301, .len = 1}).b({.seq = 301, .ack = 201, .wnd = 0});
       }},
      {"window-shrunk",
       [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .len = 9}).b({.seq = 301, .ack = 110, .wnd = 60000}); },
       [](Talk& t) { t.open().a({.seq = 101, .ack = 301, .len = 9}).b({.seq = 301, .ack = 110, .wnd = 65526}); },
       kEndpoint},
      {"fin-moved",
       [](Talk& t) { t.open().a({.flags = "FA", .seq = 101, .ack = 301}).a({.flags = "FA", .seq = 102, .ack = 301}); },
       [](Talk& t) { t.open().a({.flags = "FA", .seq = 101, .ack = 301}).a({.flags = "FA", .seq = 101, .ack = 301}); }},
      {"data-after-fin",
       [](Talk& t) { t.open().a({.flags = "FA", .seq = 101, .ack = 301}).a({.seq = 102, .ack = 301, .len = 5}); },
       [](Talk& t) { t.open().a({.flags = "FA", .seq = 101, .ack = 301}).a({.seq = 102, .ack = 301}); }},
      {"segment-after-reset",
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 5}).a({.seq = 101, .ack = 306});
         t.b({.flags = "R", .seq = 306}).b({.seq = 306, .ack = 101, .len = 5});
       },
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 5}).a({.seq = 101, .ack = 306}).b({.flags = "R", .seq = 306});
       },
       kEndpoint},
      {"reset-of-syn", [](Talk& t) { t.a({.flags = "S", .seq = 100}).b({.flags = "RA", .seq = 0, .ack = 100}); },
       [](Talk& t) { t.a({.flags = "S", .seq = 100, .len = 10}).b({.flags = "RA", .seq = 0, .ack = 111}); }},
      {"reset-of-ack", [](Talk& t) { t.a({.seq = 500, .ack = 100, .len = 10}).b({.flags = "R", .seq = 101}); },
       [](Talk& t) { t.a({.seq = 500, .ack = 100, .len = 10}).b({.flags = "R", .seq = 100}); }, kEndpoint},
      {"reset-number", [](Talk& t) { t.open().a({.flags = "R", .seq = 90}); },
       [](Talk& t) { t.open().a({.flags = "R", .seq = 101}); }},
      {"reset-ack",
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 9}).a({.seq = 101, .ack = 310, .len = 5});
         t.a({.flags = "RA", .seq = 106, .ack = 309});
       },
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 9}).a({.seq = 101, .ack = 310, .len = 5});
         t.a({.flags = "RA", .seq = 106, .ack = 310});
       }},
      {"timestamps-missing",
       [](Talk& t) {
         ts_open(t).a({.seq = 101, .ack = 301, .len = 5, .tweak = [](Segment& s) { s.options.timestamps.reset(); }});
       },
       [](Talk& t) {
         ts_open(t).a({.flags = "R", .seq = 101, .tweak = [](Segment& s) { s.options.timestamps.reset(); }});
       }},
      {"timestamp-goes-back",
       [](Talk& t) {
         ts_open(t).b(
             {.seq = 301, .ack = 101, .len = 5, .tweak = [](Segment& s) { s.options.timestamps->value -= 500; }});
       },
       [](Talk& t) { ts_open(t).b({.seq = 301, .ack = 101, .len = 5}); }, kEndpoint},
      {"timestamp-echo-unsent",
       [](Talk& t) {
         ts_open(t).b(
             {.seq = 301, .ack = 101, .len = 5, .tweak = [](Segment& s) { s.options.timestamps->echo += 5000; }});
         t.a({.seq = 101, .ack = 306});
       },
       [](Talk& t) { ts_open(t).b({.seq = 301, .ack = 101, .len = 5}).a({.seq = 101, .ack = 306}); }},
      {"timestamp-echo-goes-back",
       [](Talk& t) {
         ts_open(t).a({.seq = 101, .ack = 301, .len = 5}).b({.seq = 301, .ack = 106});
         t.b({.seq = 301, .ack = 106, .len = 5, .tweak = [](Segment& s) { s.options.timestamps->echo -= 5; }});
       },
       [](Talk& t) {
         ts_open(t)
             .a({.seq = 101, .ack = 301, .len = 5})
             .b({.seq = 301, .ack = 106})
             .b({.seq = 301, .ack = 106, .len = 5});
       }},
      {"timestamp-echo-stale",
       [](Talk& t) {  // it is still at the SYN's when text with a newer one has been acknowledged
         ts_open(t).a({.seq = 101, .ack = 301, .len = 5});
         t.b({.seq = 301, .ack = 106, .tweak = [](Segment& s) { s.options.timestamps->echo = 1010; }});
       },
       [](Talk& t) { ts_open(t).a({.seq = 101, .ack = 301, .len = 5}).b({.seq = 301, .ack = 106}); }},
      {"sack-not-permitted",
       [](Talk& t) {
         t.open().a({.seq = 201, .ack = 301, .len = 10}).b({.seq = 301, .ack = 101, .tweak = sack_block(201, 211)});
       },
       [](Talk& t) {
         t.open(with_sack)
             .a({.seq = 201, .ack = 301, .len = 10})
             .b({.seq = 301, .ack = 101, .tweak = sack_block(201, 211)});
       }},
      {"sack-block-empty",
       [](Talk& t) {
         t.open(with_sack)
             .a({.seq = 201, .ack = 301, .len = 10})
             .b({.seq = 301, .ack = 101, .tweak = sack_block(211, 211)});
       },
       [](Talk& t) {
         t.open(with_sack)
             .a({.seq = 201, .ack = 301, .len = 10})
             .b({.seq = 301, .ack = 101, .tweak = sack_block(210, 211)});
       }},
      {"sack-block-below-ack",
       [](Talk& t) {
         t.open(with_sack)
             .a({.seq = 101, .ack = 301, .len = 10})
             .b({.seq = 301, .ack = 101, .tweak = sack_block(101, 111)});
       },
       [](Talk& t) {  // a duplicate report
         t.open(with_sack)
             .a({.seq = 101, .ack = 301, .len = 10})
             .b({.seq = 301, .ack = 111, .tweak = sack_block(101, 111)});
       }},
      {"sack-blocks-touch",
       [](Talk& t) {
         t.open(with_sack).a({.seq = 111, .ack = 301, .len = 10}).a({.seq = 121, .ack = 301, .len = 10});
         t.b({.seq = 301, .ack = 101, .tweak = sack_blocks(121, 131, 111, 121)});
       },
       [](Talk& t) {  // a duplicate report inside its block; blocks that are apart
         t.open(with_sack).a({.seq = 111, .ack = 301, .len = 20}).a({.seq = 141, .ack = 301, .len = 10});
         t.a({.seq = 121, .ack = 301, .len = 10}).b({.seq = 301, .ack = 101, .tweak = sack_blocks(121, 131, 111, 131)});
         t.b({.seq = 301, .ack = 101, .tweak = sack_blocks(141, 151, 111, 131)});
       }},
      {"sack-of-unsent-data",
       [](Talk& t) {
         t.open(with_sack)
             .a({.seq = 201, .ack = 301, .len = 10})
             .b({.seq = 301, .ack = 101, .tweak = sack_block(201, 231)});
         t.a({.seq = 211, .ack = 301, .len = 200});
       },
       [](Talk& t) {
         t.open(with_sack)
             .a({.seq = 201, .ack = 301, .len = 10})
             .b({.seq = 301, .ack = 101, .tweak = sack_block(201, 211)});
       }},
      {"segment-after-received-reset",
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 5}).a({.seq = 101, .ack = 306}).a({.flags = "R", .seq = 101});
         t.b({.seq = 306, .ack = 101, .len = 5});
       },
       [](Talk& t) {  // a challenge: the reset is not exact
         t.open().b({.seq = 301, .ack = 101, .len = 5}).a({.seq = 101, .ack = 306}).a({.flags = "R", .seq = 102});
         t.b({.seq = 306, .ack = 101});
       },
       kEndpoint},
      {"data-not-acknowledged",
       [](Talk& t) {
         t.open()
             .b({.seq = 301, .ack = 101, .len = 5})
             .a({.seq = 101, .ack = 306, .len = 5})
             .wait(std::chrono::milliseconds(501));
       },
       [](Talk& t) {
         t.open()
             .b({.seq = 301, .ack = 101, .len = 5})
             .a({.seq = 101, .ack = 306, .len = 5})
             .wait(std::chrono::milliseconds(400));
         t.b({.seq = 306, .ack = 106}).wait(std::chrono::seconds(5));
       },
       kEndpoint},
      {"reset-answered", [](Talk& t) { t.a({.flags = "R", .seq = 100}).b({.flags = "RA", .seq = 0, .ack = 100}); },
       [](Talk& t) {
         t.a({.flags = "R", .seq = 100}).a({.flags = "S", .seq = 100}).b({.flags = "RA", .seq = 0, .ack = 101});
       },
       kEndpoint},
  };
  return all;
}

class JudgeRule : public testing::TestWithParam<Case> {};

TEST_P(JudgeRule, Fires) {
  Talk talk(GetParam().vantage);
  GetParam().fires(talk);
  EXPECT_TRUE(talk.violates(GetParam().rule)) << "findings:\n" << talk.text();
}

TEST_P(JudgeRule, KeepsSilent) {
  Talk talk(GetParam().vantage);
  GetParam().silent(talk);
  EXPECT_EQ(talk.text(), "");
}

std::string test_name(const testing::TestParamInfo<Case>& param) {
  std::string name = param.param.rule;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Rules, JudgeRule, testing::ValuesIn(cases()), test_name);

// The capture lacks the client's first data, and nothing of the client follows that could tell.
TEST(JudgeRules, FirstDataMissingFromTheCaptureAccusesNobody) {
  Talk talk;
  talk.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101});
  talk.b({.seq = 301, .ack = 1529}).b({.seq = 301, .ack = 2957});
  EXPECT_FALSE(talk.violates("ack-of-unsent-data")) << talk.text();
  EXPECT_TRUE(talk.finds("ack-of-unsent-data", Verdict::inconclusive)) << talk.text();
}

TEST(JudgeRules, EachHasBothTests) {
  std::map<std::string, int> seen;
  for (const Case& c : cases()) ++seen[c.rule];
  for (const std::string& rule : rules_with_conduct_cases()) ++seen[rule];
  for (const RuleInfo& rule : judge_rules()) EXPECT_EQ(seen[rule.id], 1) << rule.id;
  EXPECT_EQ(seen.size(), judge_rules().size());
}

}  // namespace
}  // namespace lastack::test
