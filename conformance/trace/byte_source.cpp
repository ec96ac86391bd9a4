// Large reads into one buffer instead of mmap: they work for pipes, and a file that shrinks meanwhile is an error
// message instead of a signal. Not measured against mmap yet.
#include "conformance/trace/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "conformance/trace/decoder.h"

namespace lastack {

namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16;  // so that what is read is still in the processor's cache

}  // namespace

ByteSource::ByteSource() = default;

ByteSource::ByteSource(ByteSource&& other) noexcept : ByteSource() { *this = std::move(other); }

ByteSource& ByteSource::operator=(ByteSource&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(owned_, other.owned_);
  std::swap(at_end_, other.at_end_);
  std::swap(buffer_, other.buffer_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  std::swap(consumed_, other.consumed_);
  std::swap(taken_, other.taken_);
  std::swap(size_, other.size_);
  std::swap(decoder_, other.decoder_);
  std::swap(packed_, other.packed_);
  std::swap(packed_begin_, other.packed_begin_);
  std::swap(packed_end_, other.packed_end_);
  std::swap(error_, other.error_);
  return *this;
}

ByteSource::~ByteSource() {
  if (owned_ && fd_ >= 0) close(fd_);
}

const char* ByteSource::compression() const { return decoder_ ? decoder_->name() : "none"; }

std::optional<ByteSource> ByteSource::open(const std::string& path, std::string& error) {
  ByteSource source;
  source.fd_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  source.owned_ = path != "-";
  if (source.fd_ < 0) {
    error = std::strerror(errno);
    return std::nullopt;
  }
  struct stat status {};
  if (fstat(source.fd_, &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      error = "is a directory";
      return std::nullopt;
    }
    if (S_ISREG(status.st_mode)) source.size_ = static_cast<std::uint64_t>(status.st_size);
  }
  posix_fadvise(source.fd_, 0, 0, POSIX_FADV_SEQUENTIAL);  // pipes refuse; nothing depends on it
  source.buffer_.resize(2 * kChunk);
  source.decoder_ = make_decoder(source.peek(8), error);
  if (!error.empty()) return std::nullopt;
  if (source.decoder_) source.start_decoder();
  return source;
}

bool ByteSource::start_decoder() {
  packed_.assign(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(end_));
  packed_end_ = packed_.size();
  packed_.resize(std::max(packed_.size(), kChunk));
  begin_ = end_ = 0;
  at_end_ = false;
  return true;
}

std::size_t ByteSource::read_some(std::byte* to, std::size_t room) {
  while (true) {
    const ssize_t got = read(fd_, to, room);
    if (got >= 0) {
      taken_ += static_cast<std::uint64_t>(got);
      return static_cast<std::size_t>(got);
    }
    if (errno == EINTR) continue;
    error_ = std::string("cannot read: ") + std::strerror(errno);
    return 0;
  }
}

// 0 at the end or on an error. What was made before an error counts.
std::size_t ByteSource::decode_some(std::byte* to, std::size_t room) {
  while (error_.empty()) {
    if (packed_begin_ == packed_end_) {
      packed_begin_ = 0;
      packed_end_ = read_some(packed_.data(), packed_.size());
    }
    const bool dry = packed_begin_ == packed_end_;
    const Bytes in(packed_.data() + packed_begin_, packed_end_ - packed_begin_);
    if (dry && decoder_->may_end()) return 0;
    Decoder::Step step = decoder_->run(in, {to, room});
    packed_begin_ += step.taken;
    error_ = std::move(step.error);
    if (step.made != 0) return step.made;
    if (!dry && step.taken == 0 && error_.empty()) error_ = "damaged compressed data";
    if (dry && error_.empty()) error_ = std::string("the ") + decoder_->name() + " data ends too early";
  }
  return 0;
}

void ByteSource::fill(std::size_t wanted) {
  if (begin_ != 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < wanted) buffer_.resize(wanted + kChunk);
  while (end_ < wanted && !at_end_) {
    std::byte* to = buffer_.data() + end_;
    const std::size_t room = buffer_.size() - end_;
    const std::size_t got = decoder_ ? decode_some(to, room) : read_some(to, room);
    if (got == 0) at_end_ = true;
    end_ += got;
  }
}

bool ByteSource::skip(std::uint64_t size) {
  while (size != 0) {
    const std::size_t there = peek(std::min<std::uint64_t>(size, kChunk)).size();
    if (there == 0) return false;
    consume(there);
    size -= there;
  }
  return true;
}

}  // namespace lastack
