// Bytes of a file or of standard input, in order, plain or compressed, through one bounded buffer. Knows nothing of
// formats.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stack/base/bytes.h"

namespace lastack {

class Decoder;

class ByteSource {
 public:
  // "-" is standard input. On failure nothing is returned and `error` says why.
  static std::optional<ByteSource> open(const std::string& path, std::string& error);
  ByteSource(ByteSource&& other) noexcept;
  ByteSource& operator=(ByteSource&& other) noexcept;
  ~ByteSource();

  // The next `size` bytes, or all that are left when there are fewer. Valid until the next call.
  Bytes peek(std::size_t size) {
    if (end_ - begin_ < size) fill(size);
    const std::size_t there = end_ - begin_;
    return {buffer_.data() + begin_, size < there ? size : there};
  }
  void consume(std::size_t size) {
    begin_ += size;
    consumed_ += size;
  }
  // Goes over `size` bytes without holding them; false when the end comes before.
  bool skip(std::uint64_t size);
  std::uint64_t offset() const { return consumed_; }   // of the next byte, after decompression
  std::uint64_t raw_offset() const { return taken_; }  // bytes taken from the file, for progress
  std::uint64_t raw_size() const { return size_; }     // of the file; 0 when unknown (a pipe)
  const char* compression() const;                     // "none", "gzip" ...
  // What went wrong when the end came too early: a read error, or damaged compressed data. Empty at a proper end.
  const std::string& error() const { return error_; }

 private:
  ByteSource();
  void fill(std::size_t wanted);
  std::size_t read_some(std::byte* to, std::size_t room);
  std::size_t decode_some(std::byte* to, std::size_t room);
  bool start_decoder();

  int fd_ = -1;
  bool owned_ = false;
  bool at_end_ = false;
  std::vector<std::byte> buffer_;  // bytes that are ready, from `begin_` to `end_`
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t consumed_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t size_ = 0;
  std::unique_ptr<Decoder> decoder_;
  std::vector<std::byte> packed_;  // compressed files only: bytes of the file
  std::size_t packed_begin_ = 0;
  std::size_t packed_end_ = 0;
  std::string error_;
};

}  // namespace lastack
