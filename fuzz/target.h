// What a fuzz target is: libFuzzer's entry point. Everything else about a target is in targets/<name>.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
