// The user timeout option, RFC 5482.
#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kMinutes = 0x8000;

class UserTimeout : public CoreFixture {
 protected:
  static HostConfig with_option(Duration advertised = 150s) {
    HostConfig config = plain();
    config.tcp.user_timeout_option = true;
    config.tcp.user_timeout = advertised;
    return config;
  }
  void establish_with(const HostConfig& config, std::uint16_t option) {
    start(config);
    listen();
    rx(kSyn, theirs(0), SeqNum(0));
    const auto answer = tx();
    ASSERT_EQ(answer.size(), 1U);
    EXPECT_EQ(answer[0].options.user_timeout.has_value(), config.tcp.user_timeout_option);
    Segment ack = from_peer(kAck, theirs(1), ours(1));
    ack.options.user_timeout = option;
    rx(ack);
    accept();
  }
  // How long text that nobody acknowledges keeps the connection.
  Duration lifetime() {
    send(10);
    tx();
    const Instant from = now_;
    while (state() != State::closed && now_ - from < 10h) advance(1s);
    return now_ - from;
  }
};

struct OptionCase {
  const char* name;
  std::uint16_t option;
  Duration expected;
};
class UserTimeoutOption : public UserTimeout, public testing::WithParamInterface<OptionCase> {};
INSTANTIATE_TEST_SUITE_P(Values, UserTimeoutOption,
                         testing::Values(OptionCase{"longer", 200, 200s}, OptionCase{"shorter_than_ours", 120, 150s},
                                         OptionCase{"minutes", kMinutes | 5, 300s},
                                         OptionCase{"above_the_limit", kMinutes | 1000, 400s},
                                         OptionCase{"reserved", 0, 100s},
                                         OptionCase{"reserved_minutes", kMinutes, 100s}),
                         [](const auto& i) { return i.param.name; });

//= rfc5482 3.1 3.4
TEST_P(UserTimeoutOption, IsTakenWithinOurLimits) {
  HostConfig config = with_option();
  config.tcp.user_timeout_most = 400s;
  establish_with(config, GetParam().option);
  // Without an agreement R2 (100 s) ends it; it looks at the clock when the retransmission timer does.
  const Duration lived = lifetime();
  EXPECT_GE(lived, GetParam().expected);
  EXPECT_LE(lived, GetParam().expected + 60s);
}

TEST_F(UserTimeout, AnApplicationsOwnChoiceIsNotChanged) {
  HostConfig config = with_option(50s);
  config.tcp.user_timeout_changeable = false;
  establish_with(config, 300);
  EXPECT_EQ(lifetime(), Duration(50s));
}

TEST_F(UserTimeout, OffItIsIgnored) {
  HostConfig config = plain();
  config.tcp.user_timeout = 50s;
  establish_with(config, 300);
  EXPECT_EQ(lifetime(), Duration(50s));
}

//= RFC5482-3.3-a
TEST_F(UserTimeout, OursIsInTheSynAndInTheFirstSegmentAfterIt) {
  start(with_option());
  connect();
  auto sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].options.user_timeout, 150);
  rx(kSyn | kAck, theirs(0), ours(1));
  sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].options.user_timeout, 150);
  send(536);
  sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_FALSE(sent[0].options.user_timeout.has_value());
}

TEST_F(UserTimeout, TextMakesRoomForIt) {
  HostConfig config = with_option(40'000s);
  config.tcp.nagle = false;
  start(config);
  listen();
  rx(kSyn, theirs(0), SeqNum(0));
  tx();
  rx(kAck, theirs(1), ours(1));
  accept();
  send(1000);
  const auto sent = tx();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].options.user_timeout, kMinutes | 667);
  EXPECT_EQ(payload_sizes_[0], 532U);
  EXPECT_EQ(payload_sizes_[1], 468U);
}

}  // namespace
}  // namespace lastack
