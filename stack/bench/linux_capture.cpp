// Makes the capture that the judge is measured on: two Linux kernels' worth of TCP, in network namespaces of its own,
// captured on the wire between them. Owns the namespaces, the traffic and the capture; knows nothing of the judge.
//
//   lastack_bench_capture FILE CONNECTIONS SNAPLEN [open]
//
// Each connection sends requests of 100 octets and gets answers of several segments, then closes in order; with "open"
// it gets one answer, and all are open at a time when the capture ends. Offloads are
// off, so that the frames are those of a wire. Needs the right to make network namespaces; says so and exits 6 where
// that is missing.
#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr const char* kServer = "192.0.2.1";
constexpr const char* kClient = "192.0.2.2";
constexpr std::uint16_t kPort = 8080;
constexpr std::size_t kRequest = 100;
constexpr std::size_t kAnswer = 5 * 1448;
constexpr int kRounds = 5;   // requests on one connection
constexpr int kWorkers = 8;  // connections at a time

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "capture: %s: %s\n", what, std::strerror(errno));
  std::exit(6);
}

void command(const std::string& text) {
  if (std::system(text.c_str()) != 0) give_up(text.c_str());
}

// Segmentation and checksums are done by the stack, before the tap.
void switch_offloads_off(const char* interface) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  for (const int what : {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM}) {
    ethtool_value value{static_cast<__u32>(what), 0};
    ifreq request{};
    std::strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (ioctl(fd, SIOCETHTOOL, &request) != 0) give_up("switching an offload off");
  }
  close(fd);
}

// Every process of ours ends with the one that captures, whatever ends that one.
pid_t fork_with_us() {
  const pid_t child = fork();
  if (child == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return child;
}

// A process in a network namespace of its own that does nothing: the client's side lives there.
pid_t make_namespace() {
  std::array<int, 2> ready{};
  if (pipe(ready.data()) != 0) give_up("pipe");
  const pid_t child = fork_with_us();
  if (child == 0) {
    if (unshare(CLONE_NEWNET) != 0) _exit(1);
    if (write(ready[1], "x", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  close(ready[1]);
  char octet = 0;
  if (read(ready[0], &octet, 1) != 1) give_up("making a network namespace (needs root)");
  close(ready[0]);
  return child;
}

void join_namespace(pid_t of) {
  const std::string path = "/proc/" + std::to_string(of) + "/ns/net";
  FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr || setns(fileno(file), CLONE_NEWNET) != 0) give_up(path.c_str());
  std::fclose(file);
}

void move_all(int fd, std::size_t octets, bool out) {
  static std::array<char, 65536> buffer{};
  while (octets > 0) {
    const std::size_t part = std::min(octets, buffer.size());
    const ssize_t moved = out ? send(fd, buffer.data(), part, MSG_NOSIGNAL) : recv(fd, buffer.data(), part, 0);
    if (moved <= 0) give_up("moving octets");
    octets -= static_cast<std::size_t>(moved);
  }
}

sockaddr_in address_of(const char* text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

[[noreturn]] void serve(int listener, bool stay_open) {
  for (;;) {
    const int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (int i = 0; i < (stay_open ? 1 : kRounds); ++i) {
      move_all(fd, kRequest, false);
      move_all(fd, kAnswer, true);
    }
    if (stay_open) continue;
    char octet = 0;
    if (recv(fd, &octet, 1, 0) != 0) give_up("the client did not close");
    close(fd);
  }
}

// Who stays open stops itself at the end, with its sockets.
void be_client(int connections, bool stay_open) {
  const sockaddr_in server = address_of(kServer);
  for (int i = 0; i < connections; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) give_up("connect");
    for (int round = 0; round < (stay_open ? 1 : kRounds); ++round) {
      move_all(fd, kRequest, true);
      move_all(fd, kAnswer, false);
    }
    if (!stay_open) close(fd);
  }
  if (stay_open) raise(SIGSTOP);
}

void allow_many_files() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) give_up("getrlimit");
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) give_up("setrlimit");
}

std::vector<pid_t> start_servers(bool stay_open) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = address_of(kServer);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 512) != 0) {
    give_up("listen");
  }
  std::vector<pid_t> servers;
  for (int i = 0; i < kWorkers; ++i) {
    const pid_t child = fork_with_us();
    if (child == 0) serve(listener, stay_open);
    servers.push_back(child);
  }
  return servers;
}

pcap_t* open_tap(const char* interface, int snaplen) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_t* tap = pcap_create(interface, error.data());
  if (tap == nullptr) give_up(error.data());
  pcap_set_snaplen(tap, snaplen);
  pcap_set_buffer_size(tap, 512 << 20);
  pcap_set_timeout(tap, 100);
  if (pcap_activate(tap) < 0 || pcap_setnonblock(tap, 1, error.data()) != 0) give_up(pcap_geterr(tap));
  return tap;
}

// Writes packets until `clients` have ended (or stopped) and the wire has fallen silent. Returns how many packets.
unsigned long record(pcap_t* tap, const char* file, std::vector<pid_t> clients) {
  pcap_dumper_t* dump = pcap_dump_open(tap, file);
  if (dump == nullptr) give_up(pcap_geterr(tap));
  unsigned long packets = 0;
  int silent = 0;
  while (!clients.empty() || silent < 10) {
    const int got = pcap_dispatch(tap, -1, pcap_dump, reinterpret_cast<u_char*>(dump));
    packets += got > 0 ? static_cast<unsigned long>(got) : 0;
    silent = got > 0 ? 0 : silent + 1;
    if (got == 0) usleep(20'000);
    std::erase_if(clients, [](pid_t client) {
      int status = 0;
      if (waitpid(client, &status, WNOHANG | WUNTRACED) != client) return false;
      if (status != 0 && !WIFSTOPPED(status)) std::exit(1);
      return true;
    });
  }
  pcap_stat counts{};
  pcap_stats(tap, &counts);
  pcap_dump_close(dump);
  if (counts.ps_drop != 0) {
    std::fprintf(stderr, "capture: the kernel dropped %u packets\n", counts.ps_drop);
    std::exit(1);
  }
  return packets;
}

}  // namespace

int main(int argc, char** argv) {
  const bool stay_open = argc == 5 && std::strcmp(argv[4], "open") == 0;
  if (argc != 4 && !stay_open) {
    std::fprintf(stderr, "usage: %s FILE CONNECTIONS SNAPLEN [open]\n", argv[0]);
    return 4;
  }
  allow_many_files();
  const int connections = std::atoi(argv[2]);
  const pid_t server_side = make_namespace();
  const pid_t client_side = make_namespace();
  join_namespace(server_side);
  command("ip link set lo up && ip link add tap0 type veth peer name end0 netns " + std::to_string(client_side));
  command(std::string("ip addr add ") + kServer + "/24 dev tap0 && ip link set tap0 up");
  switch_offloads_off("tap0");
  pcap_t* tap = open_tap("tap0", std::atoi(argv[3]));
  join_namespace(client_side);
  command(std::string("ip addr add ") + kClient + "/24 dev end0 && ip link set end0 up");
  switch_offloads_off("end0");
  join_namespace(server_side);
  const std::vector<pid_t> servers = start_servers(stay_open);
  join_namespace(client_side);
  std::vector<pid_t> clients;
  for (int i = 0; i < kWorkers; ++i) {
    const pid_t child = fork_with_us();
    if (child == 0) {
      be_client(connections / kWorkers, stay_open);
      _exit(0);
    }
    clients.push_back(child);
  }
  const unsigned long packets = record(tap, argv[1], clients);
  for (const pid_t child : servers) kill(child, SIGKILL);
  if (stay_open) {
    for (const pid_t child : clients) kill(child, SIGKILL);
  }
  kill(server_side, SIGKILL);
  kill(client_side, SIGKILL);
  std::printf("{\"packets\":%lu,\"connections\":%d}\n", packets, connections);
  return 0;
}
