// gzip is recognised by its first two bytes; zlib inflates it piece by piece. Files that consist of several gzip
// members (as `cat a.gz b.gz` makes them) are read through.
#include "conformance/trace/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace lastack {

namespace {

constexpr std::size_t kChunk = std::size_t{1} << 18;

Bytef* zlib_pointer(std::byte* p) { return static_cast<Bytef*>(static_cast<void*>(p)); }

}  // namespace

struct ByteSource::Impl {
  int fd = -1;
  bool owned = false;
  bool gzip = false;
  bool at_end = false;
  z_stream stream{};
  bool stream_open = false;
  std::vector<std::byte> buffer;  // decompressed bytes from `begin` to `end`
  std::size_t begin = 0;
  std::size_t end = 0;
  std::vector<std::byte> packed;  // gzip only: bytes of the file
  std::size_t packed_begin = 0;
  std::size_t packed_end = 0;
  std::uint64_t consumed = 0;
  std::uint64_t taken = 0;
  std::uint64_t size = 0;
  std::string error;

  ~Impl() {
    if (stream_open) inflateEnd(&stream);
    if (owned && fd >= 0) close(fd);
  }

  std::size_t read_some(std::byte* to, std::size_t room) {
    while (true) {
      const ssize_t got = read(fd, to, room);
      if (got >= 0) {
        taken += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno == EINTR) continue;
      error = std::string("cannot read: ") + std::strerror(errno);
      return 0;
    }
  }

  bool start_gzip() {
    gzip = true;
    packed.assign(buffer.begin() + static_cast<std::ptrdiff_t>(begin),
                  buffer.begin() + static_cast<std::ptrdiff_t>(end));
    packed_end = packed.size();
    packed.resize(std::max(packed.size(), kChunk));
    begin = end = 0;
    stream_open = inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK;
    if (!stream_open) error = "cannot start zlib";
    return stream_open;
  }

  // Inflates into `to`; 0 at the end or on an error.
  std::size_t inflate_some(std::byte* to, std::size_t room) {
    stream.next_out = zlib_pointer(to);
    stream.avail_out = static_cast<uInt>(room);
    while (stream.avail_out == room) {
      if (packed_begin == packed_end) {
        packed_begin = 0;
        packed_end = read_some(packed.data(), packed.size());
        if (packed_end == 0) {
          if (error.empty() && stream.total_in != 0) error = "the gzip data ends too early";
          return 0;
        }
      }
      stream.next_in = zlib_pointer(packed.data() + packed_begin);
      stream.avail_in = static_cast<uInt>(packed_end - packed_begin);
      const int result = inflate(&stream, Z_NO_FLUSH);
      packed_begin = packed_end - stream.avail_in;
      if (result == Z_STREAM_END) {
        inflateReset(&stream);  // another member may follow
        continue;
      }
      if (result != Z_OK && result != Z_BUF_ERROR) {
        error = std::string("damaged gzip data: ") + (stream.msg != nullptr ? stream.msg : "unknown");
        break;
      }
    }
    return room - stream.avail_out;
  }

  void fill(std::size_t wanted) {
    if (begin != 0 && begin + wanted > buffer.size()) {
      std::memmove(buffer.data(), buffer.data() + begin, end - begin);
      end -= begin;
      begin = 0;
    }
    if (buffer.size() < wanted) buffer.resize(wanted + kChunk);
    while (end - begin < wanted && !at_end) {
      std::byte* to = buffer.data() + end;
      const std::size_t room = buffer.size() - end;
      const std::size_t got = gzip ? inflate_some(to, room) : read_some(to, room);
      if (got == 0) at_end = true;
      end += got;
    }
  }
};

ByteSource::ByteSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ByteSource::ByteSource(ByteSource&&) noexcept = default;
ByteSource& ByteSource::operator=(ByteSource&&) noexcept = default;
ByteSource::~ByteSource() = default;

std::optional<ByteSource> ByteSource::open(const std::string& path, std::string& error) {
  auto impl = std::make_unique<Impl>();
  if (path == "-") {
    impl->fd = STDIN_FILENO;
  } else {
    impl->fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    impl->owned = true;
    if (impl->fd < 0) {
      error = std::strerror(errno);
      return std::nullopt;
    }
  }
  struct stat status {};
  if (fstat(impl->fd, &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      error = "is a directory";
      return std::nullopt;
    }
    if (S_ISREG(status.st_mode)) impl->size = static_cast<std::uint64_t>(status.st_size);
  }
  impl->buffer.resize(2 * kChunk);
  impl->fill(2);
  const bool magic = impl->end >= 2 && load_be16(impl->buffer.data()) == 0x1f8b;
  if (magic && !impl->start_gzip()) {
    error = impl->error;
    return std::nullopt;
  }
  return ByteSource(std::move(impl));
}

Bytes ByteSource::peek(std::size_t size) {
  Impl& m = *impl_;
  if (m.end - m.begin < size) m.fill(size);
  return {m.buffer.data() + m.begin, std::min(size, m.end - m.begin)};
}

void ByteSource::consume(std::size_t size) {
  impl_->begin += size;
  impl_->consumed += size;
}

std::uint64_t ByteSource::offset() const { return impl_->consumed; }
std::uint64_t ByteSource::raw_offset() const { return impl_->taken; }
std::uint64_t ByteSource::raw_size() const { return impl_->size; }
const std::string& ByteSource::error() const { return impl_->error; }

}  // namespace lastack
