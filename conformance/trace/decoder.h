// Streaming decompression of gzip, zstd and lz4 frames. Files that consist of several compressed parts (as `cat a.gz
// b.gz` makes them) are read through.
#pragma once

#include <memory>
#include <string>

#include "stack/base/bytes.h"

namespace lastack {

class Decoder {
 public:
  virtual ~Decoder() = default;
  struct Step {
    std::size_t taken = 0;  // octets of the input
    std::size_t made = 0;   // octets of the output
    std::string error;      // the data is damaged
  };
  // As far as input and room go.
  virtual Step run(Bytes in, MutableBytes out) = 0;
  // Between two compressed parts: here a file may end.
  virtual bool may_end() const = 0;
  virtual const char* name() const = 0;
};

// By the first octets of a file: nothing when they are not those of a compressed file. `error`: it is one that cannot
// be read here, and what to do.
std::unique_ptr<Decoder> make_decoder(Bytes head, std::string& error);

}  // namespace lastack
