// Connections in an order of their own, linked through themselves in a ring that the list itself closes: to take one
// out, nobody has to know where it is. Each is in one such list at most.
#pragma once

#include "stack/host/connection.h"

namespace lastack {

class ConnectionList {
 public:
  ConnectionList() = default;
  ConnectionList(const ConnectionList&) = delete;
  ConnectionList& operator=(const ConnectionList&) = delete;

  Connection* oldest() const { return connection(ends_.younger); }
  // The neighbours of one that is in this list; null at its ends.
  Connection* older(const Connection& c) const { return connection(c.older); }
  Connection* younger(const Connection& c) const { return connection(c.younger); }
  // Takes it out of the list that it is in, whichever that is.
  static void remove(ListLinks& c) {
    if (c.older == nullptr) return;
    c.older->younger = c.younger;
    c.younger->older = c.older;
    c = {};
  }

 protected:
  Connection* youngest() const { return connection(ends_.older); }
  // `older` is null at the old end.
  void link_after(ListLinks* older, ListLinks& c) {
    if (older == nullptr) older = &ends_;
    c = {older, older->younger};
    c.older->younger = c.younger->older = &c;
  }

 private:
  Connection* connection(ListLinks* links) const { return links == &ends_ ? nullptr : static_cast<Connection*>(links); }

  ListLinks ends_{&ends_, &ends_};
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
