// Reading the fields of a request and writing the parts of a reply: PROTOCOL.md's types, checked, with the field's name
// in every message.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/sut/lastack_sut.h"

namespace lastack::sut {

using Json = nlohmann::json;

// A request that is not as the protocol says. Answered with `internal`; the program goes on.
struct BadRequest : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::uint64_t number(const Json& request, const char* field, std::uint64_t max);
std::uint64_t number_or(const Json& request, const char* field, std::uint64_t max, std::uint64_t otherwise);
std::int32_t handle(const Json& request);
bool boolean_or(const Json& request, const char* field, bool otherwise);
std::string text(const Json& request, const char* field);
std::string text_or(const Json& request, const char* field, const std::string& otherwise);
std::vector<std::uint8_t> octets(const Json& request, const char* field);
void address(const std::string& words, std::uint8_t* ip4, std::uint8_t* ip6, const char* field);
lastack_sut_addr remote(const Json& request);

std::string hex(const std::uint8_t* data, std::size_t size);
Json remote_to_json(const lastack_sut_addr& from);
Json info_to_json(const lastack_sut_info& info);
Json events_to_json(std::uint32_t events);
Json caps_to_json(std::uint64_t caps);

}  // namespace lastack::sut
