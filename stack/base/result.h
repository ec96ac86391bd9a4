// Result<T, E>: a value or an error, for peer input (WireError) and user calls (CallError). std::expected is C++23.
#pragma once

#include <utility>
#include <variant>

#include "stack/base/check.h"

namespace lastack {

template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : value_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return value_.index() == 0; }
  explicit operator bool() const { return ok(); }

  const T& value() const& {
    LASTACK_CHECK(ok());
    return *std::get_if<0>(&value_);
  }
  T&& value() && {
    LASTACK_CHECK(ok());
    return std::move(*std::get_if<0>(&value_));
  }
  const T& operator*() const& { return value(); }
  const T* operator->() const { return &value(); }
  const E& error() const {
    LASTACK_CHECK(!ok());
    return *std::get_if<1>(&value_);
  }

 private:
  std::variant<T, E> value_;
};

struct Unit {};
template <typename E>
using Status = Result<Unit, E>;

}  // namespace lastack
