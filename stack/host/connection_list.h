// Connections in an order of their own, linked through themselves. Each is in one such list at most.
#pragma once

#include "stack/host/connection.h"

namespace lastack {

class ConnectionList {
 public:
  ConnectionList() = default;
  ConnectionList(const ConnectionList&) = delete;
  ConnectionList& operator=(const ConnectionList&) = delete;

  Connection* oldest() const { return oldest_; }
  // Takes it out of the list that it is in, whichever that is.
  static void remove(Connection& connection) {
    if (connection.listed_in != nullptr) connection.listed_in->unlink(connection);
  }

 protected:
  Connection* youngest() const { return youngest_; }
  // `older` is null at the old end.
  void link_after(Connection* older, Connection& connection) {
    connection.listed_in = this;
    connection.older = older;
    connection.younger = older == nullptr ? oldest_ : older->younger;
    (connection.older == nullptr ? oldest_ : connection.older->younger) = &connection;
    (connection.younger == nullptr ? youngest_ : connection.younger->older) = &connection;
  }

 private:
  void unlink(Connection& connection) {
    (connection.older == nullptr ? oldest_ : connection.older->younger) = connection.younger;
    (connection.younger == nullptr ? youngest_ : connection.younger->older) = connection.older;
    connection.older = nullptr;
    connection.younger = nullptr;
    connection.listed_in = nullptr;
  }

  Connection* oldest_ = nullptr;
  Connection* youngest_ = nullptr;
};

// Those that may come to rest, in the order in which they were last looked at.
class AwakeList : public ConnectionList {
 public:
  void append(Connection& connection, Instant now) {
    remove(connection);
    connection.looked_at = now;
    link_after(youngest(), connection);
  }
};

}  // namespace lastack
