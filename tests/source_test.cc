// Sources: slices of whole lines out of files, pipes and packed data, and how they end.
#include "runtime/io/source.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "runtime/model/limits.h"

using namespace omen;

namespace {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/omen-source-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << bytes;
    return path_ + "/" + name;
  }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct Content {
  std::string lines;
  uint64_t slices = 0;
  uint64_t too_long = 0;
  uint64_t last_offset = 0;
  std::string problem;
};

Content read_all(const std::string& path) {
  Content content;
  auto source = Source::open(path);
  REQUIRE(source.is_ok());
  Source::Slice slice;
  while (source.value()->next(slice)) {
    ++content.slices;
    content.last_offset = slice.offset;
    if (slice.is_too_long) {
      ++content.too_long;
      continue;
    }
    CHECK(slice.lines.data()[slice.lines.size()] == '\0');
    content.lines += slice.lines;
  }
  content.problem = source.value()->status().message();
  return content;
}

std::string gzip(const std::string& text) {
  z_stream stream = {};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string many_lines(size_t count) {
  std::string lines;
  for (size_t i = 0; i < count; ++i) lines += "{\"line\":" + std::to_string(i * 7919 % 1000003) + "}\n";
  return lines;
}

}  // namespace

TEST_CASE("plain, gzip and zstd give the same lines") {
  const Folder folder;
  for (const std::string& lines : {std::string(), std::string("one"), std::string("one\ntwo\r\n"), many_lines(100'000),
                                   many_lines(50'000) + "without an end"}) {
    const std::string half_a = lines.substr(0, lines.size() / 2), half_b = lines.substr(lines.size() / 2);
    CHECK((read_all(folder.write("plain", lines)).lines == lines));
    CHECK((read_all(folder.write("a.gz", gzip(lines))).lines == lines));
    CHECK((read_all(folder.write("a.zst", zstd(lines))).lines == lines));
    CHECK((read_all(folder.write("no name", zstd(lines))).lines == lines));
    CHECK((read_all(folder.write("members.gz", gzip(half_a) + gzip(half_b))).lines == lines));
    CHECK((read_all(folder.write("frames.zst", zstd(half_a) + zstd(half_b))).lines == lines));
  }
}

TEST_CASE("a byte order mark at the start is left out") {
  const Folder folder;
  const Content content = read_all(folder.write("bom", "\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo\n"));
  CHECK(content.lines == "one\n\xEF\xBB\xBFtwo\n");
  CHECK(content.last_offset == 3);
}

TEST_CASE("packed data that was cut off gives what came, and an error") {
  const Folder folder;
  const std::string lines = many_lines(200'000);
  for (const std::string& name : {std::string("cut.gz"), std::string("cut.zst")}) {
    const std::string packed = name == "cut.gz" ? gzip(lines) : zstd(lines);
    const Content content = read_all(folder.write(name, packed.substr(0, packed.size() / 2)));
    CAPTURE(name);
    CHECK(content.lines.size() > lines.size() / 4);
    CHECK(lines.starts_with(content.lines));
    CHECK(content.lines.back() == '\n');
    CHECK(content.problem.find(name) != std::string::npos);
    CHECK(content.problem.find("cut off") != std::string::npos);
    std::string damaged = packed;
    for (size_t i = damaged.size() / 2; i < damaged.size(); ++i) damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
    CHECK(read_all(folder.write(name, damaged)).problem.find("damaged") != std::string::npos);
  }
  CHECK(read_all(folder.write("not.gz", "{}\n")).problem.find("not packed as its name says") != std::string::npos);
}

TEST_CASE("files that cannot be read say why") {
  const Folder folder;
  CHECK(Source::open(folder.path("absent")).message().find("No such file") != std::string::npos);
  CHECK(read_all(folder.path(".")).problem.find("directory") != std::string::npos);
}

TEST_CASE("a line of 50 MB is reported, the next one is read, and memory is flat") {
  const Folder folder;
  const std::string path = folder.path("long");
  {
    std::ofstream out(path, std::ios::binary);
    out << "before\n";
    const std::string part(1 << 20, 'x');
    for (int i = 0; i < 50; ++i) out << part;
    out << "\nbehind\n";
  }
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto before_kb = usage.ru_maxrss;
  const Content content = read_all(path);
  getrusage(RUSAGE_SELF, &usage);
  CHECK(usage.ru_maxrss - before_kb < 8 * 1024);
  CHECK(content.lines == "before\nbehind\n");
  CHECK(content.too_long == 1);
  CHECK(content.last_offset == 7 + (50u << 20) + 1);
  // Without a line feed behind it the line is reported once, and that is the end.
  std::filesystem::resize_file(path, 40u << 20);
  CHECK(read_all(path).too_long == 1);
}

TEST_CASE("a line at the limit is whole") {
  const Folder folder;
  const std::string line(event_bytes_max, 'y');
  const Content content = read_all(folder.write("limit", line + "\r\n" + line + "\n" + line));
  CHECK(content.too_long == 0);
  CHECK(content.lines.size() == 3 * size_t{event_bytes_max} + 3);
}

TEST_CASE("what a pipe gives is handed out at once") {
  const Folder folder;
  const std::string path = folder.path("pipe");
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  int write_end = -1;
  std::thread opener([&] { write_end = open(path.c_str(), O_WRONLY); });
  auto source = Source::open(path);
  opener.join();
  REQUIRE(source.is_ok());
  const auto put = [&](std::string_view bytes) {
    REQUIRE(write(write_end, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  };
  Source::Slice slice;
  put("one\ntw");
  REQUIRE(source.value()->next(slice));
  CHECK(slice.lines == "one\n");
  put("o\n");
  REQUIRE(source.value()->next(slice));
  CHECK(slice.lines == "two\n");
  CHECK(slice.offset == 4);
  put("three");
  close(write_end);
  REQUIRE(source.value()->next(slice));
  CHECK(slice.lines == "three");
  CHECK(!source.value()->next(slice));
  CHECK(source.value()->status().is_ok());
}
