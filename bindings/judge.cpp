// The Python module lastack._judge: the judge for scenarios (bytes in, findings out as dicts) and check_file for
// captures (one JSON document). It translates values and decides nothing.
#include "conformance/judge/judge.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <functional>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/trace/annotate.h"
#include "conformance/trace/check.h"
#include "conformance/trace/exchange.h"

namespace py = pybind11;

namespace lastack {
namespace {

Bytes view(const py::bytes& data) {
  const std::string_view text = data;
  return as_bytes(text.data(), text.size());
}

Duration microseconds(std::uint64_t us) { return std::chrono::microseconds(static_cast<std::int64_t>(us)); }

py::dict dict_of(const RuleInfo& rule) {
  py::dict d;
  d["id"] = rule.id;
  d["clause"] = rule.clause;
  d["level"] = to_string(rule.level);
  d["soundness"] = std::string(1, static_cast<char>(rule.soundness));
  d["text"] = rule.sentence;
  return d;
}

py::dict dict_of(const Finding& f) {
  py::dict d;
  d["packet"] = f.packet;
  d["time"] = std::chrono::duration<double>(f.time.time_since_epoch()).count();
  d["connection"] = f.connection;
  d["endpoint"] = f.endpoint.text();
  d["peer"] = f.peer.text();
  d["verdict"] = to_string(f.verdict);
  d["rule"] = f.rule->id;
  d["clause"] = f.rule->clause;
  d["level"] = to_string(f.rule->level);
  d["soundness"] = std::string(1, static_cast<char>(f.rule->soundness));
  d["requires"] = f.rule->sentence;
  d["expected"] = f.expected;
  d["actual"] = f.actual;
  d["why"] = f.why;
  return d;
}

// Scenarios know a stack by its addresses: who sent a packet on the path is read from the packet.
class PythonJudge {
 public:
  PythonJudge(std::vector<std::string> local_ips, const std::string& vantage, std::uint64_t reaction_us)
      : local_(std::move(local_ips)) {
    JudgeOptions options;
    if (vantage == "endpoint") {
      options.vantage = Vantage::endpoint;
    } else if (vantage == "path") {
      options.vantage = Vantage::path;
    } else {
      throw std::invalid_argument("vantage is \"endpoint\" or \"path\", not \"" + vantage + "\"");
    }
    endpoint_ = options.vantage == Vantage::endpoint;
    options.reaction_time = microseconds(reaction_us);
    judge_ = Judge(options);
  }

  // Number 0: the next one.
  void received(std::uint64_t t_us, const py::bytes& packet, std::uint64_t number) {
    require_endpoint("received");
    number_ = number == 0 ? number_ + 1 : number;
    judge_.received(instant_from_us(t_us), view(packet), number_);
  }
  void sent(std::uint64_t t_us, const py::bytes& packet, std::uint64_t number) {
    require_endpoint("sent");
    number_ = number == 0 ? number_ + 1 : number;
    judge_.sent(instant_from_us(t_us), view(packet), number_);
  }
  void observed(std::uint64_t t_us, const py::bytes& packet) {
    if (endpoint_) throw std::invalid_argument("observed() is for vantage=\"path\"; use received() and sent()");
    judge_.observed(instant_from_us(t_us), view(packet), ++number_);
  }
  void advance(std::uint64_t t_us) { judge_.advance(instant_from_us(t_us)); }
  void finish() { judge_.finish(); }

  py::list findings() const {
    py::list list;
    for (const Finding& f : judge_.findings()) list.append(dict_of(f));
    return list;
  }

  std::string state(std::uint16_t local_port, const std::string& remote_ip, std::uint16_t remote_port) const {
    const auto ip = IpAddress::parse(remote_ip);
    if (!ip) throw std::invalid_argument("not an IP address: " + remote_ip);
    return judge_.state(local_port, {*ip, remote_port});
  }
  const std::vector<std::string>& local_ips() const { return local_; }

 private:
  void require_endpoint(const char* call) const {
    if (!endpoint_) throw std::invalid_argument(std::string(call) + "() is for vantage=\"endpoint\"; use observed()");
  }

  std::vector<std::string> local_;
  Judge judge_;
  bool endpoint_ = true;
  std::uint64_t number_ = 0;
};

TapChoice tap_choice(const std::string& name) {
  if (name.empty()) return TapChoice::infer;
  if (name == "client") return TapChoice::client;
  if (name == "server") return TapChoice::server;
  if (name == "path") return TapChoice::path;
  throw std::invalid_argument("tap is \"client\", \"server\" or \"path\", not \"" + name + "\"");
}

Profile profile_of(const std::map<std::string, double>& values) {
  Profile profile;
  for (const auto& [name, value] : values) {
    if (!set_profile_value(profile, name, value)) {
      throw std::invalid_argument("profile: no value " + name + ", or " + std::to_string(value) +
                                  " is out of its range");
    }
  }
  return profile;
}

// What Python calls an exception the other side of the binding calls a wish to stop: the report says so, and holds
// everything up to there.
std::function<bool(std::uint64_t, std::uint64_t)> progress_of(const py::object& progress) {
  return [&progress](std::uint64_t done, std::uint64_t total) {
    const py::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() != 0) {
      PyErr_Clear();
      return false;
    }
    return progress.is_none() || !progress(done, total).is(py::bool_(false));
  };
}

CheckOptions check_options(bool strict, bool advisories, std::vector<std::string> rules,
                           std::vector<std::string> skip_rules, const std::string& tap,
                           const std::map<std::string, double>& profile, const py::object& progress) {
  CheckOptions options;
  options.tap = tap_choice(tap);
  options.profile = profile_of(profile);
  options.strict = strict;
  options.advisories = advisories;
  options.rules = std::move(rules);
  options.skip_rules = std::move(skip_rules);
  options.progress = progress_of(progress);
  if (const auto unknown = unknown_rules(options); !unknown.empty()) {
    throw std::invalid_argument("unknown rule: " + unknown.front());
  }
  return options;
}

std::string check(const std::string& path, bool strict, bool advisories, std::vector<std::string> rules,
                  std::vector<std::string> skip_rules, std::size_t max_findings, std::size_t max_connections_listed,
                  const std::string& tap, const std::map<std::string, double>& profile, const py::object& progress) {
  CheckOptions options =
      check_options(strict, advisories, std::move(rules), std::move(skip_rules), tap, profile, progress);
  options.max_findings = max_findings;
  options.max_connections_listed = max_connections_listed;
  const py::gil_scoped_release released;
  return to_json(check_file(path, options));
}

std::string exchange(const std::string& path, bool strict, bool advisories, std::vector<std::string> rules,
                     std::vector<std::string> skip_rules, std::vector<std::uint32_t> connections,
                     std::vector<std::uint64_t> packets, std::size_t before, std::size_t after, std::size_t max_steps,
                     std::size_t max_payload, const std::string& tap, const std::map<std::string, double>& profile,
                     const py::object& progress) {
  const CheckOptions options =
      check_options(strict, advisories, std::move(rules), std::move(skip_rules), tap, profile, progress);
  const ExchangeOptions wanted{std::move(connections), std::move(packets), before, after, max_steps, max_payload};
  const py::gil_scoped_release released;
  return exchange_to_json(path, options, wanted);
}

std::uint64_t annotate(const std::string& path, const std::string& out, const PacketComments& comments) {
  Annotated done;
  {
    const py::gil_scoped_release released;
    done = annotate_capture(path, out, comments);
  }
  if (!done.error.empty()) throw std::runtime_error(done.error);
  return done.packets;
}

py::list rules() {
  py::list list;
  for (const RuleInfo& rule : judge_rules()) list.append(dict_of(rule));
  return list;
}

}  // namespace
}  // namespace lastack

PYBIND11_MODULE(_judge, m) {
  m.doc() = "The judge: decides clause by clause whether TCP segments are permitted.";
  m.def("rules", &lastack::rules, "Every rule: id, clause, level, soundness, text.");
  m.def("check_file", &lastack::check, "Checks a capture; one JSON document, schema 1.", py::arg("path"), py::kw_only(),
        py::arg("strict") = false, py::arg("advisories") = false, py::arg("rules") = std::vector<std::string>{},
        py::arg("skip_rules") = std::vector<std::string>{}, py::arg("max_findings") = 10'000,
        py::arg("max_connections_listed") = 1'000, py::arg("tap") = "",
        py::arg("profile") = std::map<std::string, double>{}, py::arg("progress") = py::none());
  m.def("exchange", &lastack::exchange, "Checks a capture and records its segments; one JSON document.",
        py::arg("path"), py::kw_only(), py::arg("strict") = false, py::arg("advisories") = false,
        py::arg("rules") = std::vector<std::string>{}, py::arg("skip_rules") = std::vector<std::string>{},
        py::arg("connections") = std::vector<std::uint32_t>{}, py::arg("packets") = std::vector<std::uint64_t>{},
        py::arg("before") = 4, py::arg("after") = 2, py::arg("max_steps") = 10'000, py::arg("max_payload") = 0,
        py::arg("tap") = "", py::arg("profile") = std::map<std::string, double>{}, py::arg("progress") = py::none());
  m.def("annotate", &lastack::annotate, "Copies a capture to pcapng with comments on packets.", py::arg("path"),
        py::arg("out"), py::arg("comments"));
  py::class_<lastack::PythonJudge>(m, "Judge", "Watches one stack (vantage endpoint) or a path.")
      .def(py::init<std::vector<std::string>, const std::string&, std::uint64_t>(), py::arg("local_ips"),
           py::arg("vantage") = "endpoint", py::kw_only(), py::arg("reaction_us") = 0)
      .def("received", &lastack::PythonJudge::received, py::arg("t_us"), py::arg("packet"), py::arg("number") = 0)
      .def("sent", &lastack::PythonJudge::sent, py::arg("t_us"), py::arg("packet"), py::arg("number") = 0)
      .def("observed", &lastack::PythonJudge::observed, py::arg("t_us"), py::arg("packet"))
      .def("advance", &lastack::PythonJudge::advance, py::arg("t_us"))
      .def("finish", &lastack::PythonJudge::finish)
      .def("findings", &lastack::PythonJudge::findings)
      .def("state", &lastack::PythonJudge::state, py::arg("local_port"), py::arg("remote_ip"), py::arg("remote_port"))
      .def_property_readonly("local_ips", &lastack::PythonJudge::local_ips);
}
