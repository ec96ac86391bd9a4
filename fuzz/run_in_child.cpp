// Running a program for the tool: here, or in a child process so that a crash of the stack is an answer and not the
// end.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "fuzz/tool.h"
#include "fuzz/world_machine.h"

namespace lastack::fuzz {
namespace {

constexpr unsigned kSecondsForOneRun = 25;

std::string read_all(int fd) {
  std::string all;
  std::array<char, 4096> buffer{};
  for (ssize_t n = read(fd, buffer.data(), buffer.size()); n > 0; n = read(fd, buffer.data(), buffer.size())) {
    all.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return all;
}

std::string line_with(const std::string& text, const char* mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string::npos) return {};
  const std::size_t begin = text.rfind('\n', at) + 1;  // npos + 1 is 0
  return text.substr(begin, text.find('\n', at) - begin);
}

// What distinguishes one crash from another: the assertion, the sanitizer's summary, the signal.
std::string crash_id(const std::string& said, int status) {
  for (const char* mark : {"Assertion `", "runtime error:", "SUMMARY: "}) {
    const std::string line = line_with(said, mark);
    if (!line.empty()) return "crash:" + line;
  }
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGALRM ? "timeout" : std::string("crash:") + strsignal(WTERMSIG(status));
  return "exit:" + std::to_string(WEXITSTATUS(status));
}

[[noreturn]] void child(const Program& program, const Stacks& stacks, int out) {
  dup2(out, STDERR_FILENO);
  alarm(kSecondsForOneRun);
  const RunResult result = run(program, stacks);
  if (!result.error.empty()) {
    std::fprintf(stderr, "%s\n", result.error.c_str());
    _exit(6);
  }
  // An oracle's answer: the id, a newline, the text.
  if (result.failure) dprintf(out, "%s\n%s\n", result.failure->id().c_str(), result.failure->text.c_str());
  _exit(result.failure ? 7 : 0);
}

}  // namespace

RunResult run(const Program& program, const Stacks& stacks, Observer* observer) {
  const RunOptions options{.sut = stacks.sut, .sut_b = stacks.sut_b, .observer = observer};
  return stacks.target == Target::world ? run_world(program, options) : run_program(program, options);
}

std::string run_in_child(const Program& program, const Stacks& stacks, std::string& text) {
  std::array<int, 2> pipe_fds{};
  if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) return "no pipe";
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid == 0) child(program, stacks, pipe_fds[1]);
  close(pipe_fds[1]);
  const std::string said = read_all(pipe_fds[0]);
  close(pipe_fds[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  text = said;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 7) {
    const std::size_t end = said.find('\n');
    text = said.substr(std::min(end + 1, said.size()));
    return said.substr(0, end);
  }
  text = crash_id(said, status);
  return text;
}

}  // namespace lastack::fuzz
