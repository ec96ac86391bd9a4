// The loop of a `cmd:` program: one line in, one line out, whatever the line is. PROTOCOL.md is the reference.
//
// A stack without the capability `multi` may keep its state in global variables. For such a one every `reset` runs in a
// fresh child that took nothing over from the test before: the child reads standard input itself, and when the next
// `reset` arrives it hands what it has read back to the parent and ends. So there is no relay on the way of a packet.
// How a child dies is how the program dies.
#include "conformance/sut/serve.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "conformance/sut/serve_json.h"

namespace lastack::sut {
namespace {

constexpr std::uint64_t kProtocol = 1;
constexpr std::size_t kMaxLine = std::size_t{4} << 20;
constexpr std::size_t kMaxRecv = std::size_t{1} << 20;
constexpr std::size_t kMaxPackets = 100'000;  // in answer to one request; more is a stack that never stops
constexpr std::uint64_t kMaxTime = UINT64_MAX - 1;
constexpr char kHandover = 'R';
constexpr char kEnd = 'E';

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

// Lines of standard input, bounded. What has been read and not yet used can be handed to another process.
class Lines {
 public:
  struct Line {
    std::string text;
    bool too_long = false;
  };

  std::optional<Line> next() {
    Line line;
    while (true) {
      const std::size_t end = buffer_.find('\n', scanned_);
      if (end != std::string::npos) {
        if (!line.too_long) line.text = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        scanned_ = 0;
        return line;
      }
      scanned_ = buffer_.size();
      if (buffer_.size() > kMaxLine) {
        line.too_long = true;
        buffer_.clear();
        scanned_ = 0;
      }
      if (!fill()) return std::nullopt;
    }
  }

  void put_back(std::string text) {
    buffer_ = std::move(text) + buffer_;
    scanned_ = 0;
  }

  std::string take_rest() { return std::exchange(buffer_, {}); }

 private:
  bool fill() {
    char chunk[65536];
    ssize_t n = 0;
    do {
      n = ::read(STDIN_FILENO, chunk, sizeof chunk);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(n));
    return true;
  }

  std::string buffer_;
  std::size_t scanned_ = 0;
};

struct OpName {
  const char* name;
  lastack_app_op op;
};
constexpr OpName kOps[] = {
    {"listen", LASTACK_APP_LISTEN}, {"connect", LASTACK_APP_CONNECT}, {"accept", LASTACK_APP_ACCEPT},
    {"send", LASTACK_APP_SEND},     {"recv", LASTACK_APP_RECV},       {"shutdown", LASTACK_APP_SHUTDOWN},
    {"close", LASTACK_APP_CLOSE},   {"abort", LASTACK_APP_ABORT},     {"set-iss", LASTACK_APP_SET_ISS},
    {"find", LASTACK_APP_FIND},     {"set", LASTACK_APP_SET},         {"events", LASTACK_APP_EVENTS}};

class Server {
 public:
  Server(lastack_sut_entry_fn entry, const char* missing) : missing_(missing) {
    if (entry != nullptr) ops_ = entry(LASTACK_SUT_ABI);
    if (ops_ != nullptr && (ops_->abi != LASTACK_SUT_ABI || ops_->size != sizeof(lastack_sut_ops))) ops_ = nullptr;
    if (ops_ == nullptr && missing_.empty())
      missing_ = "this stack does not speak lastack_sut.h ABI " + std::to_string(LASTACK_SUT_ABI);
  }

  int run();

 private:
  enum class Next { go_on, fork, hand_over, stop };

  Next answer(const Lines::Line& line);
  Json reply_to(const Json& request, const std::string& command);
  Json hello() const;
  Json reset(const Json& request);
  Json app(const Json& request);
  void fill_call(const Json& request, lastack_sut_call* call);
  void fill_result(const lastack_sut_call& call, const lastack_sut_ret& ret, Json* reply) const;
  Json info(const Json& request);
  Json outcome(int result, const char* error) const;
  void add_output(std::uint64_t now, Json* reply);
  void destroy();
  bool print(const Json& reply);
  std::optional<int> run_child();

  bool per_child() const { return (ops_->caps & LASTACK_CAP_MULTI) == 0; }

  const lastack_sut_ops* ops_ = nullptr;
  std::string missing_;
  void* sut_ = nullptr;
  std::uint64_t now_ = 0;  // of the stack: time never goes backwards
  bool is_child_ = false;
  bool was_reset_ = false;
  int handover_ = -1;  // the child's end of the pipe to the parent
  Lines lines_;
  std::vector<std::uint8_t> data_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(65536);
  std::string name_;
};

int Server::run() {
  while (std::optional<Lines::Line> line = lines_.next()) {
    switch (answer(*line)) {
      case Next::go_on: break;
      case Next::stop: destroy(); return EXIT_SUCCESS;
      case Next::hand_over: {
        destroy();
        const std::string rest = kHandover + line->text + '\n' + lines_.take_rest();
        write_all(handover_, rest.data(), rest.size());
        return EXIT_SUCCESS;
      }
      case Next::fork:
        lines_.put_back(line->text + '\n');
        if (const std::optional<int> status = run_child()) return *status;
        break;
    }
  }
  destroy();
  return EXIT_SUCCESS;
}

// Returns the exit status when the program is to end; nothing when there is input left to serve.
std::optional<int> Server::run_child() {
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0) return EXIT_FAILURE;
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return EXIT_FAILURE;
  if (child == 0) {
    close(ends[0]);
    is_child_ = true;
    handover_ = ends[1];
    const int status = run();
    if (status == EXIT_SUCCESS) write_all(handover_, &kEnd, 1);
    return status;
  }
  close(ends[1]);
  std::string rest;
  char chunk[65536];
  for (ssize_t n = 0; (n = ::read(ends[0], chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR);) {
    if (n > 0) rest.append(chunk, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    std::signal(WTERMSIG(status), SIG_DFL);
    std::raise(WTERMSIG(status));
    return 128 + WTERMSIG(status);
  }
  if (WEXITSTATUS(status) != 0 || rest.empty() || rest[0] != kHandover) return WEXITSTATUS(status);
  lines_.take_rest();
  lines_.put_back(rest.substr(1, rest.size() - 2));  // less the child's end mark
  return std::nullopt;
}

Server::Next Server::answer(const Lines::Line& line) {
  Json id = nullptr;
  Json reply = Json::object();
  Next next = Next::go_on;
  try {
    if (line.too_long) throw BadRequest("the line is longer than " + std::to_string(kMaxLine) + " octets");
    const Json request = Json::parse(line.text);
    if (!request.is_object()) throw BadRequest("the request is not a JSON object");
    const auto found = request.find("id");
    if (found != request.end() && found->is_number_integer()) id = *found;
    if (id.is_null()) throw BadRequest("field 'id' is missing or not an integer");
    const std::string command = text(request, "cmd");
    if (command == "reset" && ops_ != nullptr && per_child() && !is_child_) return Next::fork;
    if (command == "reset" && is_child_ && was_reset_) return Next::hand_over;
    if (command == "bye") next = Next::stop;
    reply = reply_to(request, command);
  } catch (const BadRequest& error) {
    reply = {{"internal", error.what()}};
  } catch (const Json::exception& error) {
    reply = {{"internal", std::string("the line is not JSON: ") + error.what()}};
  }
  reply["id"] = id;
  return print(reply) ? next : Next::stop;
}

bool Server::print(const Json& reply) {
  // Text of the stack or of the request may not be UTF-8: it is shown with replacement characters.
  const std::string text = reply.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  return write_all(STDOUT_FILENO, text.data(), text.size());
}

Json Server::reply_to(const Json& request, const std::string& command) {
  if (command == "bye") return Json::object();
  if (command == "hello") return hello();
  if (ops_ == nullptr) return {{"unsupported", missing_}};
  if (command == "reset") return reset(request);
  const bool known = command == "rx" || command == "tick" || command == "app" || command == "info";
  if (!known) return {{"unsupported", "unknown command '" + command + "'"}};
  if (sut_ == nullptr) throw BadRequest("no stack yet: send 'reset' first");
  now_ = std::max(now_, number(request, "t_us", kMaxTime));
  if (command == "app") return app(request);
  if (command == "info") return info(request);
  int result = LASTACK_OK;
  if (command == "rx") {
    data_ = octets(request, "ip");
    result = ops_->rx(sut_, now_, data_.data(), data_.size());
  } else {
    result = ops_->tick(sut_, now_);
  }
  Json reply = outcome(result, "");
  add_output(now_, &reply);
  return reply;
}

Json Server::hello() const {
  if (ops_ == nullptr) return {{"unsupported", missing_}};
  return {{"protocol", kProtocol},
          {"name", ops_->name},
          {"version", ops_->version != nullptr ? ops_->version : ""},
          {"caps", caps_to_json(ops_->caps)},
          {"profile", ops_->profile != nullptr ? ops_->profile : ""}};
}

Json Server::reset(const Json& request) {
  lastack_sut_cfg cfg = {};
  cfg.size = sizeof cfg;
  now_ = cfg.now_us = number_or(request, "t_us", kMaxTime, 0);
  cfg.seed = number_or(request, "seed", UINT64_MAX, 0);
  address(text_or(request, "ip4", "192.0.2.1"), cfg.ip4, nullptr, "ip4");
  address(text_or(request, "ip6", "2001:db8::1"), nullptr, cfg.ip6, "ip6");
  cfg.mtu = static_cast<std::uint16_t>(number_or(request, "mtu", UINT16_MAX, 1500));
  cfg.rcv_buf = static_cast<std::uint32_t>(number_or(request, "rcv_buf", UINT32_MAX, 0));
  cfg.snd_buf = static_cast<std::uint32_t>(number_or(request, "snd_buf", UINT32_MAX, 0));
  cfg.msl_ms = static_cast<std::uint32_t>(number_or(request, "msl_ms", UINT32_MAX, 0));
  const std::string options = text_or(request, "options", "");
  cfg.options = options.c_str();
  destroy();
  was_reset_ = true;
  char error[256] = "";
  sut_ = ops_->create(&cfg, error, sizeof error);
  const std::string said = error;
  if (sut_ == nullptr) {
    const std::string mark = "unsupported: ";
    if (said.rfind(mark, 0) == 0) return {{"unsupported", said.substr(mark.size())}};
    return {{"error", said.empty() ? "the stack did not say why it could not be created" : said}};
  }
  Json reply = Json::object();
  for (std::size_t from = 0; from < said.size();) {
    const std::size_t comma = std::min(said.find(',', from), said.size());
    reply["ignored"].push_back(said.substr(from, comma - from));
    from = comma + 1;
  }
  add_output(cfg.now_us, &reply);
  return reply;
}

Json Server::app(const Json& request) {
  const std::string op = text(request, "op");
  lastack_sut_call call = {};
  call.size = sizeof call;
  call.now_us = now_;
  call.conn = -1;
  for (const OpName& known : kOps) {
    if (op == known.name) call.op = known.op;
  }
  if (call.op == 0) return {{"unsupported", "unknown operation '" + op + "'"}};
  fill_call(request, &call);
  lastack_sut_ret ret = {};
  ret.size = sizeof ret;
  const int result = ops_->app(sut_, &call, &ret);
  ret.error[sizeof ret.error - 1] = '\0';
  Json reply = outcome(result, ret.error);
  if (result == LASTACK_OK) fill_result(call, ret, &reply);
  add_output(now_, &reply);
  return reply;
}

void Server::fill_call(const Json& request, lastack_sut_call* call) {
  const auto port = [&request] { return static_cast<std::uint16_t>(number_or(request, "port", UINT16_MAX, 0)); };
  switch (call->op) {
    case LASTACK_APP_LISTEN:
      call->local.port = port();
      call->backlog = static_cast<std::uint32_t>(number_or(request, "backlog", UINT32_MAX, 8));
      return;
    case LASTACK_APP_CONNECT:
    case LASTACK_APP_FIND:
      call->local.port = port();
      call->remote = remote(request);
      if (call->op == LASTACK_APP_CONNECT && request.contains("data")) {  // Fast Open: text for the SYN
        data_ = octets(request, "data");
        call->data = data_.data();
        call->len = data_.size();
      }
      return;
    case LASTACK_APP_SET_ISS: call->value = number(request, "value", UINT32_MAX); return;
    default: break;
  }
  call->conn = handle(request);
  if (call->op == LASTACK_APP_SEND) {
    data_ = octets(request, "data");
    call->data = data_.data();
    call->len = data_.size();
    call->flags = (boolean_or(request, "push", false) ? LASTACK_SEND_PUSH : 0) |
                  (boolean_or(request, "urgent", false) ? LASTACK_SEND_URGENT : 0);
  } else if (call->op == LASTACK_APP_RECV) {
    data_.resize(std::min(kMaxRecv, static_cast<std::size_t>(number_or(request, "cap", UINT32_MAX, 65536))));
    call->buffer = data_.data();
    call->cap = data_.size();
  } else if (call->op == LASTACK_APP_SET) {
    name_ = text(request, "name");
    call->name = name_.c_str();
    call->value = number(request, "value", UINT64_MAX);
  }
}

void Server::fill_result(const lastack_sut_call& call, const lastack_sut_ret& ret, Json* reply) const {
  switch (call.op) {
    case LASTACK_APP_LISTEN:
    case LASTACK_APP_CONNECT:
    case LASTACK_APP_FIND: (*reply)["conn"] = ret.conn; return;
    case LASTACK_APP_ACCEPT:
      (*reply)["conn"] = ret.conn;
      (*reply)["remote"] = remote_to_json(ret.remote);
      return;
    case LASTACK_APP_SEND: (*reply)["count"] = ret.count; return;
    case LASTACK_APP_RECV:
      if (ret.count > call.cap) throw BadRequest("the stack says that it received more octets than there is room for");
      (*reply)["data"] = hex(data_.data(), ret.count);
      (*reply)["eof"] = (ret.flags & LASTACK_RECV_EOF) != 0;
      (*reply)["push"] = (ret.flags & LASTACK_RECV_PUSH) != 0;
      (*reply)["urgent"] = (ret.flags & LASTACK_RECV_URGENT) != 0;
      return;
    case LASTACK_APP_EVENTS:
      (*reply)["events"] = events_to_json(ret.flags);
      if (ret.error[0] != '\0') (*reply)["reason"] = ret.error;
      return;
    default: return;
  }
}

Json Server::info(const Json& request) {
  const std::int32_t conn = handle(request);
  if ((ops_->caps & LASTACK_CAP_INFO) == 0 || ops_->info == nullptr)
    return {{"unsupported", "this stack does not show its variables"}};
  lastack_sut_info info = {};
  info.size = sizeof info;
  Json reply = outcome(ops_->info(sut_, now_, conn, &info), "unknown handle");
  if (reply.empty()) reply["info"] = info_to_json(info);
  return reply;
}

Json Server::outcome(int result, const char* error) const {
  const std::string said = error[0] != '\0' ? error : "no reason given";
  switch (result) {
    case LASTACK_OK: return Json::object();
    case LASTACK_UNSUPPORTED: return {{"unsupported", said}};
    case LASTACK_ERROR: return {{"error", said}};
    case LASTACK_INTERNAL: return {{"internal", said}};
    default: return {{"internal", "the stack answered with the unknown result " + std::to_string(result)}};
  }
}

void Server::add_output(std::uint64_t now, Json* reply) {
  Json out = Json::array();
  for (long size = 0; (size = ops_->tx(sut_, now, buffer_.data(), buffer_.size())) != 0;) {
    if (size < 0 || static_cast<std::size_t>(size) > buffer_.size())
      throw BadRequest("the stack sent a packet longer than 65536 octets");
    if (out.size() >= kMaxPackets) throw BadRequest("the stack sends without end");
    out.push_back(hex(buffer_.data(), static_cast<std::size_t>(size)));
  }
  if (!out.empty()) (*reply)["out"] = std::move(out);
  const std::uint64_t next = ops_->next(sut_, now);
  (*reply)["next_us"] = next == UINT64_MAX ? Json(nullptr) : Json(next);
}

void Server::destroy() {
  if (sut_ != nullptr) ops_->destroy(std::exchange(sut_, nullptr));
}

}  // namespace

int serve(lastack_sut_entry_fn entry, const char* missing) {
  std::signal(SIGPIPE, SIG_IGN);  // the harness may go at any time; then writing fails and we end
  return Server(entry, missing).run();
}

}  // namespace lastack::sut
