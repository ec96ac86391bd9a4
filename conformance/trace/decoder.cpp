#include "conformance/trace/decoder.h"

#include <zlib.h>

#include <cstring>
#ifdef LASTACK_ZSTD
#include <zstd.h>
#endif
#ifdef LASTACK_LZ4
#include <lz4frame.h>
#endif

namespace lastack {

namespace {

Bytef* zlib_pointer(std::byte* p) { return static_cast<Bytef*>(static_cast<void*>(p)); }

class Gzip final : public Decoder {
 public:
  Gzip() { open_ = inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK; }
  ~Gzip() override {
    if (open_) inflateEnd(&stream_);
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  Step run(Bytes in, MutableBytes out) override {
    if (!open_) return {0, 0, "cannot start zlib"};
    stream_.next_in = zlib_pointer(const_cast<std::byte*>(in.data()));  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = zlib_pointer(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    Step step{in.size() - stream_.avail_in, out.size() - stream_.avail_out, {}};
    if (result == Z_STREAM_END) {
      inflateReset(&stream_);  // another member may follow
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      step.error = std::string("damaged gzip data: ") + (stream_.msg != nullptr ? stream_.msg : "unknown");
    }
    return step;
  }
  bool may_end() const override { return stream_.total_in == 0; }
  const char* name() const override { return "gzip"; }

 private:
  z_stream stream_{};
  bool open_ = false;
};

#ifdef LASTACK_ZSTD
class Zstd final : public Decoder {
 public:
  Zstd() : context_(ZSTD_createDCtx()) {}
  ~Zstd() override { ZSTD_freeDCtx(context_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  Step run(Bytes in, MutableBytes out) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t left = ZSTD_decompressStream(context_, &to, &from);
    Step step{from.pos, to.pos, {}};
    if (ZSTD_isError(left) != 0) step.error = std::string("damaged zstd data: ") + ZSTD_getErrorName(left);
    done_ = left == 0;
    return step;
  }
  bool may_end() const override { return done_; }
  const char* name() const override { return "zstd"; }

 private:
  ZSTD_DCtx* context_;
  bool done_ = true;
};
#endif

#ifdef LASTACK_LZ4
class Lz4 final : public Decoder {
 public:
  Lz4() {
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)) != 0) context_ = nullptr;
  }
  ~Lz4() override { LZ4F_freeDecompressionContext(context_); }
  Lz4(const Lz4&) = delete;
  Lz4& operator=(const Lz4&) = delete;

  Step run(Bytes in, MutableBytes out) override {
    if (context_ == nullptr) return {0, 0, "cannot start lz4"};
    Step step{in.size(), out.size(), {}};
    const std::size_t left = LZ4F_decompress(context_, out.data(), &step.made, in.data(), &step.taken, nullptr);
    if (LZ4F_isError(left) != 0) step.error = std::string("damaged lz4 data: ") + LZ4F_getErrorName(left);
    done_ = left == 0;
    return step;
  }
  bool may_end() const override { return done_; }
  const char* name() const override { return "lz4"; }

 private:
  LZ4F_dctx* context_ = nullptr;
  bool done_ = true;
};
#endif

bool begins(Bytes head, std::initializer_list<unsigned> magic) {
  if (head.size() < magic.size()) return false;
  std::size_t at = 0;
  for (const unsigned octet : magic) {
    if (load_u8(head.data() + at++) != octet) return false;
  }
  return true;
}

std::string pipe_hint(const char* tool) {
  return std::string("is compressed with ") + tool + "; try: " + tool + " -dc FILE | lastack check -";
}

}  // namespace

std::unique_ptr<Decoder> make_decoder(Bytes head, std::string& error) {
  if (begins(head, {0x1f, 0x8b})) return std::make_unique<Gzip>();
  if (begins(head, {0x28, 0xb5, 0x2f, 0xfd})) {
#ifdef LASTACK_ZSTD
    return std::make_unique<Zstd>();
#else
    error = pipe_hint("zstd");
#endif
  }
  if (begins(head, {0x04, 0x22, 0x4d, 0x18})) {
#ifdef LASTACK_LZ4
    return std::make_unique<Lz4>();
#else
    error = pipe_hint("lz4");
#endif
  }
  if (begins(head, {0xfd, '7', 'z', 'X', 'Z', 0})) error = pipe_hint("xz");
  if (begins(head, {'B', 'Z', 'h'})) error = pipe_hint("bzip2");
  return nullptr;
}

}  // namespace lastack
