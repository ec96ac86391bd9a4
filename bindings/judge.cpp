// The Python module lastack._judge: the judge for scenarios (bytes in, findings out as dicts) and check_file for
// captures (one JSON document). It translates values and decides nothing.
#include "conformance/judge/judge.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/trace/check.h"

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

  void received(std::uint64_t t_us, const py::bytes& packet) {
    require_endpoint("received");
    judge_.received(instant_from_us(t_us), view(packet));
  }
  void sent(std::uint64_t t_us, const py::bytes& packet) {
    require_endpoint("sent");
    judge_.sent(instant_from_us(t_us), view(packet));
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

std::string check(const std::string& path, bool strict, std::vector<std::string> rules,
                  std::vector<std::string> skip_rules, std::size_t max_findings, std::size_t ladder_segments,
                  std::size_t max_connections_listed, const std::string& tap,
                  const std::map<std::string, double>& profile, const py::object& progress) {
  CheckOptions options;
  options.tap = tap_choice(tap);
  options.profile = profile_of(profile);
  options.advisories = strict;
  options.rules = std::move(rules);
  options.skip_rules = std::move(skip_rules);
  options.max_findings = max_findings;
  options.ladder_segments = ladder_segments;
  options.max_connections_listed = max_connections_listed;
  if (const auto unknown = unknown_rules(options); !unknown.empty()) {
    throw std::invalid_argument("unknown rule: " + unknown.front());
  }
  bool interrupted = false;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    const py::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() != 0) {
      interrupted = true;
      return false;
    }
    if (!progress.is_none()) progress(done, total);
    return true;
  };
  std::string json;
  {
    const py::gil_scoped_release released;
    json = to_json(check_file(path, options));
  }
  if (interrupted) throw py::error_already_set();
  return json;
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
        py::arg("strict") = false, py::arg("rules") = std::vector<std::string>{},
        py::arg("skip_rules") = std::vector<std::string>{}, py::arg("max_findings") = 10'000,
        py::arg("ladder_segments") = 0, py::arg("max_connections_listed") = 1'000, py::arg("tap") = "",
        py::arg("profile") = std::map<std::string, double>{}, py::arg("progress") = py::none());
  py::class_<lastack::PythonJudge>(m, "Judge", "Watches one stack (vantage endpoint) or a path.")
      .def(py::init<std::vector<std::string>, const std::string&, std::uint64_t>(), py::arg("local_ips"),
           py::arg("vantage") = "endpoint", py::kw_only(), py::arg("reaction_us") = 0)
      .def("received", &lastack::PythonJudge::received, py::arg("t_us"), py::arg("packet"))
      .def("sent", &lastack::PythonJudge::sent, py::arg("t_us"), py::arg("packet"))
      .def("observed", &lastack::PythonJudge::observed, py::arg("t_us"), py::arg("packet"))
      .def("advance", &lastack::PythonJudge::advance, py::arg("t_us"))
      .def("finish", &lastack::PythonJudge::finish)
      .def("findings", &lastack::PythonJudge::findings)
      .def("state", &lastack::PythonJudge::state, py::arg("local_port"), py::arg("remote_ip"), py::arg("remote_port"))
      .def_property_readonly("local_ips", &lastack::PythonJudge::local_ips);
}
