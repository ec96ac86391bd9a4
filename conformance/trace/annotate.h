// Copies a capture to pcapng with comments on packets, for Wireshark and tshark (frame.comment). Link types, lengths
// and times stay; the file's own comments do not.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lastack {

using PacketComments = std::map<std::uint64_t, std::vector<std::string>>;

struct Annotated {
  std::uint64_t packets = 0;  // copied
  std::string error;          // why it could not be written; empty when it was
};

// What stands before damage in `path` is copied.
Annotated annotate_capture(const std::string& path, const std::string& out, const PacketComments& comments);

}  // namespace lastack
