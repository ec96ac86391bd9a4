// Bytes of a file or of standard input, in order, plain or gzip, through one bounded buffer. Knows nothing of formats.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "stack/base/bytes.h"

namespace lastack {

class ByteSource {
 public:
  // "-" is standard input. On failure nothing is returned and `error` says why.
  static std::optional<ByteSource> open(const std::string& path, std::string& error);
  ByteSource(ByteSource&&) noexcept;
  ByteSource& operator=(ByteSource&&) noexcept;
  ~ByteSource();

  // The next `size` bytes, or all that are left when there are fewer. Valid until the next call.
  Bytes peek(std::size_t size);
  void consume(std::size_t size);
  std::uint64_t offset() const;      // of the next byte, after decompression
  std::uint64_t raw_offset() const;  // bytes taken from the file, for progress
  std::uint64_t raw_size() const;    // of the file; 0 when unknown (a pipe)
  // What went wrong when the end came too early: a read error, or damaged gzip data. Empty at a proper end.
  const std::string& error() const;

 private:
  struct Impl;
  explicit ByteSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastack
